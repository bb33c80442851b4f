use crate::password::random;
use jiff::Timestamp;
use std::fmt;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

/// The secret that an authenticator app shares with us: 160 bits, six digits, a new code every 30 seconds, the neighbouring
/// ones accepted too, as RFC 6238 recommends and every app expects.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<String>);

/// The text is no such secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the secret of an authenticator: 160 bits in base 32")]
pub struct TotpError;

impl TotpSecret {
    /// A new random one.
    pub fn generate() -> Self {
        Self(Zeroizing::new(Secret::from(random::<20>().as_slice()).to_base32()))
    }

    /// Reads the form of [`TotpSecret::to_base32`].
    ///
    /// # Errors
    /// [`TotpError`].
    pub fn from_base32(text: &str) -> Result<Self, TotpError> {
        let this = Self(Zeroizing::new(text.to_owned()));
        this.totp("", "account")?;
        Ok(this)
    }

    /// What people type when they cannot scan.
    pub fn to_base32(&self) -> &str {
        &self.0
    }

    /// What apps scan: `otpauth://totp/…`. A secret. Colons in the names are left out: the form does not allow them.
    ///
    /// # Errors
    /// [`TotpError`] when there is no account name.
    pub fn uri(&self, issuer: &str, account: &str) -> Result<Zeroizing<String>, TotpError> {
        let plain = |name: &str| name.replace(':', "");
        let totp = self.totp(&plain(issuer), &plain(account))?;
        totp.to_url().map(Zeroizing::new).map_err(|_| TotpError)
    }

    /// The number of the 30 seconds whose code this is, if it is one of now. The caller takes no number a second time, nor
    /// an earlier one: a code works once.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).take(7).collect();
        let seconds = u64::try_from(now.as_second()).ok()?;
        self.totp("", "account").ok()?.check(&code, seconds)
    }

    fn totp(&self, issuer: &str, account: &str) -> Result<Totp, TotpError> {
        let secret = Secret::try_from_base32(self.0.as_str()).map_err(|_| TotpError)?;
        let issuer = Some(issuer).filter(|issuer| !issuer.is_empty());
        let builder = Builder::new().with_secret(secret).with_account_name(account).with_issuer(issuer);
        builder.build().map_err(|_| TotpError)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}
