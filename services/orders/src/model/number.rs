use emporia_store::{Document, Key};
use serde::{Deserialize, Serialize};

/// The next number of a prefix that nobody has taken a block of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NumberBlock {
    pub(crate) prefix: String,
    pub(crate) next: u64,
}

impl NumberBlock {
    pub(crate) fn key_of(prefix: &str) -> Key {
        Key::of(Self::COLLECTION, prefix)
    }
}

impl Document for NumberBlock {
    const COLLECTION: &'static str = "number-block";

    fn key(&self) -> Key {
        Self::key_of(&self.prefix)
    }
}
