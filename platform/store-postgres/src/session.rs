//! The writer's connection and what is said on it: everything that a group of transactions may touch is asked for in
//! one round trip, everything that it changes is told in a second one.

use crate::{
    changes::Changes,
    connect::Connector,
    decide::{Existing, Found},
    entries::{Entry, unpack},
    fault::Broken,
    format::LOCK,
    prepare::{Place, Prepared, PreparedPut, TallyPlace},
};
use deadpool_postgres::ClientWrapper;
use emporia_store::{Key, StoreError};
use futures_util::{FutureExt, future::BoxFuture, future::join_all};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio_postgres::{Error, Row, Statement, types::ToSql};

/// The longest one round trip may take: longer than the server's own limits, so that it is the network that is at fault.
const LONGEST: Duration = Duration::from_secs(45);

/// The group's versions, the log's end, the transaction's number. Sequences are not rolled back, but only who holds the
/// lock takes numbers, so those of a group follow each other.
const HEAD: &str = "SELECT (SELECT max(nextval('versions')) FROM generate_series(1, $1::int)),
           greatest((SELECT max(position) FROM log), (SELECT position FROM trimmed)),
           pg_current_xact_id()::text";

const SPACES: &str = "SELECT id, generation, schema FROM spaces WHERE id = ANY($1::int[])";

const DOCUMENTS: &str = "SELECT k.n, d.version, d.expires, d.entries
    FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS k(c, p, s, n)
    JOIN documents d ON d.collection = k.c AND d.partition = k.p AND d.sort = k.s";

/// Two owners are enough to know whether there is another one than the document that asks.
const OWNERS: &str = "SELECT k.n, o.partition, o.sort, d.version, d.expires, d.entries
    FROM unnest($1::int[], $2::bytea[], $3::int[]) WITH ORDINALITY AS k(i, e, c, n)
    CROSS JOIN LATERAL (SELECT partition, sort FROM entries WHERE idx = k.i AND key = k.e LIMIT 2) o
    JOIN documents d ON d.collection = k.c AND d.partition = o.partition AND d.sort = o.sort";

const TALLIES: &str = "SELECT k.n, t.f0, t.f1, t.f2, t.f3, t.f4, t.f5, t.f6, t.f7
    FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS k(k, p, s, n)
    JOIN tallies t ON t.kind = k.k AND t.partition = k.p AND t.sort = k.s";

const SUBJECTS: &str =
    "SELECT k.n, s.sequence FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(a, b, n)
    JOIN subjects s ON s.source = k.a AND s.subject = k.b";

const EXPIRED: &str = "SELECT collection, partition, sort, entries FROM documents
    WHERE expires IS NOT NULL AND expires <= $1 LIMIT $2";

const PUT: &str = "INSERT INTO documents (collection, partition, sort, version, schema, expires, entries, body)
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::bigint[], $7::bytea[],
                         $8::text[])
    ON CONFLICT (collection, partition, sort) DO UPDATE SET version = excluded.version, schema = excluded.schema,
        expires = excluded.expires, entries = excluded.entries, body = excluded.body";

const DELETE: &str = "DELETE FROM documents d USING unnest($1::int[], $2::text[], $3::text[]) AS k(c, p, s)
    WHERE d.collection = k.c AND d.partition = k.p AND d.sort = k.s";

const REMOVE_ENTRIES: &str = "DELETE FROM entries e
    USING unnest($1::int[], $2::bytea[], $3::text[], $4::text[]) AS k(i, e, p, s)
    WHERE e.idx = k.i AND e.key = k.e AND e.partition = k.p AND e.sort = k.s";

const ADD_ENTRIES: &str = "INSERT INTO entries (idx, key, partition, sort)
    SELECT * FROM unnest($1::int[], $2::bytea[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING";

const PUT_TALLIES: &str = "INSERT INTO tallies (kind, partition, sort, f0, f1, f2, f3, f4, f5, f6, f7)
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                         $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
    ON CONFLICT (kind, partition, sort) DO UPDATE SET f0 = excluded.f0, f1 = excluded.f1, f2 = excluded.f2,
        f3 = excluded.f3, f4 = excluded.f4, f5 = excluded.f5, f6 = excluded.f6, f7 = excluded.f7";

const PUT_SUBJECTS: &str = "INSERT INTO subjects (source, subject, sequence)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
    ON CONFLICT (source, subject) DO UPDATE SET sequence = excluded.sequence";

const APPEND: &str = "INSERT INTO log (position, id, source, detail_type, subject, sequence, occurred_at, body)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                         $8::text[])";

const NOTIFY: &str = "SELECT pg_notify(current_schema(), $1)";

const FATE: &str = "SELECT pg_xact_status($1::text::xid8)";

/// The server's number of a transaction, by which its fate can be asked for.
pub(crate) type TransactionNumber = String;

pub(crate) struct Session {
    client: ClientWrapper,
    statements: HashMap<&'static str, Statement>,
    place: Arc<str>,
}

/// What a group of transactions asks for, each once.
#[derive(Default)]
struct Wanted<'a> {
    transactions: i32,
    spaces: Vec<i32>,
    places: Vec<&'a Place>,
    entries: Vec<(&'a Entry, &'a Place)>,
    tallies: Vec<&'a TallyPlace>,
    subjects: Vec<(&'a str, &'a str)>,
}

impl<'a> Wanted<'a> {
    fn of(group: &[&'a Prepared]) -> Self {
        let mut wanted =
            Self { transactions: i32::try_from(group.len()).unwrap_or(i32::MAX), ..Self::default() };
        let (mut places, mut entries) = (HashSet::new(), HashSet::new());
        let (mut tallies, mut subjects) = (HashSet::new(), HashSet::new());
        for transaction in group {
            if !wanted.spaces.contains(&transaction.space.id) {
                wanted.spaces.push(transaction.space.id);
            }
            for document in &transaction.documents {
                if places.insert(&document.place) {
                    wanted.places.push(&document.place);
                }
                for (_, entry) in document.put().into_iter().flat_map(PreparedPut::unique) {
                    if entries.insert(entry) {
                        wanted.entries.push((entry, &document.place));
                    }
                }
            }
            let of_tallies = transaction.tallies.iter().map(|tally| &tally.place);
            wanted.tallies.extend(of_tallies.filter(|place| tallies.insert(*place)));
            let of_events = transaction.events.iter().map(|e| (e.source.as_str(), e.subject.as_str()));
            wanted.subjects.extend(of_events.filter(|subject| subjects.insert(*subject)));
        }
        wanted
    }
}

type Parameters<'a> = Vec<&'a (dyn ToSql + Sync)>;

impl Session {
    pub(crate) async fn open(connector: &Connector) -> Result<Self, Error> {
        const ALL: [&str; 18] = [
            LOCK,
            HEAD,
            SPACES,
            DOCUMENTS,
            OWNERS,
            TALLIES,
            SUBJECTS,
            EXPIRED,
            PUT,
            DELETE,
            REMOVE_ENTRIES,
            ADD_ENTRIES,
            PUT_TALLIES,
            PUT_SUBJECTS,
            APPEND,
            NOTIFY,
            FATE,
            "COMMIT",
        ];
        let client = connector.client().await?;
        // An acknowledgement means that the disk has it, also where the server's default is less.
        let durable = "SELECT set_config('synchronous_commit', 'on', false)
                       WHERE current_setting('synchronous_commit') = 'off'";
        client.batch_execute(durable).await?;
        let prepared = join_all(ALL.iter().map(|sql| client.prepare(sql))).await;
        let prepared = prepared.into_iter().collect::<Result<Vec<_>, _>>()?;
        let statements = ALL.into_iter().zip(prepared).collect();
        Ok(Self { client, statements, place: Arc::clone(&connector.place) })
    }

    /// Begins a transaction, takes the writers' lock, and finds what the group may touch.
    pub(crate) async fn begin(&self, group: &[&Prepared]) -> Result<(TransactionNumber, Found), Broken> {
        let wanted = Wanted::of(group);
        let (collections, partitions, sorts) = columns(&wanted.places);
        let indexes: Vec<i32> = wanted.entries.iter().map(|(entry, _)| entry.0).collect();
        let keys: Vec<&[u8]> = wanted.entries.iter().map(|(entry, _)| entry.1.as_slice()).collect();
        let of: Vec<i32> = wanted.entries.iter().map(|(_, place)| place.collection).collect();
        let kinds: Vec<i32> = wanted.tallies.iter().map(|tally| tally.kind).collect();
        let tally_partitions: Vec<&str> = wanted.tallies.iter().map(|tally| tally.key.partition()).collect();
        let tally_sorts: Vec<&str> = wanted.tallies.iter().map(|tally| tally.key.sort()).collect();
        let (sources, subjects): (Vec<&str>, Vec<&str>) = wanted.subjects.iter().copied().unzip();
        let answers = self.pipeline(vec![
            self.simple("BEGIN"),
            // A statement of its own: those behind it see what was committed before the lock was ours.
            self.query(LOCK, vec![]),
            self.query(HEAD, vec![&wanted.transactions]),
            self.query(SPACES, vec![&wanted.spaces]),
            self.query_unless(wanted.places.is_empty(), DOCUMENTS, vec![&collections, &partitions, &sorts]),
            self.query_unless(wanted.entries.is_empty(), OWNERS, vec![&indexes, &keys, &of]),
            self.query_unless(kinds.is_empty(), TALLIES, vec![&kinds, &tally_partitions, &tally_sorts]),
            self.query_unless(sources.is_empty(), SUBJECTS, vec![&sources, &subjects]),
        ]);
        let mut answers = answers.await?.into_iter().skip(2);
        let mut next = || answers.next().unwrap_or_default();
        let (head, spaces, documents, owners, tallies, subjects) =
            (next(), next(), next(), next(), next(), next());
        read(&wanted, &head, &spaces, &documents, &owners, &tallies, &subjects)
            .map_err(|error| Broken::of(&error, &self.place))?
            .ok_or_else(|| Broken { error: damaged(), cut: false })
    }

    /// Tells the changes and commits. When this fails because the connection was cut, the fate of the transaction is
    /// to be asked for on another one.
    pub(crate) async fn commit(&self, changes: &Changes<'_>, position: i64) -> Result<(), Broken> {
        let position = position.to_string();
        let mut work = Vec::with_capacity(9);
        let deletes = &changes.deletes;
        if !deletes.is_empty() {
            work.push(self.query(DELETE, vec![&deletes.collections, &deletes.partitions, &deletes.sorts]));
        }
        for (sql, entries) in [(REMOVE_ENTRIES, &changes.removed), (ADD_ENTRIES, &changes.added)] {
            if !entries.is_empty() {
                let columns: Parameters<'_> =
                    vec![&entries.indexes, &entries.keys, &entries.partitions, &entries.sorts];
                work.push(self.query(sql, columns));
            }
        }
        let puts = &changes.puts;
        if !puts.places.is_empty() {
            let places = &puts.places;
            let mut columns: Parameters<'_> = vec![&places.collections, &places.partitions, &places.sorts];
            columns.extend([&puts.versions as &(dyn ToSql + Sync), &puts.schemas, &puts.expires]);
            columns.extend([&puts.entries as &(dyn ToSql + Sync), &puts.bodies]);
            work.push(self.query(PUT, columns));
        }
        let tallies = &changes.tallies;
        if !tallies.kinds.is_empty() {
            let mut columns: Parameters<'_> = vec![&tallies.kinds, &tallies.partitions, &tallies.sorts];
            columns.extend(tallies.fields.iter().map(|column| column as &(dyn ToSql + Sync)));
            work.push(self.query(PUT_TALLIES, columns));
        }
        let (subjects, log) = (&changes.subjects, &changes.log);
        if !log.positions.is_empty() {
            let columns: Parameters<'_> = vec![&subjects.sources, &subjects.subjects, &subjects.sequences];
            work.push(self.query(PUT_SUBJECTS, columns));
            let mut columns: Parameters<'_> = vec![&log.positions, &log.ids, &log.sources, &log.detail_types];
            columns.extend([
                &log.subjects as &(dyn ToSql + Sync),
                &log.sequences,
                &log.occurred,
                &log.bodies,
            ]);
            work.push(self.query(APPEND, columns));
            work.push(self.query(NOTIFY, vec![&position]));
        }
        work.push(self.query("COMMIT", vec![]));
        self.pipeline(work).await.map(drop)
    }

    /// Gives up the transaction, and with it the lock.
    pub(crate) async fn roll_back(&self) -> Result<(), Broken> {
        self.pipeline(vec![self.simple("ROLLBACK")]).await.map(drop)
    }

    /// Begins a transaction, takes the writers' lock, and finds expired documents with their entries.
    pub(crate) async fn begin_sweep(&self, at: i64, limit: i64) -> Result<Vec<(Place, Vec<Entry>)>, Broken> {
        let work =
            vec![self.simple("BEGIN"), self.query(LOCK, vec![]), self.query(EXPIRED, vec![&at, &limit])];
        let rows = self.pipeline(work).await?.pop().unwrap_or_default();
        let expired = rows.iter().map(|row| {
            // The collection's name is not needed to remove a document.
            let key = Key::of("", row.try_get::<_, String>(1)?).child(row.try_get::<_, String>(2)?);
            let entries = unpack(row.try_get::<_, Option<&[u8]>>(3)?.unwrap_or_default());
            Ok((Place { collection: row.try_get(0)?, key }, entries.unwrap_or_default()))
        });
        expired.collect::<Result<_, _>>().map_err(|error| Broken::of(&error, &self.place))
    }

    /// Whether a transaction whose connection was cut has been committed; none if the server cannot tell.
    pub(crate) async fn fate(&self, of: &TransactionNumber) -> Result<Option<bool>, Broken> {
        // The lock is free when the old connection's process has ended, and with it the transaction.
        let work = vec![self.simple("BEGIN"), self.query(LOCK, vec![]), self.query(FATE, vec![of])];
        let asked = self.pipeline(work).await;
        self.roll_back().await?;
        let status = asked?.pop().and_then(|rows| rows.first()?.try_get::<_, Option<String>>(0).ok()?);
        Ok(match status.as_deref() {
            Some("committed") => Some(true),
            Some("aborted") => Some(false),
            _ => None,
        })
    }

    fn query<'a>(
        &'a self,
        sql: &'static str,
        parameters: Parameters<'a>,
    ) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        async move {
            match self.statements.get(sql) {
                Some(statement) => self.client.query(statement, &parameters).await,
                None => self.client.query(sql, &parameters).await,
            }
        }
        .boxed()
    }

    fn query_unless<'a>(
        &'a self,
        empty: bool,
        sql: &'static str,
        parameters: Parameters<'a>,
    ) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        if empty { std::future::ready(Ok(Vec::new())).boxed() } else { self.query(sql, parameters) }
    }

    fn simple<'a>(&'a self, sql: &'static str) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
        async move { self.client.batch_execute(sql).await.map(|()| Vec::new()) }.boxed()
    }

    /// Sends everything at once, in order, and waits for all answers: one round trip.
    async fn pipeline(
        &self,
        work: Vec<BoxFuture<'_, Result<Vec<Row>, Error>>>,
    ) -> Result<Vec<Vec<Row>>, Broken> {
        let Ok(answers) = tokio::time::timeout(LONGEST, join_all(work)).await else {
            let detail = format!("{}: no answer within {} seconds", self.place, LONGEST.as_secs());
            return Err(Broken { error: StoreError::Unavailable { detail }, cut: true });
        };
        // The first error is the cause of those behind it.
        answers.into_iter().collect::<Result<_, _>>().map_err(|error| Broken::of(&error, &self.place))
    }
}

fn columns<'a>(places: &[&'a Place]) -> (Vec<i32>, Vec<&'a str>, Vec<&'a str>) {
    let collections = places.iter().map(|place| place.collection).collect();
    let partitions = places.iter().map(|place| place.key.partition()).collect();
    (collections, partitions, places.iter().map(|place| place.key.sort()).collect())
}

fn damaged() -> StoreError {
    StoreError::Corrupt { detail: "a document's list of index entries".to_owned() }
}

/// Puts the rows in order; none if something is damaged.
fn read(
    wanted: &Wanted<'_>,
    head: &[Row],
    spaces: &[Row],
    documents: &[Row],
    owners: &[Row],
    tallies: &[Row],
    subjects: &[Row],
) -> Result<Option<(TransactionNumber, Found)>, Error> {
    let Some(head) = head.first() else { return Ok(None) };
    let mut found = Found { version: head.try_get(0)?, position: head.try_get(1)?, ..Found::default() };
    for row in spaces {
        found.spaces.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
    }
    for row in documents {
        let Some(place) = nth(&wanted.places, row)? else { return Ok(None) };
        let Some(existing) = existing(row, 1)? else { return Ok(None) };
        found.documents.insert((*place).clone(), existing);
    }
    for (entry, _) in &wanted.entries {
        found.owners.insert((*entry).clone(), Vec::new());
    }
    for row in owners {
        let Some((entry, place)) = nth(&wanted.entries, row)? else { return Ok(None) };
        let Some(existing) = existing(row, 3)? else { return Ok(None) };
        let key = Key::of(place.key.collection().to_owned(), row.try_get::<_, String>(1)?);
        let owner = Place { collection: place.collection, key: key.child(row.try_get::<_, String>(2)?) };
        found.documents.entry(owner.clone()).or_insert(existing);
        found.owners.entry((*entry).clone()).or_default().push(owner);
    }
    for row in tallies {
        let Some(place) = nth(&wanted.tallies, row)? else { return Ok(None) };
        let mut values = [0; 8];
        for (at, value) in values.iter_mut().enumerate() {
            *value = row.try_get(at + 1)?;
        }
        found.tallies.insert((*place).clone(), values);
    }
    for row in subjects {
        let Some((source, subject)) = nth(&wanted.subjects, row)? else { return Ok(None) };
        found.subjects.insert(((*source).to_owned(), (*subject).to_owned()), row.try_get(1)?);
    }
    Ok(Some((head.try_get(2)?, found)))
}

/// What the row answers: its first column counts from 1.
fn nth<'a, T>(wanted: &'a [T], row: &Row) -> Result<Option<&'a T>, Error> {
    let number: i64 = row.try_get(0)?;
    Ok(usize::try_from(number - 1).ok().and_then(|at| wanted.get(at)))
}

fn existing(row: &Row, first: usize) -> Result<Option<Existing>, Error> {
    let packed = row.try_get::<_, Option<&[u8]>>(first + 2)?.unwrap_or_default();
    let Some(entries) = unpack(packed) else { return Ok(None) };
    Ok(Some(Existing { version: row.try_get(first)?, expires: row.try_get(first + 1)?, entries }))
}
