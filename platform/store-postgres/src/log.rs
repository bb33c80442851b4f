//! Reading and trimming the log.
//!
//! Positions are given under the writers' lock, which a transaction holds until it is committed and visible. So the
//! transaction with the next positions begins to look after the last one can be seen: a reader that sees a position sees
//! every smaller one, and nothing is ever skipped.

use emporia_store::{LogBatch, LogHead, LogRecord, Position};
use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio_postgres::{Error, GenericClient, Row};

/// Rows that one reading with a filter walks over at most.
pub(crate) const WALK: i64 = 10_000;

/// How far the log was trimmed, and its last position.
pub(crate) const HEAD: &str =
    "SELECT position, greatest((SELECT max(position) FROM log), position) FROM trimmed";

/// The head and a piece of the log, from one snapshot. Parameters: after, walk at most, source or null, limit.
pub(crate) const READ: &str = "SELECT h.trimmed, h.last, l.*
    FROM (SELECT position AS trimmed, greatest((SELECT max(position) FROM log), position) AS last FROM trimmed) h
    LEFT JOIN LATERAL (
        SELECT position, id, source, detail_type, subject, sequence, occurred_at, body FROM log
        WHERE position > $1 AND position <= least(h.last, $2::bigint) AND ($3::text IS NULL OR source = $3)
        ORDER BY position LIMIT $4
    ) l ON true";

pub(crate) fn head(row: &Row) -> Result<LogHead, Error> {
    Ok(LogHead { trimmed: Position::from_i64(row.try_get(0)?), last: Position::from_i64(row.try_get(1)?) })
}

/// The records of the rows that [`READ`] brought; `end` is where it stopped to look at the latest.
pub(crate) fn batch(
    rows: &[Row],
    after: Position,
    end: Position,
    limit: usize,
) -> Result<Option<LogBatch>, Error> {
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        // The one row of an empty piece is the head alone.
        if row.try_get::<_, Option<i64>>(2)?.is_some() {
            let Some(record) = record(row)? else { return Ok(None) };
            records.push(record);
        }
    }
    let next = match records.last() {
        Some(last) if records.len() >= limit => last.position,
        _ => end.max(after),
    };
    Ok(Some(LogBatch { records, next }))
}

/// None if it is damaged.
fn record(row: &Row) -> Result<Option<LogRecord>, Error> {
    let occurred_at = Timestamp::from_millisecond(row.try_get(8)?);
    let body = RawValue::from_string(row.try_get(9)?);
    let (Ok(occurred_at), Ok(body)) = (occurred_at, body) else { return Ok(None) };
    Ok(Some(LogRecord {
        position: Position::from_i64(row.try_get(2)?),
        id: row.try_get(3)?,
        source: row.try_get(4)?,
        detail_type: row.try_get(5)?,
        subject: row.try_get(6)?,
        sequence: row.try_get::<_, i64>(7)?.unsigned_abs(),
        occurred_at,
        body,
    }))
}

/// Removes a bounded number of events up to `up_to`; answers whether there are more.
pub(crate) async fn trim(client: &impl GenericClient, up_to: Position) -> Result<bool, Error> {
    const BATCH: i64 = 2_000;
    let head = head(&client.query_one(HEAD, &[]).await?)?;
    let end = up_to.min(head.last).get();
    let first: Option<i64> = client.query_one("SELECT min(position) FROM log", &[]).await?.try_get(0)?;
    let until = first.map_or(end, |first| end.min(first.saturating_add(BATCH)));
    if until > head.trimmed.get() {
        // One statement: a reader that misses the events sees that they were trimmed.
        let trim = "WITH gone AS (DELETE FROM log WHERE position <= $1)
                    UPDATE trimmed SET position = greatest(position, $1)";
        client.execute(trim, &[&until]).await?;
    }
    Ok(until < end)
}
