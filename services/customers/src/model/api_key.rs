use emporia_contracts::ids::ApiKeyId;
use emporia_store::{Document, IndexEntry, IndexKey, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A key with which another system asks. It stays when it was revoked, as evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiKey {
    pub(crate) id: ApiKeyId,
    pub(crate) name: String,
    /// Hash of the secret, which has 256 random bits.
    pub(crate) hash: String,
    pub(crate) scopes: BTreeSet<String>,
    /// Who made it: `operator/…` or `system/…`.
    pub(crate) created_by: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
}

impl ApiKey {
    pub(crate) fn key_of(id: ApiKeyId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }

    /// Whether it is accepted.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Document for ApiKey {
    const COLLECTION: &'static str = "api-key";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("by_created", IndexKey::new().time(self.created_at))]
    }
}
