//! Documents as they were last written: whoever takes the next step of something reads it from memory.
//!
//! The writer alone puts them here, after its `COMMIT` and before anybody hears of it, so that what is here is what the
//! file has. A reading never puts anything here: it may have looked before the last commit.

use crate::prepare::{PreparedDocument, PreparedOp};
use emporia_store::{Body, Key, RawDocument, Version};
use parking_lot::Mutex;
use quick_cache::{Equivalent, Weighter, unsync::Cache};

/// Documents that the cache reckons with; it grows when they are smaller.
const DOCUMENTS: usize = 4_096;
/// What an entry takes beside its texts.
const OVERHEAD: u64 = 128;

pub(crate) struct Recent(Mutex<Cache<Place, Written, Bytes>>);

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
    pub(crate) fn new(bytes: u64) -> Self {
        Self(Mutex::new(Cache::with_weighter(DOCUMENTS, bytes, Bytes)))
    }

    /// The documents at these places, if each of them is here: otherwise they are read from the file, together.
    pub(crate) fn get(&self, keys: &[(i64, &Key)], at: i64) -> Option<Vec<Option<RawDocument>>> {
        let cache = self.0.lock();
        let one = |(collection, key): &(i64, &Key)| {
            let written = cache.get(&Asked(*collection, key))?;
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

    /// What transactions have committed, in their order.
    pub(crate) fn put(&self, committed: Vec<(i64, Vec<PreparedDocument>)>) {
        let mut cache = self.0.lock();
        for (version, documents) in committed {
            for PreparedDocument { key, collection, op, .. } in documents {
                match op {
                    PreparedOp::Guard => {}
                    PreparedOp::Delete => drop(cache.remove(&Asked(collection, &key))),
                    PreparedOp::Put(put) => {
                        let (version, schema) = (Version::from_i64(version), put.schema);
                        let written = Written { version, schema, expires: put.expires, body: put.body };
                        cache.insert(Place(collection, key), written);
                    }
                }
            }
        }
    }

    /// Forgets all: something else than transactions is about to write.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
