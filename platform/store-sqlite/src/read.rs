//! Documents, children, index ranges and tallies, read from one connection.

use crate::apply::{Values, tally_values};
use emporia_store::{
    CursorPosition, Key, RawChildren, RawDocument, RawEntry, RawPage, RawQuery, TallyKey, Version,
};
use rusqlite::{Connection, Row, types::Value};

/// Runs `act` in one read transaction, so that all its statements see the same snapshot.
pub(crate) fn snapshot<R>(
    connection: &Connection,
    act: impl FnOnce(&Connection) -> rusqlite::Result<R>,
) -> rusqlite::Result<R> {
    let transaction = connection.unchecked_transaction()?;
    let result = act(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

pub(crate) fn get(
    connection: &Connection,
    keys: &[(i64, &Key)],
    at: i64,
) -> rusqlite::Result<Vec<Option<RawDocument>>> {
    match keys {
        [one] => Ok(vec![get_one(connection, one.0, one.1, at)?]),
        many => snapshot(connection, |connection| {
            many.iter().map(|(collection, key)| get_one(connection, *collection, key, at)).collect()
        }),
    }
}

fn get_one(
    connection: &Connection,
    collection: i64,
    key: &Key,
    at: i64,
) -> rusqlite::Result<Option<RawDocument>> {
    let mut statement = connection.prepare_cached(
        "SELECT version, schema, body FROM documents
         WHERE collection = ?1 AND partition = ?2 AND sort = ?3 AND (expires IS NULL OR expires > ?4)",
    )?;
    let mut rows = statement.query((collection, key.partition(), key.sort(), at))?;
    rows.next()?.map(|row| document(row, 0, key.clone())).transpose()
}

fn document(row: &Row<'_>, first: usize, key: Key) -> rusqlite::Result<RawDocument> {
    let version = Version::from_i64(row.get(first)?);
    Ok(RawDocument {
        key,
        version,
        schema: row.get(first + 1)?,
        body: row.get::<_, String>(first + 2)?.into(),
    })
}

/// All of them as they were at one moment.
pub(crate) fn tallies(connection: &Connection, keys: &[(i64, &TallyKey)]) -> rusqlite::Result<Vec<Values>> {
    snapshot(connection, |connection| {
        keys.iter().map(|(kind, key)| tally_values(connection, *kind, key.partition(), key.sort())).collect()
    })
}

pub(crate) fn children(
    connection: &Connection,
    collection: i64,
    range: &RawChildren,
) -> rusqlite::Result<RawPage> {
    let order = direction(range.descending);
    let below = if range.to.is_some() { "AND sort < ?6" } else { "AND ?6 IS NULL" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT sort, version, schema, body FROM documents
         WHERE collection = ?1 AND partition = ?2 AND sort >= ?3 {below} AND (expires IS NULL OR expires > ?4)
         ORDER BY sort {order} LIMIT ?5"
    ))?;
    let more = limit(range.limit);
    let at = range.at.as_microsecond();
    let mut rows = statement.query((collection, &range.partition, &range.from, at, more, &range.to))?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let sort: String = row.get(0)?;
        let key = Key::of(range.collection.clone(), range.partition.as_str()).child(sort.as_str());
        let place = CursorPosition { key: Vec::new(), partition: range.partition.clone(), sort };
        entries.push(RawEntry { place, document: Some(document(row, 1, key)?) });
    }
    Ok(page(entries, range.limit))
}

pub(crate) fn query(connection: &Connection, index: i64, query: &RawQuery) -> rusqlite::Result<RawPage> {
    let columns = if query.keys_only { "" } else { ", d.version, d.schema, d.body" };
    let (range, mut values) = range(index, query);
    let order = direction(query.window.descending);
    values.push(Value::Integer(limit(query.window.limit)));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT e.key, e.partition, e.sort{columns} {range}
         ORDER BY e.key {order}, e.partition {order}, e.sort {order} LIMIT ?{}",
        values.len()
    ))?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let place = CursorPosition { key: row.get(0)?, partition: row.get(1)?, sort: row.get(2)? };
        let key = || Key::of(query.collection.clone(), place.partition.as_str()).child(place.sort.as_str());
        let document = if query.keys_only { None } else { Some(document(row, 3, key())?) };
        entries.push(RawEntry { place, document });
    }
    Ok(page(entries, query.window.limit))
}

pub(crate) fn count(connection: &Connection, index: i64, query: &RawQuery) -> rusqlite::Result<i64> {
    let (range, values) = range(index, query);
    let mut statement = connection.prepare_cached(&format!("SELECT count(*) {range}"))?;
    statement.query_row(rusqlite::params_from_iter(values), |row| row.get(0))
}

/// The entries of a range whose documents are alive. Only bounds that are there become conditions, so that SQLite
/// seeks to them; the few texts that come of it stay in the statement cache.
fn range(index: i64, query: &RawQuery) -> (String, Vec<Value>) {
    let mut sql = String::from(
        "FROM entries e JOIN documents d ON d.id = e.document
         WHERE e.idx = ?1 AND e.key >= ?2 AND (d.expires IS NULL OR d.expires > ?3)",
    );
    let mut values = vec![
        Value::Integer(index),
        Value::Blob(query.lower.clone()),
        Value::Integer(query.at.as_microsecond()),
    ];
    let mut bind = |value: Value| {
        values.push(value);
        values.len()
    };
    if let Some(upper) = &query.upper {
        let at = bind(Value::Blob(upper.clone()));
        sql.push_str(&format!(" AND e.key < ?{at}"));
    }
    for (place, sign) in [(&query.window.above, '>'), (&query.window.below, '<')] {
        let Some(place) = place else { continue };
        let key = bind(Value::Blob(place.key.clone()));
        let partition = bind(Value::Text(place.partition.clone()));
        let sort = bind(Value::Text(place.sort.clone()));
        sql.push_str(&format!(" AND (e.key, e.partition, e.sort) {sign} (?{key}, ?{partition}, ?{sort})"));
    }
    (sql, values)
}

pub(crate) fn scan(
    connection: &Connection,
    collection: i64,
    name: &str,
    after: Option<&Key>,
    most: usize,
) -> rusqlite::Result<Vec<RawDocument>> {
    let mut statement = connection.prepare_cached(
        "SELECT partition, sort, version, schema, body FROM documents
         WHERE collection = ?1 AND (partition, sort) > (?2, ?3) ORDER BY partition, sort LIMIT ?4",
    )?;
    let (partition, sort) = after.map_or(("", ""), |key| (key.partition(), key.sort()));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map((collection, partition, sort, most), |row| {
        let key = Key::of(name.to_owned(), row.get::<_, String>(0)?).child(row.get::<_, String>(1)?);
        document(row, 2, key)
    })?;
    rows.collect()
}

const fn direction(descending: bool) -> &'static str {
    if descending { "DESC" } else { "ASC" }
}

/// One more than wanted tells whether there is more.
fn limit(wanted: usize) -> i64 {
    i64::try_from(wanted).unwrap_or(i64::MAX - 1) + 1
}

fn page(mut entries: Vec<RawEntry>, wanted: usize) -> RawPage {
    let has_more = entries.len() > wanted;
    entries.truncate(wanted);
    RawPage { entries, has_more }
}
