//! A transaction in the file's own terms: names become numbers on the caller's thread, to spare the writer.

use crate::{
    catalog::Catalog,
    entries::{Entry, pack},
};
use emporia_store::{
    Body, Commit, DocumentOp, DocumentWrite, Expect, IndexKey, Key, NewEvent, RawPut, StoreError, TallyKey,
    TallyWrite, limits,
};

pub(crate) struct Prepared {
    /// Microseconds; documents that expire at or before it are absent.
    pub(crate) at: i64,
    pub(crate) documents: Vec<PreparedDocument>,
    pub(crate) tallies: Vec<PreparedTally>,
    pub(crate) events: Vec<NewEvent>,
}

pub(crate) struct PreparedDocument {
    pub(crate) key: Key,
    pub(crate) collection: i64,
    pub(crate) expect: Expect,
    pub(crate) op: PreparedOp,
}

pub(crate) enum PreparedOp {
    Guard,
    Put(PreparedPut),
    Delete,
}

pub(crate) struct PreparedPut {
    pub(crate) schema: u32,
    pub(crate) body: Body,
    pub(crate) expires: Option<i64>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) packed: Option<Vec<u8>>,
    /// Which of the entries are in unique indexes, with the index's name.
    pub(crate) unique: Vec<(usize, String)>,
}

pub(crate) struct PreparedTally {
    pub(crate) key: TallyKey,
    pub(crate) kind: i64,
    pub(crate) changes: Vec<FieldDelta>,
}

pub(crate) struct FieldDelta {
    pub(crate) column: usize,
    pub(crate) field: String,
    pub(crate) add: i64,
    pub(crate) floor: Option<i64>,
}

impl PreparedDocument {
    pub(crate) fn put(&self) -> Option<&PreparedPut> {
        match &self.op {
            PreparedOp::Put(put) => Some(put),
            PreparedOp::Guard | PreparedOp::Delete => None,
        }
    }
}

impl PreparedPut {
    pub(crate) fn readable_entry(&self, at: usize) -> String {
        self.entries.get(at).map(|(_, key)| IndexKey::from_bytes(key.clone()).to_string()).unwrap_or_default()
    }
}

pub(crate) fn prepare(catalog: &Catalog, commit: Commit) -> Result<Prepared, StoreError> {
    let space: &str = &commit.space;
    Ok(Prepared {
        at: commit.at.as_microsecond(),
        documents: commit
            .documents
            .into_iter()
            .map(|d| document(catalog, space, d))
            .collect::<Result<_, _>>()?,
        tallies: commit.tallies.into_iter().map(|t| tally(catalog, space, t)).collect::<Result<_, _>>()?,
        events: commit.events,
    })
}

fn document(catalog: &Catalog, space: &str, write: DocumentWrite) -> Result<PreparedDocument, StoreError> {
    let collection = catalog.collection(space, write.key.collection())?.id;
    let op = match write.op {
        DocumentOp::Guard => PreparedOp::Guard,
        DocumentOp::Delete => PreparedOp::Delete,
        DocumentOp::Put(raw) => PreparedOp::Put(put(catalog, space, &write.key, raw)?),
    };
    Ok(PreparedDocument { key: write.key, collection, expect: write.expect, op })
}

fn put(catalog: &Catalog, space: &str, key: &Key, raw: RawPut) -> Result<PreparedPut, StoreError> {
    let mut entries = Vec::with_capacity(raw.entries.len());
    let mut unique = Vec::new();
    for (name, entry) in raw.entries {
        let index = catalog.index(space, key.collection(), &name)?;
        if index.unique {
            unique.push((entries.len(), name));
        }
        entries.push((index.id, entry.as_bytes().to_vec()));
    }
    let expires = raw.expires.map(|at| at.as_microsecond());
    let packed = pack(&entries);
    Ok(PreparedPut { schema: raw.schema, body: raw.body, expires, entries, packed, unique })
}

fn tally(catalog: &Catalog, space: &str, write: TallyWrite) -> Result<PreparedTally, StoreError> {
    let kind = catalog.tally(space, write.key.tally())?;
    let mut changes = Vec::with_capacity(write.fields.len());
    for change in write.fields {
        let column = kind.fields.iter().position(|field| *field == change.field);
        let column = column.filter(|column| *column < limits::TALLY_FIELDS).ok_or_else(|| {
            let what = format!("field {} of tally {}", change.field, write.key.tally());
            StoreError::Undeclared { space: space.to_owned(), what }
        })?;
        changes.push(FieldDelta {
            column,
            field: change.field.into_owned(),
            add: change.add,
            floor: change.floor,
        });
    }
    Ok(PreparedTally { kind: kind.id, key: write.key, changes })
}
