//! What one attempt of a transaction has read and wants to write.

use crate::{
    Commit, DocumentOp, DocumentWrite, Expect, IndexKey, Key, NewEvent, RawDocument, RawPut, SpaceSchema,
    StoreError, TallyChange, TallyKey, TallyWrite, limits, space::SpaceInner,
};
use std::{
    collections::{BTreeMap, HashMap, btree_map},
    sync::Arc,
};

#[derive(Default)]
pub(crate) struct State {
    pub(crate) reads: HashMap<Key, Read>,
    pub(crate) writes: BTreeMap<Key, Write>,
    pub(crate) tallies: BTreeMap<TallyKey, TallyChange>,
    pub(crate) events: Vec<NewEvent>,
    pub(crate) ended: bool,
}

pub(crate) struct Read {
    pub(crate) document: Option<RawDocument>,
    pub(crate) claims: Vec<Claim>,
}

/// An entry of a unique index that a document has or wants.
pub(crate) type Claim = (&'static str, IndexKey);

pub(crate) struct Write {
    blind: Blind,
    pub(crate) put: Option<RawPut>,
    claims: Vec<Claim>,
}

impl Write {
    /// Whether it was written whatever is there.
    pub(crate) fn is_blind(&self) -> bool {
        self.blind == Blind::Anything
    }
}

/// What a write demands of a document that the transaction did not read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blind {
    Absent,
    Anything,
}

/// What a finished attempt leaves: what to commit, and which keys must have been absent because `insert` said so.
pub(crate) struct Finished {
    pub(crate) commit: Option<Commit>,
    pub(crate) inserted: Vec<Key>,
}

fn expect(read: &Read) -> Expect {
    read.document.as_ref().map_or(Expect::Absent, |raw| Expect::At(raw.version))
}

impl State {
    pub(crate) fn set(&mut self, key: Key, blind: Blind, put: Option<RawPut>, claims: Vec<Claim>) {
        match self.writes.entry(key) {
            // The first write said what is demanded of an unread document; later ones build on it.
            btree_map::Entry::Occupied(mut there) => {
                there.get_mut().put = put;
                there.get_mut().claims = claims;
            }
            btree_map::Entry::Vacant(space) => {
                space.insert(Write { blind, put, claims });
            }
        }
    }

    /// What is to be committed: nothing if nothing was written.
    pub(crate) fn into_commit(mut self, space: &SpaceInner) -> Result<Finished, StoreError> {
        if self.writes.is_empty() && self.tallies.is_empty() && self.events.is_empty() {
            return Ok(Finished { commit: None, inserted: Vec::new() });
        }
        self.check_limits(&space.schema)?;
        let mut inserted = Vec::new();
        let mut documents = Vec::with_capacity(self.reads.len() + self.writes.len());
        for (key, write) in self.writes {
            let expect = match (self.reads.remove(&key), write.blind) {
                (Some(read), _) => expect(&read),
                (None, Blind::Anything) => Expect::Any,
                (None, Blind::Absent) => {
                    inserted.push(key.clone());
                    Expect::Absent
                }
            };
            let op = write.put.map_or(DocumentOp::Delete, DocumentOp::Put);
            documents.push(DocumentWrite { key, expect, op });
        }
        for (key, read) in self.reads {
            documents.push(DocumentWrite { key, expect: expect(&read), op: DocumentOp::Guard });
        }
        let tallies = self.tallies.into_iter().map(|(key, change)| {
            let fields = change.into_fields(&key)?;
            Ok(TallyWrite { key, fields })
        });
        let commit = Commit {
            space: Arc::clone(&space.name),
            at: space.clock.now(),
            documents,
            tallies: tallies.collect::<Result<_, StoreError>>()?,
            events: self.events,
        };
        Ok(Finished { commit: Some(commit), inserted })
    }

    fn check_limits(&self, schema: &SpaceSchema) -> Result<(), StoreError> {
        let guards = self.reads.keys().filter(|key| !self.writes.contains_key(*key)).count();
        let mut claims = 0;
        for (key, write) in &self.writes {
            claims += match (self.reads.get(key), write.blind) {
                (Some(read), _) => read.changed_claims(&write.claims),
                (None, Blind::Absent) => write.claims.len(),
                // Which entries an unread document gives up is not known: reckon with one of each unique index.
                (None, Blind::Anything) => {
                    let unique = schema.indexes(key.collection())?.iter().filter(|index| index.unique);
                    write.claims.len() + unique.count()
                }
            };
        }
        let count = guards + self.writes.len() + claims + self.tallies.len() + self.events.len();
        if count > limits::OPERATIONS {
            return Err(StoreError::TooManyOperations { count, limit: limits::OPERATIONS });
        }
        let of_put = |put: &RawPut| {
            let entries = put.entries.iter().map(|(_, key)| key.as_bytes().len());
            put.body.len() + entries.sum::<usize>()
        };
        let documents = self.writes.iter().map(|(key, w)| key.len() + w.put.as_ref().map_or(0, of_put));
        let size = documents.sum::<usize>()
            + self.reads.keys().map(Key::len).sum::<usize>()
            + self.tallies.keys().map(TallyKey::len).sum::<usize>()
            + self.events.iter().map(NewEvent::len).sum::<usize>();
        if size > limits::TRANSACTION_BYTES {
            let what = "the transaction".to_owned();
            return Err(StoreError::TooLarge { what, size, limit: limits::TRANSACTION_BYTES });
        }
        Ok(())
    }
}

impl Read {
    /// How many entries of unique indexes a write takes and gives up: each is an item of its own on some engines.
    fn changed_claims(&self, new: &[Claim]) -> usize {
        let taken = new.iter().filter(|claim| !self.claims.contains(claim)).count();
        taken + self.claims.iter().filter(|claim| !new.contains(claim)).count()
    }
}
