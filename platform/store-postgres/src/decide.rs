//! What becomes of a group of transactions, decided without the database: it was asked before for everything that the
//! group may touch, and is told afterwards what has changed. The writers' lock is held in between, so nothing moves.
//!
//! Each transaction sees what those before it in the group have done. First all its conditions are checked, then all of
//! it is applied: a refused one has changed nothing, and the group goes on without it.

use crate::{
    changes::Changes,
    entries::Entry,
    prepare::{
        Place, Prepared, PreparedDocument, PreparedOp, PreparedPut, PreparedTally, TallyPlace, readable,
    },
};
use emporia_store::{Expect, NewEvent, StoreError, limits};
use std::collections::HashMap;

pub(crate) type Values = [i64; limits::TALLY_FIELDS];

/// A document as the database has it, expired or not.
#[derive(Debug, Clone)]
pub(crate) struct Existing {
    pub(crate) version: i64,
    pub(crate) expires: Option<i64>,
    pub(crate) entries: Vec<Entry>,
}

/// What the database knows of everything that a group may touch.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The group's versions end with this number.
    pub(crate) version: i64,
    /// The log's last position.
    pub(crate) position: i64,
    /// Spaces (their numbers): generation and schema.
    pub(crate) spaces: HashMap<i32, (i64, i32)>,
    pub(crate) documents: HashMap<Place, Existing>,
    /// Who has the entries of unique indexes that the group wants; the owners are among `documents`.
    pub(crate) owners: HashMap<Entry, Vec<Place>>,
    pub(crate) tallies: HashMap<TallyPlace, Values>,
    /// The last number of each source and subject.
    pub(crate) subjects: HashMap<(String, String), i64>,
}

/// The database as it will be, as far as the group touches it.
pub(crate) struct State<'a> {
    found: Found,
    /// Documents that were changed; none stands for one that is gone.
    documents: HashMap<Place, Option<Written<'a>>>,
    /// Index entries that changed hands, as `Found::owners`.
    owners: HashMap<Entry, Vec<Place>>,
    tallies: HashMap<TallyPlace, Values>,
    subjects: HashMap<(&'a str, &'a str), i64>,
    log: Vec<Logged<'a>>,
}

#[derive(Clone, Copy)]
struct Written<'a> {
    version: i64,
    put: &'a PreparedPut,
}

/// An event with its place in the log.
pub(crate) struct Logged<'a> {
    pub(crate) position: i64,
    pub(crate) sequence: i64,
    pub(crate) event: &'a NewEvent,
}

/// What a document is at present.
struct Present<'s> {
    version: i64,
    expires: Option<i64>,
    entries: &'s [Entry],
}

impl Present<'_> {
    fn is_expired(&self, at: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= at)
    }
}

/// What the checks leave to be done beside the transaction's own writes.
struct Checked {
    /// Expired documents whose unique entries are wanted by others.
    expired: Vec<Place>,
    tallies: Vec<Values>,
}

impl<'a> State<'a> {
    pub(crate) fn new(mut found: Found) -> Self {
        let owners = std::mem::take(&mut found.owners);
        Self {
            found,
            owners,
            documents: HashMap::new(),
            tallies: HashMap::new(),
            subjects: HashMap::new(),
            log: Vec::new(),
        }
    }

    /// Applies the transactions in order and answers the version, or the refusal, of each.
    pub(crate) fn apply_all(
        &mut self,
        transactions: impl ExactSizeIterator<Item = &'a Prepared>,
    ) -> Vec<Result<i64, StoreError>> {
        let before_first = self.found.version - i64::try_from(transactions.len()).unwrap_or(i64::MAX);
        let numbered = transactions.zip(1..);
        numbered.map(|(transaction, n)| self.apply(transaction, before_first + n)).collect()
    }

    fn apply(&mut self, transaction: &'a Prepared, version: i64) -> Result<i64, StoreError> {
        let checked = self.check(transaction)?;
        for place in checked.expired {
            self.set(place, None);
        }
        for document in &transaction.documents {
            match &document.op {
                PreparedOp::Put(put) => self.set(document.place.clone(), Some(Written { version, put })),
                PreparedOp::Delete if self.present(&document.place).is_some() => {
                    self.set(document.place.clone(), None);
                }
                PreparedOp::Delete | PreparedOp::Guard => {}
            }
        }
        for (tally, values) in transaction.tallies.iter().zip(checked.tallies) {
            self.tallies.insert(tally.place.clone(), values);
        }
        for event in &transaction.events {
            let subject = (event.source.as_str(), event.subject.as_str());
            let found = &self.found.subjects;
            let last = self.subjects.entry(subject).or_insert_with(|| {
                found.get(&(event.source.clone(), event.subject.clone())).copied().unwrap_or_default()
            });
            *last += 1;
            self.found.position += 1;
            self.log.push(Logged { position: self.found.position, sequence: *last, event });
        }
        Ok(version)
    }

    fn present(&self, place: &Place) -> Option<Present<'_>> {
        match self.documents.get(place) {
            Some(None) => None,
            Some(Some(Written { version, put })) => {
                Some(Present { version: *version, expires: put.expires, entries: &put.entries })
            }
            None => self.found.documents.get(place).map(|existing| Present {
                version: existing.version,
                expires: existing.expires,
                entries: &existing.entries,
            }),
        }
    }

    /// Changes a document, and with it who has the entries of unique indexes.
    fn set(&mut self, place: Place, written: Option<Written<'a>>) {
        if !self.owners.is_empty() {
            let old = self.present(&place).map(|present| present.entries.to_vec()).unwrap_or_default();
            for entry in &old {
                if let Some(owners) = self.owners.get_mut(entry) {
                    owners.retain(|owner| *owner != place);
                }
            }
            for entry in written.iter().flat_map(|written| &written.put.entries) {
                if let Some(owners) = self.owners.get_mut(entry) {
                    owners.push(place.clone());
                }
            }
        }
        self.documents.insert(place, written);
    }

    fn check(&self, transaction: &Prepared) -> Result<Checked, StoreError> {
        self.check_space(transaction)?;
        for document in &transaction.documents {
            let live = self.present(&document.place).filter(|present| !present.is_expired(transaction.at));
            let holds = match document.expect {
                Expect::Any => true,
                Expect::Absent => live.is_none(),
                Expect::At(version) => live.is_some_and(|live| live.version == version.get()),
            };
            if !holds {
                return Err(StoreError::Conflict { key: Box::new(document.place.key.clone()) });
            }
        }
        let expired = self.check_unique(transaction)?;
        let tallies = transaction.tallies.iter().map(|tally| self.check_tally(tally));
        Ok(Checked { expired, tallies: tallies.collect::<Result<_, _>>()? })
    }

    /// Once a newer release has begun to rewrite a space, writers that do not know its form are turned away: they would
    /// bring back the old form behind the rewriting.
    fn check_space(&self, transaction: &Prepared) -> Result<(), StoreError> {
        let known = &transaction.space;
        let number = |schema: i32| u32::try_from(schema).unwrap_or_default();
        match self.found.spaces.get(&known.id) {
            Some((generation, schema)) if *generation != known.generation => Err(StoreError::NewerSchema {
                what: format!("space {}", known.name),
                stored: number(*schema),
                known: number(known.schema),
            }),
            _ => Ok(()),
        }
    }

    /// Checks that nobody else has the unique entries that the transaction wants. An entry is free if its document gives
    /// it up in the same transaction or has expired; such expired documents are answered, to be removed.
    fn check_unique(&self, transaction: &Prepared) -> Result<Vec<Place>, StoreError> {
        let mut wanted: Vec<(&Entry, &Place)> = Vec::new();
        let mut expired: Vec<Place> = Vec::new();
        for document in &transaction.documents {
            for (index, entry) in document.put().into_iter().flat_map(PreparedPut::unique) {
                let taken = |by: &Place| StoreError::Duplicate {
                    index: index.to_owned(),
                    value: readable(entry),
                    key: Box::new(by.key.clone()),
                };
                if let Some((_, by)) = wanted.iter().find(|(other, _)| *other == entry) {
                    return Err(taken(by));
                }
                wanted.push((entry, &document.place));
                for owner in self.owners.get(entry).into_iter().flatten() {
                    if *owner == document.place
                        || expired.contains(owner)
                        || gives_up(&transaction.documents, owner, entry)
                    {
                        continue;
                    }
                    match self.present(owner) {
                        Some(present) if present.is_expired(transaction.at) => expired.push(owner.clone()),
                        Some(_) => return Err(taken(owner)),
                        None => {}
                    }
                }
            }
        }
        Ok(expired)
    }

    fn check_tally(&self, tally: &PreparedTally) -> Result<Values, StoreError> {
        let found = self.tallies.get(&tally.place).or_else(|| self.found.tallies.get(&tally.place));
        let mut values = found.copied().unwrap_or_default();
        for change in &tally.changes {
            let key = || Box::new(tally.place.key.clone());
            // `prepare` keeps columns below the number of fields.
            let Some(slot) = values.get_mut(change.column) else { continue };
            let value = *slot;
            let Some(sum) = value.checked_add(change.add) else {
                return Err(StoreError::Overflow { key: key(), field: change.field.clone() });
            };
            if let Some(floor) = change.floor.filter(|floor| sum < *floor) {
                let (field, change) = (change.field.clone(), change.add);
                return Err(StoreError::BelowFloor { key: key(), field, value, change, floor });
            }
            *slot = sum;
        }
        Ok(values)
    }

    /// The log's last position.
    pub(crate) fn position(&self) -> i64 {
        self.found.position
    }

    /// What the database has to be told: each row once, in its last state.
    pub(crate) fn changes(&self) -> Changes<'_> {
        let mut changes = Changes::default();
        for (place, written) in &self.documents {
            let before = self.found.documents.get(place);
            let old = before.map(|existing| existing.entries.as_slice()).unwrap_or_default();
            let new = written.map(|written| written.put.entries.as_slice()).unwrap_or_default();
            old.iter()
                .filter(|entry| !new.contains(entry))
                .for_each(|entry| changes.removed.push(entry, place));
            new.iter()
                .filter(|entry| !old.contains(entry))
                .for_each(|entry| changes.added.push(entry, place));
            match written {
                Some(Written { version, put }) => changes.puts.push(place, *version, put),
                None if before.is_some() => changes.deletes.push(place),
                None => {}
            }
        }
        self.tallies.iter().for_each(|(place, values)| changes.tallies.push(place, values));
        self.subjects.iter().for_each(|(subject, last)| changes.subjects.push(subject, *last));
        self.log.iter().for_each(|logged| changes.log.push(logged));
        changes
    }
}

/// Whether the document at `owner` is written without the entry, or deleted.
fn gives_up(documents: &[PreparedDocument], owner: &Place, entry: &Entry) -> bool {
    documents.iter().filter(|document| document.place == *owner).any(|document| match &document.op {
        PreparedOp::Put(put) => !put.entries.contains(entry),
        PreparedOp::Delete => true,
        PreparedOp::Guard => false,
    })
}
