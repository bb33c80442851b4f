//! The log: every subject's events are there, in order.

use super::{AuditError, Books, Check, PAGE};
use emporia_contracts::orders::OrderPlaced;
use emporia_events::{Envelope, EventPayload, LogRecord, Position};
use emporia_store::Store;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

pub(super) async fn check(store: &Store, books: &mut Books) -> Result<Check, AuditError> {
    let mut check = Check::new("events", "each subject's events are numbered without a gap, in order");
    // By source and subject, hashed: there may be millions.
    let mut numbers: HashMap<u64, u64> = HashMap::new();
    for log in store.logs() {
        let trimmed = store.log_head(&log).await?.trimmed;
        books.trimmed |= trimmed > Position::ZERO;
        let mut at = trimmed;
        loop {
            let batch = store.read_log(&log, at, PAGE, None).await?;
            for record in &batch.records {
                check.examined += 1;
                let before = numbers.insert(subject(record), record.sequence);
                let follows = match before {
                    Some(before) => record.sequence == before + 1,
                    None => record.sequence == 1 || trimmed > Position::ZERO,
                };
                check.expect(follows, || {
                    let (before, after) = (before.unwrap_or_default(), record.sequence);
                    format!("{} of {}: {before} is followed by {after}", record.source, record.subject)
                });
                note(record, books)?;
            }
            if batch.next == at {
                break;
            }
            at = batch.next;
        }
    }
    Ok(check)
}

fn subject(record: &LogRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&record.source, &record.subject).hash(&mut hasher);
    hasher.finish()
}

fn note(record: &LogRecord, books: &mut Books) -> Result<(), AuditError> {
    if record.source != OrderPlaced::SOURCE || record.detail_type != OrderPlaced::DETAIL_TYPE {
        return Ok(());
    }
    let placed: OrderPlaced = Envelope::from_record(record)?.payload()?;
    let total = placed.snapshot.totals.total;
    books.placed.entry(placed.order_id).and_modify(|(times, _)| *times += 1).or_insert((1, total));
    Ok(())
}
