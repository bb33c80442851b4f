use emporia_contracts::{
    Principal,
    ids::{CustomerId, OperatorId},
};
use emporia_id::{IdError, reexport::Uuid};
use emporia_store::{Document, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Who can sign in. Its text is the subject of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Holder {
    Customer(CustomerId),
    Operator(OperatorId),
}

impl Holder {
    /// The holder who asks, if it is one.
    pub(crate) fn of(who: &Principal) -> Option<Self> {
        match who {
            Principal::Customer(id) => Some(Self::Customer(*id)),
            Principal::Operator { id, .. } => Some(Self::Operator(*id)),
            _ => None,
        }
    }

    /// His id, without what kind of holder he is.
    pub(crate) fn uuid(self) -> Uuid {
        match self {
            Self::Customer(id) => id.uuid(),
            Self::Operator(id) => id.uuid(),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(id) => write!(f, "customer/{id}"),
            Self::Operator(id) => write!(f, "operator/{id}"),
        }
    }
}

impl FromStr for Holder {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix("operator/") {
            Some(id) => id.parse().map(Self::Operator),
            None => text.strip_prefix("customer/").unwrap_or(text).parse().map(Self::Customer),
        }
    }
}

impl TryFrom<String> for Holder {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Holder> for String {
    fn from(holder: Holder) -> Self {
        holder.to_string()
    }
}

/// One sign-in and all refresh tokens that followed from it: the family. It lives as long as it is refreshed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) holder: Holder,
    pub(crate) id: String,
    /// Hash of the one refresh token that is accepted.
    pub(crate) current: String,
    pub(crate) started_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Session {
    pub(crate) fn key_of(holder: Holder, id: &str) -> Key {
        Self::all_of(holder).child(id)
    }

    /// The partition of all sessions of one holder.
    pub(crate) fn all_of(holder: Holder) -> Key {
        Key::of(Self::COLLECTION, holder.to_string())
    }
}

impl Document for Session {
    const COLLECTION: &'static str = "session";

    fn key(&self) -> Key {
        Self::key_of(self.holder, &self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

/// A refresh token that was given out, by its hash. It is remembered after its use, so that using it again is noticed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    pub(crate) hash: String,
    pub(crate) holder: Holder,
    pub(crate) session: String,
    pub(crate) expires_at: Timestamp,
}

impl RefreshToken {
    pub(crate) fn key_of(hash: &str) -> Key {
        Key::of(Self::COLLECTION, hash)
    }
}

impl Document for RefreshToken {
    const COLLECTION: &'static str = "refresh_token";

    fn key(&self) -> Key {
        Self::key_of(&self.hash)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
