use crate::model::SecondFactor;
use emporia_contracts::ids::OperatorId;
use emporia_store::{Document, Key};
use emporia_vault::{PersonId, Sealed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An operator or associate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Operator {
    pub(crate) id: OperatorId,
    pub(crate) person: PersonId,
    /// The keyed hash under which the mail address is claimed.
    pub(crate) mail_hash: String,
    /// PHC string.
    pub(crate) password: String,
    /// [`crate::Profile`].
    pub(crate) profile: Sealed,
    pub(crate) roles: BTreeSet<String>,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) second_factor: Option<SecondFactor>,
}

impl Operator {
    pub(crate) fn key_of(id: OperatorId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }
}

impl Document for Operator {
    const COLLECTION: &'static str = "operator";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }
}
