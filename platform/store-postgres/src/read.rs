//! Documents, children, index ranges and tallies: what is asked, and what the rows say. Each question is one statement,
//! so that it is answered from one snapshot.

use crate::{
    decide::Values,
    gather::Readable,
    prepare::{Place, TallyPlace},
    readers::Readers,
};
use emporia_store::{
    CursorPosition, Key, RawChildren, RawDocument, RawEntry, RawPage, RawQuery, StoreError, Version, limits,
};
use std::fmt::Write;
use tokio_postgres::{Error, Row, types::ToSql};

const GET: &str = "SELECT version, schema, body, expires FROM documents
    WHERE collection = $1 AND partition = $2 AND sort = $3";

const GET_MANY: &str = "SELECT d.version, d.schema, d.body, d.expires, k.n
    FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS k(c, p, s, n)
    JOIN documents d ON d.collection = k.c AND d.partition = k.p AND d.sort = k.s";

const TALLIES: &str = "SELECT k.n, t.f0, t.f1, t.f2, t.f3, t.f4, t.f5, t.f6, t.f7
    FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS k(k, p, s, n)
    JOIN tallies t ON t.kind = k.k AND t.partition = k.p AND t.sort = k.s";

/// A document, if there is one, and when it expires, in microseconds.
pub(crate) struct Stored(Option<(RawDocument, Option<i64>)>);

impl Stored {
    /// The document, if it is there at that moment.
    pub(crate) fn alive(self, at: i64) -> Option<RawDocument> {
        let (document, expires) = self.0?;
        expires.is_none_or(|expires| expires > at).then_some(document)
    }

    fn from_row(row: &Row, place: &Place) -> Result<Self, StoreError> {
        let document = document(row, 0, place.key.clone()).map_err(damaged)?;
        Ok(Self(Some((document, row.try_get(3).map_err(damaged)?))))
    }
}

impl Readable for Stored {
    type Place = Place;

    async fn read(readers: &Readers, places: &[Place]) -> Result<Vec<Self>, StoreError> {
        if let [one] = places {
            let rows = readers.rows(GET, &[&one.collection, &one.key.partition(), &one.key.sort()]).await?;
            let stored = rows.first().map_or(Ok(Self(None)), |row| Self::from_row(row, one))?;
            return Ok(vec![stored]);
        }
        let mut found: Vec<Self> = places.iter().map(|_| Self(None)).collect();
        let collections: Vec<i32> = places.iter().map(|place| place.collection).collect();
        let partitions: Vec<&str> = places.iter().map(|place| place.key.partition()).collect();
        let sorts: Vec<&str> = places.iter().map(|place| place.key.sort()).collect();
        for row in readers.rows(GET_MANY, &[&collections, &partitions, &sorts]).await? {
            let number: i64 = row.try_get(4).map_err(damaged)?;
            let place =
                usize::try_from(number - 1).ok().and_then(|at| Some((places.get(at)?, found.get_mut(at)?)));
            if let Some((place, slot)) = place {
                *slot = Self::from_row(&row, place)?;
            }
        }
        Ok(found)
    }
}

/// A column that is not of its type.
pub(crate) fn damaged(error: Error) -> StoreError {
    StoreError::Corrupt { detail: error.to_string() }
}

fn document(row: &Row, first: usize, key: Key) -> Result<RawDocument, Error> {
    let version = Version::from_i64(row.try_get(first)?);
    let schema = u32::try_from(row.try_get::<_, i32>(first + 1)?).unwrap_or_default();
    Ok(RawDocument { key, version, schema, body: row.try_get::<_, String>(first + 2)?.into() })
}

impl Readable for Values {
    type Place = TallyPlace;

    async fn read(readers: &Readers, places: &[TallyPlace]) -> Result<Vec<Self>, StoreError> {
        let mut found = vec![[0; limits::TALLY_FIELDS]; places.len()];
        let kinds: Vec<i32> = places.iter().map(|place| place.kind).collect();
        let partitions: Vec<&str> = places.iter().map(|place| place.key.partition()).collect();
        let sorts: Vec<&str> = places.iter().map(|place| place.key.sort()).collect();
        for row in readers.rows(TALLIES, &[&kinds, &partitions, &sorts]).await? {
            let number: i64 = row.try_get(0).map_err(damaged)?;
            let slot = usize::try_from(number - 1).ok().and_then(|at| found.get_mut(at));
            for (at, value) in slot.into_iter().flatten().enumerate() {
                *value = row.try_get(at + 1).map_err(damaged)?;
            }
        }
        Ok(found)
    }
}

pub(crate) async fn children(
    readers: &Readers,
    collection: i32,
    range: &RawChildren,
) -> Result<RawPage, StoreError> {
    let order = direction(range.descending);
    let below = if range.to.is_some() { " AND sort < $6" } else { "" };
    let sql = format!(
        "SELECT version, schema, body, sort FROM documents
         WHERE collection = $1 AND partition = $2 AND sort >= $3{below} AND (expires IS NULL OR expires > $4)
         ORDER BY sort {order} LIMIT $5"
    );
    let (at, limit) = (range.at.as_microsecond(), one_more(range.limit));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&collection, &range.partition, &range.from, &at, &limit];
    parameters.extend(range.to.iter().map(|to| to as &(dyn ToSql + Sync)));
    let rows = readers.rows(&sql, &parameters).await?;
    let entries = rows.iter().map(|row| {
        let sort: String = row.try_get(3)?;
        let key = Key::of(range.collection.clone(), range.partition.as_str()).child(sort.as_str());
        let place = CursorPosition { key: Vec::new(), partition: range.partition.clone(), sort };
        Ok(RawEntry { place, document: Some(document(row, 0, key)?) })
    });
    Ok(page(entries.collect::<Result<_, _>>().map_err(damaged)?, range.limit))
}

pub(crate) async fn query(
    readers: &Readers,
    collection: i32,
    index: i32,
    query: &RawQuery,
) -> Result<RawPage, StoreError> {
    let columns = if query.keys_only { "" } else { ", d.version, d.schema, d.body" };
    let at = query.at.as_microsecond();
    let (range, mut parameters) = range(&collection, &index, &at, query);
    let order = direction(query.window.descending);
    let limit = one_more(query.window.limit);
    parameters.push(&limit);
    let sql = format!(
        "SELECT e.key, e.partition, e.sort{columns} {range}
         ORDER BY e.key {order}, e.partition {order}, e.sort {order} LIMIT ${}",
        parameters.len()
    );
    let rows = readers.rows(&sql, &parameters).await?;
    let entries = rows.iter().map(|row| {
        let place =
            CursorPosition { key: row.try_get(0)?, partition: row.try_get(1)?, sort: row.try_get(2)? };
        let key = || Key::of(query.collection.clone(), place.partition.as_str()).child(place.sort.as_str());
        let document = if query.keys_only { None } else { Some(document(row, 3, key())?) };
        Ok(RawEntry { place, document })
    });
    Ok(page(entries.collect::<Result<_, _>>().map_err(damaged)?, query.window.limit))
}

pub(crate) async fn count(
    readers: &Readers,
    collection: i32,
    index: i32,
    query: &RawQuery,
) -> Result<u64, StoreError> {
    let at = query.at.as_microsecond();
    let (range, parameters) = range(&collection, &index, &at, query);
    let rows = readers.rows(&format!("SELECT count(*) {range}"), &parameters).await?;
    let count = rows.first().map_or(Ok(0), |row| row.try_get::<_, i64>(0)).map_err(damaged)?;
    Ok(count.unsigned_abs())
}

/// The entries of a range whose documents are alive. Only bounds that are there become conditions, so that the server
/// seeks to them; the few texts that come of it stay prepared.
fn range<'a>(
    collection: &'a i32,
    index: &'a i32,
    at: &'a i64,
    query: &'a RawQuery,
) -> (String, Vec<&'a (dyn ToSql + Sync)>) {
    let mut sql = String::from(
        "FROM entries e
         JOIN documents d ON d.collection = $1 AND d.partition = e.partition AND d.sort = e.sort
         WHERE e.idx = $2 AND (d.expires IS NULL OR d.expires > $3) AND e.key >= $4",
    );
    let mut parameters: Vec<&'a (dyn ToSql + Sync)> = vec![collection, index, at, &query.lower];
    if let Some(upper) = &query.upper {
        parameters.push(upper);
        // Writing into a `String` does not fail.
        let _ = write!(sql, " AND e.key < ${}", parameters.len());
    }
    for (place, sign) in [(&query.window.above, '>'), (&query.window.below, '<')] {
        let Some(place) = place else { continue };
        let first = parameters.len() + 1;
        parameters.extend([&place.key as &(dyn ToSql + Sync), &place.partition, &place.sort]);
        let (second, third) = (first + 1, first + 2);
        let _ = write!(sql, " AND (e.key, e.partition, e.sort) {sign} (${first}, ${second}, ${third})");
    }
    (sql, parameters)
}

pub(crate) async fn scan(
    readers: &Readers,
    collection: i32,
    name: &str,
    after: Option<&Key>,
    most: usize,
) -> Result<Vec<RawDocument>, StoreError> {
    let sql = "SELECT version, schema, body, partition, sort FROM documents
               WHERE collection = $1 AND (partition, sort) > ($2, $3) ORDER BY partition, sort LIMIT $4";
    let (partition, sort) = after.map_or(("", ""), |key| (key.partition(), key.sort()));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = readers.rows(sql, &[&collection, &partition, &sort, &most]).await?;
    let documents = rows.iter().map(|row| {
        let key = Key::of(name.to_owned(), row.try_get::<_, String>(3)?).child(row.try_get::<_, String>(4)?);
        document(row, 0, key)
    });
    documents.collect::<Result<_, _>>().map_err(damaged)
}

const fn direction(descending: bool) -> &'static str {
    if descending { "DESC" } else { "ASC" }
}

/// One more than wanted tells whether there is more.
fn one_more(wanted: usize) -> i64 {
    i64::try_from(wanted).unwrap_or(i64::MAX - 1) + 1
}

fn page(mut entries: Vec<RawEntry>, wanted: usize) -> RawPage {
    let has_more = entries.len() > wanted;
    entries.truncate(wanted);
    RawPage { entries, has_more }
}
