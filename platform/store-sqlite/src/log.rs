//! Reading and trimming the log.
//!
//! One thread gives positions in the order of commits, and readers see committed rows only: when a reader sees a
//! position, every smaller one is committed and visible. So nothing is ever skipped.

use emporia_store::{LogBatch, LogHead, LogRecord, Position};
use jiff::Timestamp;
use rusqlite::{Connection, Row, types::Type};
use serde_json::value::RawValue;

/// Rows that one reading with a filter walks over at most.
const WALK: i64 = 10_000;

pub(crate) enum Reading {
    Batch(LogBatch),
    Trimmed(Position),
}

pub(crate) fn read(
    connection: &Connection,
    after: Position,
    limit: usize,
    source: Option<&str>,
) -> rusqlite::Result<Reading> {
    super::read::snapshot(connection, |connection| {
        let head = head(connection)?;
        if after < head.trimmed {
            return Ok(Reading::Trimmed(head.trimmed));
        }
        let end = match source {
            Some(_) => after.get().saturating_add(WALK).min(head.last.get()),
            None => head.last.get(),
        };
        let mut statement = connection.prepare_cached(
            "SELECT position, id, source, detail_type, subject, sequence, occurred_at, body FROM log
             WHERE position > ?1 AND position <= ?2 AND (?3 IS NULL OR source = ?3) ORDER BY position LIMIT ?4",
        )?;
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map((after.get(), end, source, most), record)?;
        let records = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let next = match records.last() {
            Some(last) if records.len() >= limit => last.position,
            _ => Position::from_i64(end).max(after),
        };
        Ok(Reading::Batch(LogBatch { records, next }))
    })
}

fn record(row: &Row<'_>) -> rusqlite::Result<LogRecord> {
    let bad = |column, kind, error: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(column, kind, error)
    };
    let id: String = row.get(1)?;
    let at = Timestamp::from_millisecond(row.get(6)?).map_err(|error| bad(6, Type::Integer, error.into()))?;
    let sequence: i64 = row.get(5)?;
    Ok(LogRecord {
        position: Position::from_i64(row.get(0)?),
        sequence: sequence.unsigned_abs(),
        id: id.parse().map_err(|error: uuid::Error| bad(1, Type::Text, error.into()))?,
        source: row.get(2)?,
        detail_type: row.get(3)?,
        subject: row.get(4)?,
        occurred_at: at,
        body: RawValue::from_string(row.get(7)?).map_err(|error| bad(7, Type::Text, error.into()))?,
    })
}

pub(crate) fn head(connection: &Connection) -> rusqlite::Result<LogHead> {
    let counter = |name: &str| {
        let mut statement = connection.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
        statement.query_row([name], |row| row.get(0)).map(Position::from_i64)
    };
    Ok(LogHead { trimmed: counter("trimmed")?, last: counter("position")? })
}

/// Removes a bounded number of events up to `up_to`; answers whether there are more.
pub(crate) fn trim(connection: &Connection, up_to: Position) -> rusqlite::Result<bool> {
    const BATCH: i64 = 2_000;
    let head = head(connection)?;
    let end = up_to.min(head.last).get();
    let first: Option<i64> = connection.query_row("SELECT min(position) FROM log", [], |row| row.get(0))?;
    let until = first.map_or(end, |first| end.min(first.saturating_add(BATCH)));
    if until > head.trimmed.get() {
        connection.execute("DELETE FROM log WHERE position <= ?1", [until])?;
        connection.execute("UPDATE counters SET value = ?1 WHERE name = 'trimmed'", [until])?;
    }
    Ok(until < end)
}
