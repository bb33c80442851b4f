//! Where kept answers are: by question, within a number of bytes, and by tag, to be found when something changes.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use axum::body::Bytes;
use moka::{Expiry, sync::Cache};
use parking_lot::Mutex;

use super::{kept::Kept, tags::TagSet};
use crate::{config::ResponseCacheConfig, request::Request};

/// A question. Made with keys at random, so that nobody can look for two with the same.
pub(crate) type Key = u128;

/// Purged tags that are remembered, so that an answer which was begun before the purge is not kept after it.
const REMEMBERED: usize = 10_000;

/// When work on an answer began, in purges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filling(u64);

impl Filling {
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

pub(crate) struct Shelf {
    answers: Cache<Key, Arc<Kept>>,
    index: Mutex<Index>,
    hashers: [RandomState; 2],
}

#[derive(Default)]
struct Index {
    /// Counts purges.
    purges: u64,
    by_tag: HashMap<Arc<str>, Vec<(Key, Weak<Kept>)>>,
    /// Entries of `by_tag`, and how many there were after it was last swept.
    entries: usize,
    swept: usize,
    /// The number of the last purge of a tag.
    purged: HashMap<Arc<str>, u64>,
    /// What was begun before this purge is not kept: it may have missed one.
    horizon: u64,
}

/// Each answer has an age of its own.
struct ByAge;

impl Expiry<Key, Arc<Kept>> for ByAge {
    fn expire_after_create(&self, _: &Key, kept: &Arc<Kept>, _: Instant) -> Option<Duration> {
        Some(kept.max_age())
    }
}

impl Shelf {
    pub(crate) fn new(config: &ResponseCacheConfig) -> Self {
        let answers = Cache::builder()
            .max_capacity(config.bytes)
            .weigher(|_, kept: &Arc<Kept>| kept.weight())
            .expire_after(ByAge)
            .build();
        Self { answers, index: Mutex::default(), hashers: [RandomState::new(), RandomState::new()] }
    }

    /// The key of a question asked by those who get the same answers, `class`.
    pub(crate) fn key(&self, request: &Request, class: &str) -> Key {
        let question = (&request.query, &request.operation_name, class, &request.variables);
        let [high, low] = self.hashers.each_ref().map(|hasher| hasher.hash_one(question));
        Key::from(high) << 64 | Key::from(low)
    }

    pub(crate) fn get(&self, key: Key) -> Option<Arc<Kept>> {
        self.answers.get(&key).filter(|kept| kept.is_fresh())
    }

    /// To be taken before anything is read for an answer.
    pub(crate) fn begin(&self) -> Filling {
        Filling(self.index.lock().purges)
    }

    /// Keeps an answer, unless something that it depends on was purged since work on it began.
    pub(crate) fn keep(
        &self,
        key: Key,
        begun: Filling,
        body: Bytes,
        max_age: Duration,
        tags: TagSet,
        label: Arc<str>,
    ) -> Option<Arc<Kept>> {
        let tags: Box<[Arc<str>]> = tags.into_iter().map(Arc::from).collect();
        let kept = Arc::new(Kept::new(body, max_age, tags, label));
        let mut index = self.index.lock();
        if !index.may_keep(&kept, begun) {
            return None;
        }
        index.note(key, &kept);
        drop(index);
        self.answers.insert(key, kept.clone());
        Some(kept)
    }

    /// Drops every answer with one of these tags.
    pub(crate) fn purge<'t>(&self, tags: impl Iterator<Item = &'t str>) -> usize {
        let mut index = self.index.lock();
        index.purges += 1;
        let gone: Vec<_> = tags.flat_map(|tag| index.take(tag)).collect();
        drop(index);
        for (key, kept) in &gone {
            // Before it is gone from the shelf it is not given any more.
            if let Some(kept) = kept.upgrade() {
                kept.spoil();
                self.answers.invalidate(key);
            }
        }
        gone.len()
    }

    /// Drops everything.
    pub(crate) fn purge_all(&self) {
        let mut index = self.index.lock();
        index.purges += 1;
        index.horizon = index.purges;
        index.purged.clear();
        index.entries = 0;
        for (_, kept) in std::mem::take(&mut index.by_tag).into_values().flatten() {
            if let Some(kept) = kept.upgrade() {
                kept.spoil();
            }
        }
        drop(index);
        self.answers.invalidate_all();
    }

    /// About how many bytes all kept answers take.
    pub(crate) fn bytes(&self) -> u64 {
        self.answers.weighted_size()
    }

    /// Kept answers and the bytes they take.
    pub(crate) fn size(&self) -> (u64, u64) {
        self.answers.run_pending_tasks();
        (self.answers.entry_count(), self.answers.weighted_size())
    }
}

impl Index {
    fn may_keep(&self, kept: &Kept, begun: Filling) -> bool {
        let since = |tag: &Arc<str>| self.purged.get(tag).is_some_and(|purge| *purge > begun.0);
        begun.0 >= self.horizon && !kept.tags.iter().any(since)
    }

    fn note(&mut self, key: Key, kept: &Arc<Kept>) {
        for tag in &kept.tags {
            self.by_tag.entry(tag.clone()).or_default().push((key, Arc::downgrade(kept)));
        }
        self.entries += kept.tags.len();
        // Answers also go by age and for want of room; what is left of them here goes when it is half of all.
        if self.entries > 2 * self.swept + 1_000 {
            self.by_tag.retain(|_, entries| {
                entries.retain(|(_, kept)| kept.strong_count() > 0);
                !entries.is_empty()
            });
            self.entries = self.by_tag.values().map(Vec::len).sum();
            self.swept = self.entries;
        }
    }

    fn take(&mut self, tag: &str) -> Vec<(Key, Weak<Kept>)> {
        if self.purged.len() >= REMEMBERED && !self.purged.contains_key(tag) {
            self.purged.clear();
            self.horizon = self.purges;
        }
        self.purged.insert(tag.into(), self.purges);
        let taken = self.by_tag.remove(tag).unwrap_or_default();
        self.entries -= taken.len();
        taken
    }
}
