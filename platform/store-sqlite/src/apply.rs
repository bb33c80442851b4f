//! One transaction within the writer's open SQLite transaction: first all conditions are checked by reading, then
//! everything is applied. A refused transaction has therefore changed nothing, and the group goes on without it.

use crate::{
    entries::{Entry, unpack},
    prepare::{Prepared, PreparedDocument, PreparedOp, PreparedPut, PreparedTally},
};
use emporia_store::{Expect, Key, NewEvent, StoreError, limits};
use rusqlite::{Connection, OptionalExtension};

/// Why a transaction was not applied.
pub(crate) enum Halt {
    /// Its conditions do not hold; nothing was changed.
    Refused(StoreError),
    /// SQLite failed; the whole group must be rolled back.
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Halt {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

/// Counters that the writer holds in memory and stores with every group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) commit: i64,
    pub(crate) position: i64,
}

/// A document as the file has it, expired or not.
struct Existing {
    id: i64,
    version: i64,
    expires: Option<i64>,
    entries: Vec<Entry>,
}

/// The fields of a tally.
pub(crate) type Values = [i64; limits::TALLY_FIELDS];

/// What the checks found, in the order of the transaction's parts.
struct Found {
    documents: Vec<Option<Existing>>,
    /// Expired documents whose unique entries are wanted by others.
    expired: Vec<Existing>,
    tallies: Vec<Values>,
}

/// What became of a transaction.
pub(crate) struct Applied {
    /// The version of what it wrote.
    pub(crate) version: i64,
    /// Whether documents went that it does not name: expired ones in the way of its unique entries.
    pub(crate) removed_others: bool,
    /// What its tallies are now, in their order.
    pub(crate) tallies: Vec<Values>,
    /// Positions of its events, with their numbers among those of their subjects.
    pub(crate) appended: Vec<(i64, i64)>,
}

/// Applies the transaction.
pub(crate) fn apply(
    connection: &Connection,
    counters: &mut Counters,
    transaction: &Prepared,
) -> Result<Applied, Halt> {
    let found = check(connection, transaction)?;
    counters.commit += 1;
    let version = counters.commit;
    for expired in &found.expired {
        remove(connection, expired)?;
    }
    for (document, existing) in transaction.documents.iter().zip(&found.documents) {
        match (&document.op, existing) {
            (PreparedOp::Put(put), existing) => write(connection, document, put, existing.as_ref(), version)?,
            (PreparedOp::Delete, Some(existing)) => remove(connection, existing)?,
            (PreparedOp::Delete, None) | (PreparedOp::Guard, _) => {}
        }
    }
    for (tally, values) in transaction.tallies.iter().zip(&found.tallies) {
        write_tally(connection, tally, values)?;
    }
    let mut appended = Vec::with_capacity(transaction.events.len());
    for event in &transaction.events {
        counters.position += 1;
        appended.push((counters.position, append(connection, counters.position, event)?));
    }
    let Found { tallies, expired, .. } = found;
    Ok(Applied { version, removed_others: !expired.is_empty(), tallies, appended })
}

fn check(connection: &Connection, transaction: &Prepared) -> Result<Found, Halt> {
    let mut documents = Vec::with_capacity(transaction.documents.len());
    for document in &transaction.documents {
        let existing = find(connection, document)?;
        let live = existing.as_ref().filter(|e| !is_expired(e.expires, transaction.at));
        let holds = match document.expect {
            Expect::Any => true,
            Expect::Absent => live.is_none(),
            Expect::At(version) => live.is_some_and(|live| live.version == version.get()),
        };
        if !holds {
            return Err(Halt::Refused(StoreError::Conflict { key: Box::new(document.key.clone()) }));
        }
        documents.push(existing);
    }
    let expired = check_unique(connection, transaction, &documents)?;
    let tallies = transaction.tallies.iter().map(|tally| check_tally(connection, tally));
    Ok(Found { expired, tallies: tallies.collect::<Result<_, _>>()?, documents })
}

fn is_expired(expires: Option<i64>, at: i64) -> bool {
    expires.is_some_and(|expires| expires <= at)
}

fn find(connection: &Connection, document: &PreparedDocument) -> Result<Option<Existing>, Halt> {
    let mut statement = connection.prepare_cached(
        "SELECT id, version, expires, entries FROM documents WHERE collection = ?1 AND partition = ?2 AND sort = ?3",
    )?;
    let mut rows = statement.query((document.collection, document.key.partition(), document.key.sort()))?;
    rows.next()?.map(existing).transpose()
}

fn existing(row: &rusqlite::Row<'_>) -> Result<Existing, Halt> {
    let packed = row.get_ref(3)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let entries = unpack(packed.unwrap_or_default()).ok_or_else(|| {
        Halt::Refused(StoreError::Corrupt { detail: "a document's list of index entries".to_owned() })
    })?;
    Ok(Existing { id: row.get(0)?, version: row.get(1)?, expires: row.get(2)?, entries })
}

/// Checks that nobody else has the unique entries that the transaction wants. An entry is free if its document gives
/// it up in the same transaction or has expired; such expired documents are answered, to be removed.
fn check_unique(
    connection: &Connection,
    transaction: &Prepared,
    documents: &[Option<Existing>],
) -> Result<Vec<Existing>, Halt> {
    let mut wanted: Vec<(&Entry, &Key)> = Vec::new();
    let mut expired: Vec<Existing> = Vec::new();
    for (document, existing) in transaction.documents.iter().zip(documents) {
        let Some(put) = document.put() else { continue };
        for (at, index) in &put.unique {
            let Some(entry) = put.entries.get(*at) else { continue };
            let taken = |key: &Key| {
                let (index, value) = (index.clone(), put.readable_entry(*at));
                Halt::Refused(StoreError::Duplicate { index, value, key: Box::new(key.clone()) })
            };
            if let Some((_, key)) = wanted.iter().find(|(other, _)| *other == entry) {
                return Err(taken(key));
            }
            wanted.push((entry, &document.key));
            // Another's, also when the document has the entry already: the index may be about to become unique.
            let mine = existing.as_ref().map(|existing| existing.id);
            for (id, partition, sort) in other_holders(connection, entry, mine)? {
                let own = documents.iter().zip(&transaction.documents);
                let mut own = own.filter(|(existing, _)| existing.as_ref().is_some_and(|e| e.id == id));
                let given_up = own.any(|(_, document)| match &document.op {
                    PreparedOp::Put(put) => !put.entries.contains(entry),
                    PreparedOp::Delete => true,
                    PreparedOp::Guard => false,
                });
                if given_up || expired.iter().any(|e| e.id == id) {
                    continue;
                }
                match by_id(connection, id)? {
                    Some(holder) if is_expired(holder.expires, transaction.at) => expired.push(holder),
                    _ => {
                        let key = Key::of(document.key.collection().to_owned(), partition).child(sort);
                        return Err(taken(&key));
                    }
                }
            }
        }
    }
    Ok(expired)
}

/// Documents other than this one that have an entry. Of a unique index there is one at most, but for one that is about
/// to become unique.
fn other_holders(
    connection: &Connection,
    entry: &Entry,
    than: Option<i64>,
) -> rusqlite::Result<Vec<(i64, String, String)>> {
    let mut statement = connection.prepare_cached(
        "SELECT document, partition, sort FROM entries WHERE idx = ?1 AND key = ?2 AND document IS NOT ?3",
    )?;
    let holder = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    statement.query_map((entry.0, &entry.1, than), holder)?.collect()
}

fn by_id(connection: &Connection, id: i64) -> Result<Option<Existing>, Halt> {
    let mut statement =
        connection.prepare_cached("SELECT id, version, expires, entries FROM documents WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(existing).transpose()
}

fn check_tally(connection: &Connection, tally: &PreparedTally) -> Result<Values, Halt> {
    let mut values = tally_values(connection, tally.kind, tally.key.partition(), tally.key.sort())?;
    for change in &tally.changes {
        let key = || Box::new(tally.key.clone());
        // `prepare` keeps columns below the number of fields.
        let Some(slot) = values.get_mut(change.column) else { continue };
        let value = *slot;
        let Some(sum) = value.checked_add(change.add) else {
            return Err(Halt::Refused(StoreError::Overflow { key: key(), field: change.field.clone() }));
        };
        if let Some(floor) = change.floor.filter(|floor| sum < *floor) {
            let (field, change) = (change.field.clone(), change.add);
            return Err(Halt::Refused(StoreError::BelowFloor { key: key(), field, value, change, floor }));
        }
        *slot = sum;
    }
    Ok(values)
}

/// The fields of a tally; all zero if it is not there.
pub(crate) fn tally_values(
    connection: &Connection,
    kind: i64,
    partition: &str,
    sort: &str,
) -> rusqlite::Result<Values> {
    let mut statement = connection.prepare_cached(
        "SELECT f0, f1, f2, f3, f4, f5, f6, f7 FROM tallies WHERE kind = ?1 AND partition = ?2 AND sort = ?3",
    )?;
    let mut rows = statement.query((kind, partition, sort))?;
    let mut values = [0; limits::TALLY_FIELDS];
    if let Some(row) = rows.next()? {
        for (column, value) in values.iter_mut().enumerate() {
            *value = row.get(column)?;
        }
    }
    Ok(values)
}

fn write(
    connection: &Connection,
    document: &PreparedDocument,
    put: &PreparedPut,
    existing: Option<&Existing>,
    version: i64,
) -> rusqlite::Result<()> {
    let (partition, sort) = (document.key.partition(), document.key.sort());
    let id = match existing {
        Some(existing) => {
            let mut update = connection.prepare_cached(
                "UPDATE documents SET version = ?2, schema = ?3, expires = ?4, entries = ?5, body = ?6 WHERE id = ?1",
            )?;
            update.execute((existing.id, version, put.schema, put.expires, &put.packed, &*put.body))?;
            existing.id
        }
        None => {
            let mut insert = connection.prepare_cached(
                "INSERT INTO documents (collection, partition, sort, version, schema, expires, entries, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            let collection = document.collection;
            insert.insert((
                collection,
                partition,
                sort,
                version,
                put.schema,
                put.expires,
                &put.packed,
                &*put.body,
            ))?
        }
    };
    let old = existing.map(|existing| existing.entries.as_slice()).unwrap_or_default();
    for entry in old.iter().filter(|entry| !put.entries.contains(entry)) {
        remove_entry(connection, entry, partition, sort)?;
    }
    for entry in put.entries.iter().filter(|entry| !old.contains(entry)) {
        let mut add = connection.prepare_cached(
            "INSERT OR REPLACE INTO entries (idx, key, partition, sort, document) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        add.execute((entry.0, &entry.1, partition, sort, id))?;
    }
    Ok(())
}

fn remove_entry(connection: &Connection, entry: &Entry, partition: &str, sort: &str) -> rusqlite::Result<()> {
    let mut delete = connection
        .prepare_cached("DELETE FROM entries WHERE idx = ?1 AND key = ?2 AND partition = ?3 AND sort = ?4")?;
    delete.execute((entry.0, &entry.1, partition, sort)).map(drop)
}

fn remove(connection: &Connection, existing: &Existing) -> rusqlite::Result<()> {
    let mut delete =
        connection.prepare_cached("DELETE FROM documents WHERE id = ?1 RETURNING partition, sort")?;
    let place = delete
        .query_row([existing.id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    if let Some((partition, sort)) = place {
        for entry in &existing.entries {
            remove_entry(connection, entry, &partition, &sort)?;
        }
    }
    Ok(())
}

fn write_tally(connection: &Connection, tally: &PreparedTally, values: &Values) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO tallies (kind, partition, sort, f0, f1, f2, f3, f4, f5, f6, f7)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let [f0, f1, f2, f3, f4, f5, f6, f7] = values;
    let (partition, sort) = (tally.key.partition(), tally.key.sort());
    statement.execute((tally.kind, partition, sort, f0, f1, f2, f3, f4, f5, f6, f7)).map(drop)
}

/// Appends an event to the log; answers its number among those of its subject.
fn append(connection: &Connection, position: i64, event: &NewEvent) -> rusqlite::Result<i64> {
    let mut count = connection.prepare_cached(
        "INSERT INTO subjects (source, subject, sequence) VALUES (?1, ?2, 1)
         ON CONFLICT (source, subject) DO UPDATE SET sequence = sequence + 1 RETURNING sequence",
    )?;
    let sequence: i64 = count.query_row((&event.source, &event.subject), |row| row.get(0))?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO log (position, id, source, detail_type, subject, sequence, occurred_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let id = event.id.hyphenated().to_string();
    let at = event.occurred_at.as_millisecond();
    let (source, detail_type, subject) = (&event.source, &event.detail_type, &event.subject);
    insert.execute((position, id, source, detail_type, subject, sequence, at, event.body.get()))?;
    Ok(sequence)
}

/// Removes documents that expired at or before `at`, at most `limit`; answers how many.
pub(crate) fn sweep(connection: &Connection, at: i64, limit: usize) -> Result<usize, Halt> {
    let mut statement = connection.prepare_cached(
        "SELECT id, version, expires, entries FROM documents WHERE expires IS NOT NULL AND expires <= ?1 LIMIT ?2",
    )?;
    let mut rows = statement.query((at, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut expired = Vec::new();
    while let Some(row) = rows.next()? {
        expired.push(existing(row)?);
    }
    for document in &expired {
        remove(connection, document)?;
    }
    Ok(expired.len())
}
