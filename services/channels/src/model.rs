use emporia_contracts::{channels::ChannelFacts, values::ChannelKey};
use emporia_store::{Document, Key, SpaceSchema};
use serde::{Deserialize, Serialize};

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("channels")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<StoredChannel>()
        .index("by_key")
}

/// A channel as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StoredChannel(pub(crate) ChannelFacts);

impl StoredChannel {
    pub(crate) fn key_of(key: &ChannelKey) -> Key {
        Key::of(Self::COLLECTION, key.as_str())
    }
}

impl Document for StoredChannel {
    const COLLECTION: &'static str = "channel";

    fn key(&self) -> Key {
        Self::key_of(&self.0.key)
    }

    fn index(&self) -> Vec<emporia_store::IndexEntry> {
        vec![emporia_store::IndexEntry::new(
            "by_key",
            emporia_store::IndexKey::new().text(self.0.key.as_str()),
        )]
    }
}
