use crate::{IndexEntry, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, ops::Deref};

/// A type that the store keeps, as JSON, under its own key.
pub trait Document: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name of the collection; the keys of all its documents carry it.
    const COLLECTION: &'static str;

    /// Where this document lives. It must not change while the document lives.
    fn key(&self) -> Key;

    /// Under which declared indexes the document is found; several entries in one index are allowed.
    fn index(&self) -> Vec<IndexEntry> {
        Vec::new()
    }

    /// From when on the document is gone. It is invisible at once and swept away later.
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}

/// A document's version: it grows with every write and never comes twice for one key, also after the document was
/// deleted and made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(i64);

impl Version {
    /// The version of a document that is not committed yet.
    pub const NEW: Self = Self(0);

    /// The version with this number; only backends and callers that got the number from [`Version::get`] make one.
    pub const fn from_i64(number: i64) -> Self {
        Self(number)
    }

    /// The number, for showing to clients which pass it back.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A document with the version it was read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The version at reading; [`Version::NEW`] for a document written in the same, not yet committed transaction.
    pub version: Version,
    /// The document.
    pub value: T,
}

impl<T> Versioned<T> {
    /// The document alone.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Versioned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
