use emporia_events::EventMeta;
use emporia_store::{Document, IndexEntry, IndexKey, Key};
use emporia_vault::{PersonId, Sealed};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Which accounts a mail address is looked up in: one person may be a customer and an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Realm {
    Customers,
    Operators,
}

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// Opening an account.
    Register,
    /// Choosing another password.
    ResetPassword,
    /// Showing that the mail address is one's own.
    VerifyEmail,
}

impl Purpose {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::ResetPassword => "reset-password",
            Self::VerifyEmail => "verify-email",
        }
    }

    /// How long a code holds.
    pub(crate) fn lifetime(self) -> SignedDuration {
        match self {
            Self::ResetPassword => SignedDuration::from_hours(1),
            Self::Register | Self::VerifyEmail => SignedDuration::from_hours(24),
        }
    }
}

/// That somebody asked for a code by mail. It is written whether or not anybody has this mail address, and its tries
/// are counted either way, so that neither answers nor their time tell which addresses have an account. Who it is for is
/// looked up afterwards.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) realm: Realm,
    pub(crate) purpose: Purpose,
    /// The keyed hash of the mail address.
    pub(crate) mail_hash: String,
    pub(crate) locale: String,
    pub(crate) code: Code,
    /// How often a code was shown for it.
    pub(crate) tries: u32,
    pub(crate) asked_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Who wants to open an account; he is forgotten when he does not.
    pub(crate) applicant: Option<Applicant>,
    pub(crate) meta: EventMeta,
}

/// What became of a request for a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// Nobody has looked yet.
    Asked,
    /// It is on its way; this is its keyed hash.
    Sent(String),
    /// There is nobody to get one.
    Nobody,
}

/// Somebody who has no account yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Applicant {
    pub(crate) person: PersonId,
    /// His mail address.
    pub(crate) email: Sealed,
}

impl Challenge {
    pub(crate) fn key_of(purpose: Purpose, mail_hash: &str) -> Key {
        Key::of(Self::COLLECTION, mail_hash).child(purpose.name())
    }

    /// When there is something to do about it.
    pub(crate) fn due(&self) -> Timestamp {
        if self.code == Code::Asked { self.asked_at } else { self.expires_at }
    }
}

impl Document for Challenge {
    const COLLECTION: &'static str = "challenge";

    fn key(&self) -> Key {
        Self::key_of(self.purpose, &self.mail_hash)
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("due", IndexKey::new().time(self.due()))]
    }
}
