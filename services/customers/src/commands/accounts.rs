use crate::model::{MOST_ADDRESSES, MOST_IDENTITIES, MOST_PASSKEYS, Profile};
use emporia_contracts::{ids::AddressId, values::Email};

/// Why something about an account is refused. It can be put right by whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    /// The text is not a mail address.
    #[error("this is not a mail address: it looks like name@example.com and has at most 254 characters")]
    Email,
    /// There is an account with this address.
    #[error("there is already an account with this mail address: sign in")]
    EmailTaken,
    /// The password is not acceptable.
    #[error("{0}")]
    Password(&'static str),
    /// Mail address or password is wrong; which of them is not told.
    #[error("mail address or password is wrong")]
    InvalidCredentials,
    /// Too many attempts for this mail address, or from this network address.
    #[error("too many attempts: wait a minute and try again")]
    TooManyAttempts,
    /// Too many mails to this address.
    #[error("too many codes were asked for: wait an hour, and look into the mails that were sent")]
    TooManyCodes,
    /// The code is not the one that was sent, was used, or does not hold any more; which of them is not told.
    #[error("the code is wrong or does not hold any more: ask for another one")]
    CodeWrong,
    /// The code of the second step is wrong or was used before.
    #[error("the code is wrong or was used before: wait for the next one")]
    SecondFactorWrong,
    /// Too many wrong codes of the second step.
    #[error("too many wrong codes: wait up to an hour and try again")]
    SecondFactorLocked,
    /// The account has no password that could be shown.
    #[error("this account has no password: choose one first, with the code that requestPasswordReset sends")]
    NoPassword,
    /// Nobody has said for which site passkeys are made.
    #[error("there are no passkeys here: name the site in [passkeys] of the configuration")]
    NoPasskeys,
    /// What a device gave is not accepted; why is not told.
    #[error("the passkey is not accepted: begin again, or sign in in another way")]
    PasskeyWrong,
    /// It is not what a device gives.
    #[error("this is not the JSON of a PublicKeyCredential: give JSON.stringify(credential.toJSON())")]
    PasskeyForm,
    /// There is no such passkey.
    #[error("there is no such passkey")]
    NoPasskey,
    /// The holder has too many.
    #[error("an account has at most {MOST_PASSKEYS} passkeys: remove one first")]
    PasskeyLimit,
    /// There is no such provider.
    #[error("there is no identity provider of this name: identityProviders lists them")]
    NoProvider,
    /// Nobody may come back there.
    #[error("redirectUri is not one of those that are configured for this provider")]
    RedirectUri,
    /// The provider does not answer, or not in a way that can be used.
    #[error(
        "the identity provider does not answer as it should now: try again later, or sign in in another way"
    )]
    ProviderUnavailable,
    /// What the provider says is not accepted.
    #[error("the sign-in is not accepted: {0}; begin again")]
    ProviderRejected(String),
    /// He did not begin here, came back before, or too late.
    #[error("this sign-in was not begun here, is done, or took too long: begin again")]
    JourneyWrong,
    /// The provider does not say that his mail address is his.
    #[error(
        "the provider does not say that your mail address is yours: register with a code (startRegistration)"
    )]
    IdentityUnverified,
    /// The account of his mail address may be somebody else's.
    #[error(
        "an account with this mail address waits for its owner: choose a password for it (requestPasswordReset), \
             then sign in here again"
    )]
    IdentityTaken,
    /// No such identity leads to the account.
    #[error("no such identity leads to this account: linkedIdentities lists them")]
    NoIdentity,
    /// Too many identities lead to the account.
    #[error("at most {MOST_IDENTITIES} identities of other providers lead to one account")]
    IdentityLimit,
    /// There is a second factor already, or none.
    #[error("{0}")]
    SecondFactorState(&'static str),
    /// The refresh token is not (or no longer) accepted.
    #[error("the session has ended: sign in again")]
    SessionEnded,
    /// A text is not acceptable.
    #[error("{field} {rule}")]
    Text {
        /// Which, by its name in the API.
        field: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The book has no such address.
    #[error("there is no address {0} in the address book")]
    NoAddress(AddressId),
    /// The book is full.
    #[error("an address book has at most {MOST_ADDRESSES} addresses")]
    BookFull,
    /// Somebody else changed it since it was read.
    #[error("it was changed since it was read: read it again and decide anew")]
    VersionConflict,
}

/// A change of the profile; what is `None` stays, `Some(None)` removes.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// The name.
    pub name: Option<Option<String>>,
    /// The telephone number.
    pub phone: Option<Option<String>>,
}

/// A new profile, checked.
pub(crate) fn new_profile(
    email: &str,
    name: Option<&str>,
    phone: Option<&str>,
) -> Result<Profile, AccountRefusal> {
    let email: Email = email.parse().map_err(|_| AccountRefusal::Email)?;
    Ok(Profile { email, name: name.map(name_text).transpose()?, phone: phone.map(phone_text).transpose()? })
}

/// The profile with its changes.
pub(crate) fn change_profile(
    mut profile: Profile,
    change: &ProfileChange,
) -> Result<Profile, AccountRefusal> {
    if let Some(name) = &change.name {
        profile.name = name.as_deref().map(name_text).transpose()?;
    }
    if let Some(phone) = &change.phone {
        profile.phone = phone.as_deref().map(phone_text).transpose()?;
    }
    Ok(profile)
}

/// Length counts (NIST SP 800-63B); rules about kinds of characters only make people write passwords down.
pub(crate) fn password_fits(password: &str, email: &Email) -> Result<(), AccountRefusal> {
    match password.chars().take(129).count() {
        0..8 => Err(AccountRefusal::Password("a password has at least 8 characters")),
        129.. => Err(AccountRefusal::Password("a password has at most 128 characters")),
        _ if password.to_lowercase() == email.normalized() => {
            Err(AccountRefusal::Password("the password must not be the mail address"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn name_text(text: &str) -> Result<String, AccountRefusal> {
    let text = text.trim();
    let rule = match text.chars().take(121).count() {
        0 => "must not be empty",
        121.. => "has at most 120 characters",
        _ if text.chars().any(char::is_control) => "must not have control characters",
        _ => return Ok(text.to_owned()),
    };
    Err(AccountRefusal::Text { field: "name", rule })
}

fn phone_text(text: &str) -> Result<String, AccountRefusal> {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if text.len() <= 40 && digits >= 3 && text.chars().all(|c| c.is_ascii_digit() || "+-()./ ".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(AccountRefusal::Text { field: "phone", rule: "has 3 to 40 digits, spaces and + - ( ) . /" })
}
