use crate::model::Holder;
use emporia_store::{Document, Key};
use emporia_vault::PersonId;
use serde::{Deserialize, Serialize};

/// A mail address belongs to one account. It is known by its keyed hash only; two registrations of one address meet in
/// this document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MailClaim {
    pub(crate) hash: String,
    pub(crate) holder: Holder,
}

impl MailClaim {
    pub(crate) fn key_of(hash: &str) -> Key {
        Key::of(Self::COLLECTION, hash)
    }
}

impl Document for MailClaim {
    const COLLECTION: &'static str = "mail";

    fn key(&self) -> Key {
        Self::key_of(&self.hash)
    }
}

/// From a person to his account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PersonIndex {
    pub(crate) person: PersonId,
    pub(crate) holder: Holder,
}

impl PersonIndex {
    pub(crate) fn key_of(person: PersonId) -> Key {
        Key::of(Self::COLLECTION, person.to_string())
    }
}

impl Document for PersonIndex {
    const COLLECTION: &'static str = "person";

    fn key(&self) -> Key {
        Self::key_of(self.person)
    }
}
