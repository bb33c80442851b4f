//! Which event ids the log has had lately.

use crate::{LogError, ReadLimit, Sequence, segments::Segments};
use jiff::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Stands for an event id: 128 bits by hashes with random keys, so that nobody can find two ids with the same.
pub(crate) type Key = [u64; 2];

pub(crate) struct Duplicates {
    hashes: [RandomState; 2],
    window: Duration,
    most: usize,
    sequences: HashMap<Key, Sequence>,
    /// The same in the order in which they came.
    order: VecDeque<(Timestamp, Key)>,
}

impl Duplicates {
    /// Those within the window, and of them at most so many of the latest, of a log that ends with this record.
    pub(crate) fn read(
        segments: &Segments,
        (last, last_time): (Sequence, Timestamp),
        window: Duration,
        most: usize,
    ) -> Result<Self, LogError> {
        let hashes = [RandomState::new(), RandomState::new()];
        let mut known = Self { hashes, window, most, sequences: HashMap::new(), order: VecDeque::new() };
        let in_window = match last_time.checked_sub(window) {
            Ok(oldest) => segments.before(oldest)?,
            Err(_) => Sequence::ZERO,
        };
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let latest = Sequence::new(last.get().saturating_sub(most));
        let mut after = in_window.max(latest).max(segments.first().previous());
        loop {
            let records = segments.read(after, ReadLimit { records: usize::MAX, ..ReadLimit::default() })?;
            let Some(end) = records.last() else { return Ok(known) };
            after = end.sequence;
            for record in records {
                known.add(known.key(&record.event.id), record.sequence, record.ingest_time);
            }
        }
    }

    pub(crate) fn key(&self, id: &str) -> Key {
        self.hashes.each_ref().map(|hash| hash.hash_one(id))
    }

    pub(crate) fn sequence(&self, key: &Key) -> Option<Sequence> {
        self.sequences.get(key).copied()
    }

    /// Remembers an id that is not known.
    pub(crate) fn add(&mut self, key: Key, sequence: Sequence, time: Timestamp) {
        self.sequences.insert(key, sequence);
        self.order.push_back((time, key));
        while self.order.len() > self.most {
            self.forget_first();
        }
    }

    /// Forgets what came before the window that ends at this time.
    pub(crate) fn expire(&mut self, at: Timestamp) {
        let Ok(oldest) = at.checked_sub(self.window) else { return };
        while self.order.front().is_some_and(|(time, _)| *time < oldest) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.sequences.remove(&key);
        }
    }
}
