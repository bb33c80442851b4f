//! The end of the log, in memory: whoever follows the log closely reads from here, however many they are.
//!
//! The writer alone adds to it, after its `COMMIT` and before anybody hears of it. It holds an unbroken run of the
//! log's last events; whoever is further behind reads from the file.

use emporia_store::{LogBatch, LogRecord, Position};
use parking_lot::RwLock;
use std::collections::VecDeque;

/// What a record takes beside its body.
const OVERHEAD: usize = 256;

pub(crate) struct Tail {
    records: RwLock<Records>,
    most: usize,
}

#[derive(Default)]
struct Records {
    run: VecDeque<LogRecord>,
    bytes: usize,
}

impl Tail {
    /// Nothing yet; at most so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { records: RwLock::default(), most: bytes }
    }

    /// What follows `after`, if it is all here.
    pub(crate) fn read(&self, after: Position, limit: usize, source: Option<&str>) -> Option<LogBatch> {
        let records = self.records.read();
        let (first, last) = (records.run.front()?.position, records.run.back()?.position);
        if after.get().saturating_add(1) < first.get() {
            return None;
        }
        // Positions have no gaps, so that a place follows from a position.
        let skip = usize::try_from(after.get().saturating_add(1) - first.get()).unwrap_or(usize::MAX);
        let wanted = records.run.iter().skip(skip).filter(|r| source.is_none_or(|s| r.source == s));
        let found: Vec<LogRecord> = wanted.take(limit).cloned().collect();
        let next = match found.last() {
            Some(record) if found.len() >= limit => record.position,
            _ => last.max(after),
        };
        Some(LogBatch { records: found, next })
    }

    /// Adds what was committed, in the order of positions.
    pub(crate) fn add(&self, committed: Vec<LogRecord>) {
        let mut records = self.records.write();
        for record in committed {
            records.bytes += weight(&record);
            records.run.push_back(record);
        }
        while records.bytes > self.most {
            let Some(gone) = records.run.pop_front() else { break };
            records.bytes -= weight(&gone);
        }
    }

    /// Forgets all: events are about to be removed from the log.
    pub(crate) fn clear(&self) {
        *self.records.write() = Records::default();
    }
}

fn weight(record: &LogRecord) -> usize {
    record.body.get().len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn record(position: i64, source: &str) -> LogRecord {
        LogRecord {
            position: Position::from_i64(position),
            sequence: 1,
            id: uuid::Uuid::nil(),
            source: source.to_owned(),
            detail_type: "Happened".to_owned(),
            subject: "s".to_owned(),
            occurred_at: jiff::Timestamp::UNIX_EPOCH,
            body: RawValue::from_string("{}".to_owned()).unwrap(),
        }
    }

    fn positions(batch: &LogBatch) -> (Vec<i64>, i64) {
        (batch.records.iter().map(|r| r.position.get()).collect(), batch.next.get())
    }

    #[test]
    fn it_answers_only_what_it_has_without_a_gap() {
        let tail = Tail::new(5 * (OVERHEAD + 2));
        assert!(tail.read(Position::default(), 10, None).is_none());
        tail.add((1..=8).map(|n| record(n, if n % 2 == 0 { "even" } else { "odd" })).collect());
        // Three were too many: 4 to 8 are here.
        assert!(tail.read(Position::from_i64(2), 10, None).is_none());
        let read =
            |after, limit, source| positions(&tail.read(Position::from_i64(after), limit, source).unwrap());
        assert_eq!(read(3, 10, None), (vec![4, 5, 6, 7, 8], 8));
        assert_eq!(read(5, 2, None), (vec![6, 7], 7));
        assert_eq!(read(3, 10, Some("odd")), (vec![5, 7], 8));
        assert_eq!(read(3, 1, Some("even")), (vec![4], 4));
        assert_eq!(read(8, 10, None), (vec![], 8));
        assert_eq!(read(9, 10, None), (vec![], 9));
        tail.clear();
        assert!(tail.read(Position::from_i64(8), 10, None).is_none());
    }
}
