use crate::{StoreError, limits};
use std::{borrow::Cow, fmt};

/// Where a document lives: a collection, a partition within it, and a sort text within the partition.
///
/// The documents of one partition are read together, in the byte order of their sort texts. A document without
/// children has the empty sort text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    collection: Cow<'static, str>,
    partition: String,
    sort: String,
}

impl Key {
    /// The key of a partition's own document.
    pub fn of(collection: impl Into<Cow<'static, str>>, partition: impl Into<String>) -> Self {
        Self { collection: collection.into(), partition: partition.into(), sort: String::new() }
    }

    /// The key of a child in the same collection and partition.
    #[must_use]
    pub fn child(&self, sort: impl Into<String>) -> Self {
        Self { collection: self.collection.clone(), partition: self.partition.clone(), sort: sort.into() }
    }

    /// The collection's name.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// The text that groups documents which are read together.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The text by which the documents of a partition are ordered; empty for the partition's own document.
    pub fn sort(&self) -> &str {
        &self.sort
    }

    /// Bytes of all three parts.
    pub fn len(&self) -> usize {
        self.collection.len() + self.partition.len() + self.sort.len()
    }

    /// Never true for a valid key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks length and characters; the store does it for every key it is given.
    ///
    /// # Errors
    /// [`StoreError::BadKey`] with the reason.
    pub fn check(&self) -> Result<(), StoreError> {
        check_parts(self, &self.collection, &self.partition, &self.sort)
    }
}

/// The rule that keys of documents and of tallies share.
pub(crate) fn check_parts(
    shown: &dyn fmt::Display,
    name: &str,
    partition: &str,
    sort: &str,
) -> Result<(), StoreError> {
    let reason = if name.is_empty() {
        "its collection is empty".to_owned()
    } else if partition.is_empty() {
        "its partition is empty".to_owned()
    } else if [name, partition, sort].iter().any(|part| part.chars().any(char::is_control)) {
        "it holds a control character".to_owned()
    } else {
        let len = name.len() + partition.len() + sort.len();
        if len <= limits::KEY_BYTES {
            return Ok(());
        }
        format!("it has {len} bytes, at most {} are allowed", limits::KEY_BYTES)
    };
    Err(StoreError::BadKey { key: shown.to_string().chars().take(200).collect(), reason })
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.partition)?;
        if self.sort.is_empty() { Ok(()) } else { write!(f, "#{}", self.sort) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
