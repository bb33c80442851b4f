//! Documents and tallies as they were last written: whoever takes the next step of something reads it from memory.
//!
//! The writer puts them here after its `COMMIT` and before anybody hears of it, so that what is here is what the file
//! has. Tallies that were read from the file come here too, unless something was written meanwhile: the reading may
//! have looked before that.

use crate::{
    apply::Values,
    prepare::{PreparedDocument, PreparedOp, PreparedTally},
};
use emporia_store::{Body, Key, RawDocument, TallyKey, Version};
use parking_lot::Mutex;
use quick_cache::{Equivalent, Weighter, unsync::Cache};

/// Documents that the cache reckons with; it grows when they are smaller.
const DOCUMENTS: usize = 4_096;
/// What an entry takes beside its texts.
const OVERHEAD: u64 = 128;

pub(crate) struct Recent(Mutex<Memory>);

struct Memory {
    documents: Cache<Place, Written, Bytes>,
    tallies: Cache<TallyPlace, Values>,
    /// How often the file was written, as far as is known here.
    writes: u64,
    /// Something else than transactions writes: nothing is kept meanwhile.
    closed: bool,
}

/// A moment between two writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(u64);

/// What a transaction has written.
pub(crate) struct Committed {
    pub(crate) version: i64,
    pub(crate) documents: Vec<PreparedDocument>,
    pub(crate) tallies: Vec<(PreparedTally, Values)>,
}

#[derive(PartialEq, Eq, Hash)]
struct TallyPlace(i64, TallyKey);

/// A tally to look at.
#[derive(Hash)]
struct AskedTally<'a>(i64, &'a TallyKey);

impl Equivalent<TallyPlace> for AskedTally<'_> {
    fn equivalent(&self, place: &TallyPlace) -> bool {
        self.0 == place.0 && *self.1 == place.1
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Place(i64, Key);

/// A place to look at.
#[derive(Hash)]
struct Asked<'a>(i64, &'a Key);

impl Equivalent<Place> for Asked<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        self.0 == place.0 && *self.1 == place.1
    }
}

struct Written {
    version: Version,
    schema: u32,
    expires: Option<i64>,
    body: Body,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Place, Written> for Bytes {
    fn weight(&self, place: &Place, written: &Written) -> u64 {
        // A length in memory fits. The value takes about twice what its JSON does.
        (place.1.partition().len() + place.1.sort().len() + 3 * written.body.len()) as u64 + OVERHEAD
    }
}

impl Recent {
    /// Nothing yet; documents of at most so many bytes, and so many tallies.
    pub(crate) fn new(bytes: u64, tallies: usize) -> Self {
        let documents = Cache::with_weighter(DOCUMENTS, bytes, Bytes);
        Self(Mutex::new(Memory { documents, tallies: Cache::new(tallies), writes: 0, closed: false }))
    }

    /// The documents at these places, if each of them is here: otherwise they are read from the file, together.
    pub(crate) fn get(&self, keys: &[(i64, &Key)], at: i64) -> Option<Vec<Option<RawDocument>>> {
        let memory = self.0.lock();
        let one = |(collection, key): &(i64, &Key)| {
            let written = memory.documents.get(&Asked(*collection, key))?;
            let alive = written.expires.is_none_or(|expires| expires > at);
            Some(alive.then(|| RawDocument {
                key: (*key).clone(),
                version: written.version,
                schema: written.schema,
                body: written.body.clone(),
            }))
        };
        keys.iter().map(one).collect()
    }

    /// The tallies at these places, if each of them is here; else the moment at which they were not.
    pub(crate) fn tallies(&self, keys: &[(i64, &TallyKey)]) -> Result<Vec<Values>, Moment> {
        let memory = self.0.lock();
        let one = |(kind, key): &(i64, &TallyKey)| memory.tallies.get(&AskedTally(*kind, key)).copied();
        keys.iter().map(one).collect::<Option<_>>().ok_or(Moment(memory.writes))
    }

    /// Keeps tallies that were read from the file after that moment, if nothing was written since.
    pub(crate) fn keep_tallies(&self, read: &[(i64, &TallyKey)], values: &[Values], since: Moment) {
        let mut memory = self.0.lock();
        if memory.closed || Moment(memory.writes) != since {
            return;
        }
        for ((kind, key), values) in read.iter().zip(values) {
            memory.tallies.insert(TallyPlace(*kind, (*key).clone()), *values);
        }
    }

    /// What transactions have committed, in their order.
    pub(crate) fn put(&self, committed: Vec<Committed>) {
        let mut memory = self.0.lock();
        memory.writes += 1;
        for Committed { version, documents, tallies } in committed {
            for PreparedDocument { key, collection, op, .. } in documents {
                match op {
                    PreparedOp::Guard => {}
                    PreparedOp::Delete => drop(memory.documents.remove(&Asked(collection, &key))),
                    PreparedOp::Put(put) => {
                        let (version, schema) = (Version::from_i64(version), put.schema);
                        let written = Written { version, schema, expires: put.expires, body: put.body };
                        memory.documents.insert(Place(collection, key), written);
                    }
                }
            }
            for (PreparedTally { key, kind, .. }, values) in tallies {
                memory.tallies.insert(TallyPlace(kind, key), values);
            }
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.0.lock().forget();
    }

    /// Forgets all, and keeps nothing while something else than transactions writes.
    pub(crate) fn while_written<R>(&self, write: impl FnOnce() -> R) -> R {
        let mut memory = self.0.lock();
        memory.forget();
        memory.closed = true;
        drop(memory);
        let written = write();
        let mut memory = self.0.lock();
        memory.writes += 1;
        memory.closed = false;
        written
    }
}

impl Memory {
    fn forget(&mut self) {
        self.documents.clear();
        self.tallies.clear();
        self.writes += 1;
    }
}
