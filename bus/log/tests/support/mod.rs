//! Events and readings that all test files share.
#![allow(dead_code, reason = "each test file uses its own part")]

use emporia_event_log::{Event, Log, LogError, Options, ReadLimit, Record, Sequence};
use jiff::{SignedDuration, Timestamp};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn second(number: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + number)
}

/// An event whose every part follows from its number.
pub fn event(number: u64) -> Event {
    Event {
        id: format!("event-{number}"),
        time: second(i64::try_from(number).expect("small") - 60),
        source: "shop.orders".to_owned(),
        detail_type: "OrderPlaced".to_owned(),
        group: number.is_multiple_of(2).then(|| format!("order-{}", number % 7)),
        body: format!("{{\"number\": {number:04}, \"price\":1.50, \"text\": \"{}\"}}", "ü".repeat(20))
            .into_bytes(),
    }
}

pub fn events(numbers: impl IntoIterator<Item = u64>) -> Vec<Event> {
    numbers.into_iter().map(event).collect()
}

/// Segments so small that every few events begin a new one.
pub fn small_segments() -> Options {
    Options { segment_bytes: 1_000, ..Options::default() }
}

pub fn all(log: &Log, after: Sequence) -> Result<Vec<Record>, LogError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let reached = records.last().map_or(after, |record| record.sequence);
        let more = log.read(reached, ReadLimit { records: 7, ..ReadLimit::default() })?;
        if more.is_empty() {
            return Ok(records);
        }
        records.extend(more);
    }
}

pub fn numbers(sequences: &[Sequence]) -> Vec<u64> {
    sequences.iter().map(|sequence| sequence.get()).collect()
}

/// Sequences that there are; they have to be in order and without gaps.
pub fn sequences(records: &[Record]) -> std::ops::RangeInclusive<u64> {
    let (first, last) = (records.first().expect("some"), records.last().expect("some"));
    let range = first.sequence.get()..=last.sequence.get();
    assert!(records.iter().map(|r| r.sequence.get()).eq(range.clone()), "in order and without gaps");
    range
}

/// The segments' files in their order.
pub fn segment_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("reads").map(|entry| entry.expect("reads").path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    files.sort();
    files
}
