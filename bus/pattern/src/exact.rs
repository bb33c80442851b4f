//! The table of values that hashing finds.

use crate::{access::Head, trie::Node};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    String,
    Address,
    Number,
    Spelling,
    True,
    False,
    Null,
    IgnoringCase,
    Prefix,
    Suffix,
    FoldedPrefix,
    FoldedSuffix,
    Network,
    Range,
    Infix,
}

/// All values that hashing finds, of all fields.
#[derive(Debug, Default)]
pub(crate) struct Exact {
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    field: Node,
    kind: Kind,
    start: u32,
    length: u32,
    head: Head,
}

impl Exact {
    fn hash(&self, field: Node, kind: Kind, key: &[u8]) -> u64 {
        self.hasher.hash_one((field, kind, key))
    }

    #[inline]
    pub(crate) fn get(&self, field: Node, kind: Kind, key: &[u8]) -> Option<Head> {
        let found = self.table.find(self.hash(field, kind, key), |entry| {
            entry.field == field
                && entry.kind == kind
                && self.bytes[entry.start as usize..][..entry.length as usize] == *key
        });
        found.map(|entry| entry.head)
    }

    pub(crate) fn insert(&mut self, field: Node, kind: Kind, key: &[u8], head: Head) {
        let entry = Entry { field, kind, start: self.bytes.len() as u32, length: key.len() as u32, head };
        self.bytes.extend_from_slice(key);
        let (hasher, bytes) = (&self.hasher, &self.bytes);
        let rehash = |entry: &Entry| {
            let key = &bytes[entry.start as usize..][..entry.length as usize];
            hasher.hash_one((entry.field, entry.kind, key))
        };
        self.table.insert_unique(rehash(&entry), entry, rehash);
    }
}
