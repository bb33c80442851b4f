//! A transaction in the database's own terms: names become numbers before the writer sees it.

use crate::{
    catalog::Catalog,
    entries::{Entry, pack},
};
use emporia_store::{
    Body, Commit, DocumentOp, DocumentWrite, Expect, IndexKey, Key, NewEvent, RawPut, StoreError, TallyKey,
    TallyWrite, limits,
};

pub(crate) struct Prepared {
    pub(crate) space: KnownSpace,
    /// Microseconds; documents that expire at or before it are absent.
    pub(crate) at: i64,
    pub(crate) documents: Vec<PreparedDocument>,
    pub(crate) tallies: Vec<PreparedTally>,
    pub(crate) events: Vec<NewEvent>,
}

/// What this process knows of the space it writes to.
pub(crate) struct KnownSpace {
    pub(crate) id: i32,
    pub(crate) name: std::sync::Arc<str>,
    pub(crate) generation: i64,
    pub(crate) schema: i32,
}

/// A document's key with its collection's number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) collection: i32,
    pub(crate) key: Key,
}

/// A tally's key with its kind's number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TallyPlace {
    pub(crate) kind: i32,
    pub(crate) key: TallyKey,
}

pub(crate) struct PreparedDocument {
    pub(crate) place: Place,
    pub(crate) expect: Expect,
    pub(crate) op: PreparedOp,
}

pub(crate) enum PreparedOp {
    Guard,
    Put(PreparedPut),
    Delete,
}

pub(crate) struct PreparedPut {
    pub(crate) schema: i32,
    pub(crate) body: Body,
    pub(crate) expires: Option<i64>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) packed: Option<Vec<u8>>,
    /// Which of the entries are in unique indexes, with the index's name.
    pub(crate) unique: Vec<(usize, String)>,
}

pub(crate) struct PreparedTally {
    pub(crate) place: TallyPlace,
    pub(crate) changes: Vec<FieldDelta>,
}

pub(crate) struct FieldDelta {
    pub(crate) column: usize,
    pub(crate) field: String,
    pub(crate) add: i64,
    pub(crate) floor: Option<i64>,
}

impl Prepared {
    /// Bytes that travel to the server, roughly.
    pub(crate) fn size(&self) -> usize {
        let documents = self.documents.iter().filter_map(PreparedDocument::put).map(|put| put.body.len());
        documents.sum::<usize>() + self.events.iter().map(|event| event.body.get().len()).sum::<usize>()
    }
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
    /// The entries of unique indexes: index name, entry.
    pub(crate) fn unique(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.unique.iter().filter_map(|(at, name)| Some((name.as_str(), self.entries.get(*at)?)))
    }
}

pub(crate) fn readable(entry: &Entry) -> String {
    IndexKey::from_bytes(entry.1.clone()).to_string()
}

pub(crate) fn prepare(catalog: &Catalog, commit: Commit) -> Result<Prepared, StoreError> {
    let space: &str = &commit.space;
    let known = catalog.space(space)?;
    let documents = commit.documents.into_iter().map(|write| document(catalog, space, write));
    let documents = documents.collect::<Result<_, _>>()?;
    let tallies = commit.tallies.into_iter().map(|write| tally(catalog, space, write));
    let tallies = tallies.collect::<Result<_, _>>()?;
    let space =
        KnownSpace { id: known.id, generation: known.generation, schema: known.schema, name: commit.space };
    Ok(Prepared { space, at: commit.at.as_microsecond(), documents, tallies, events: commit.events })
}

fn document(catalog: &Catalog, space: &str, write: DocumentWrite) -> Result<PreparedDocument, StoreError> {
    let collection = catalog.collection(space, write.key.collection())?.id;
    let op = match write.op {
        DocumentOp::Guard => PreparedOp::Guard,
        DocumentOp::Delete => PreparedOp::Delete,
        DocumentOp::Put(raw) => PreparedOp::Put(put(catalog, space, &write.key, raw)?),
    };
    Ok(PreparedDocument { place: Place { collection, key: write.key }, expect: write.expect, op })
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
    let schema = i32::try_from(raw.schema).unwrap_or(i32::MAX);
    let packed = pack(&entries);
    Ok(PreparedPut { schema, body: raw.body, expires, entries, packed, unique })
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
        let field = change.field.into_owned();
        changes.push(FieldDelta { column, field, add: change.add, floor: change.floor });
    }
    Ok(PreparedTally { place: TallyPlace { kind: kind.id, key: write.key }, changes })
}
