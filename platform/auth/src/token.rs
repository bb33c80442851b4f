use crate::{
    Scopes,
    key::{TokenKey, VerifyingKey, key_id},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer};
use emporia_id::{Ids, SharedClock};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// No token of ours is longer; a longer text is not looked at.
const LONGEST: usize = 8 * 1024;

/// For whom tokens are and how long they hold.
#[derive(Debug, Clone)]
pub struct TokenOptions {
    /// Who issues (`iss`).
    pub issuer: String,
    /// For whom (`aud`).
    pub audience: String,
    /// How long a token holds.
    pub lifetime: SignedDuration,
    /// By how much clocks may differ.
    pub leeway: SignedDuration,
}

impl TokenOptions {
    /// Tokens that the issuer itself accepts, for 15 minutes.
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        Self {
            audience: issuer.clone(),
            issuer,
            lifetime: SignedDuration::from_mins(15),
            leeway: SignedDuration::from_secs(5),
        }
    }
}

/// A token and when it ends.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token: a secret.
    pub token: String,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedToken(until {})", self.expires_at)
    }
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who: a text that the issuer understands.
    pub subject: String,
    /// What he may do.
    pub scopes: Scopes,
    /// The token's own id.
    pub token_id: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("the access token is malformed")]
    Malformed,
    /// Its header names another algorithm, or a key that is not ours (any more).
    #[error("the access token was not issued with a key that is accepted here: sign in again")]
    UnknownKey,
    /// It was altered, or signed by somebody else.
    #[error("the access token's signature is wrong")]
    WrongSignature,
    /// It was issued by or for somebody else.
    #[error("the access token is not meant for this service")]
    NotForUs,
    /// It begins to hold later.
    #[error("the access token is not valid yet: check the clocks")]
    NotYetValid,
    /// It has ended: use the refresh token.
    #[error("the access token has expired: refresh the session")]
    Expired,
}

/// The claims as they stand in the token (RFC 7519, RFC 9068).
#[derive(Serialize, Deserialize)]
struct Body {
    iss: String,
    aud: String,
    sub: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    scope: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Issues and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct AccessTokens(Arc<Inner>);

struct Inner {
    key: TokenKey,
    accepted: Vec<Accepted>,
    options: TokenOptions,
    clock: SharedClock,
    ids: Ids,
}

#[derive(Clone)]
struct Accepted {
    header: String,
    id: String,
    key: VerifyingKey,
}

impl Accepted {
    fn new(key: VerifyingKey) -> Self {
        let id = key_id(&key);
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{id}"}}"#);
        Self { header: URL_SAFE_NO_PAD.encode(header), id, key }
    }
}

impl AccessTokens {
    /// Tokens signed with `key`.
    pub fn new(key: TokenKey, options: TokenOptions, clock: SharedClock, ids: Ids) -> Self {
        Self::accepting(key, &[], options, clock, ids)
    }

    /// As [`AccessTokens::new`], accepting tokens of former keys too: while the signing key is being changed.
    pub fn accepting(
        key: TokenKey,
        former: &[VerifyingKey],
        options: TokenOptions,
        clock: SharedClock,
        ids: Ids,
    ) -> Self {
        let accepted =
            std::iter::once(key.verifying()).chain(former.iter().copied()).map(Accepted::new).collect();
        Self(Arc::new(Inner { key, accepted, options, clock, ids }))
    }

    /// A token for `subject`, from now on.
    pub fn issue(&self, subject: &str, scopes: &Scopes) -> IssuedToken {
        let Inner { key, accepted, options, clock, ids } = self.0.as_ref();
        let now = clock.now().as_second();
        let exp = now.saturating_add(options.lifetime.as_secs());
        let body = Body {
            iss: options.issuer.clone(),
            aud: options.audience.clone(),
            sub: subject.to_owned(),
            scope: scopes.to_string(),
            jti: ids.next_uuid().to_string(),
            iat: now,
            nbf: now,
            exp,
        };
        // Texts and numbers always have a JSON form, and the first accepted key is the signing one.
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&body).unwrap_or_default());
        let header = accepted.first().map_or("", |first| &first.header);
        let signed = format!("{header}.{body}");
        let signature = URL_SAFE_NO_PAD.encode(key.0.sign(signed.as_bytes()).to_bytes());
        IssuedToken {
            token: format!("{signed}.{signature}"),
            expires_at: Timestamp::from_second(exp).unwrap_or(Timestamp::MAX),
        }
    }

    /// What a token says, if it is one of ours and holds now.
    ///
    /// # Errors
    /// [`TokenError`] says what is wrong with it.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let Inner { accepted, options, clock, .. } = self.0.as_ref();
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, body) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let by = accepted.iter().find(|a| a.header == header).ok_or_else(|| unknown(header))?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        let signature = Signature::from_slice(&signature).map_err(|_| TokenError::Malformed)?;
        by.key.verify_strict(signed.as_bytes(), &signature).map_err(|_| TokenError::WrongSignature)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenError::Malformed)?;
        let body: Body = serde_json::from_slice(&body).map_err(|_| TokenError::Malformed)?;
        if body.iss != options.issuer || body.aud != options.audience {
            return Err(TokenError::NotForUs);
        }
        let (now, leeway) = (clock.now().as_second(), options.leeway.as_secs());
        if body.nbf.max(body.iat) > now.saturating_add(leeway) {
            return Err(TokenError::NotYetValid);
        }
        if body.exp <= now.saturating_sub(leeway) {
            return Err(TokenError::Expired);
        }
        let instant = |second| Timestamp::from_second(second).map_err(|_| TokenError::Malformed);
        Ok(Claims {
            subject: body.sub,
            scopes: Scopes::parse(&body.scope),
            token_id: body.jti,
            issued_at: instant(body.iat)?,
            expires_at: instant(body.exp)?,
        })
    }

    /// The public keys (RFC 7517), for others who verify our tokens.
    pub fn jwks(&self) -> serde_json::Value {
        let key = |a: &Accepted| {
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": a.id, "x": URL_SAFE_NO_PAD.encode(a.key.as_bytes()),
            })
        };
        serde_json::json!({ "keys": self.0.accepted.iter().map(key).collect::<Vec<_>>() })
    }

    /// How long a token holds.
    pub fn lifetime(&self) -> SignedDuration {
        self.0.options.lifetime
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessTokens").field(&self.0.options).finish()
    }
}

/// A header that is a JSON object is a token's, only not one of ours.
fn unknown(header: &str) -> TokenError {
    let decoded = URL_SAFE_NO_PAD.decode(header).ok();
    match decoded
        .and_then(|bytes| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).ok())
    {
        Some(_) => TokenError::UnknownKey,
        None => TokenError::Malformed,
    }
}
