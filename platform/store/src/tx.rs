use crate::{
    Body, Children, Document, IndexKey, Key, NewEvent, RawDocument, RawPut, StoreError, TallyChange,
    TallyKey, Version, Versioned,
    changes::{Blind, Finished, Read, State, Write},
    limits,
    space::SpaceInner,
    witness,
};
use emporia_id::SharedClock;
use parking_lot::Mutex;
use std::{collections::HashMap, fmt, sync::Arc};

/// One attempt of a transaction: reads are remembered and checked at commit, writes are gathered until then.
///
/// Cheap to clone; it ends when the closure of [`crate::Space::transact`] returns.
#[derive(Clone)]
pub struct Tx(Arc<Inner>);

struct Inner {
    space: Arc<SpaceInner>,
    state: Mutex<State>,
}

impl Tx {
    pub(crate) fn new(space: Arc<SpaceInner>) -> Self {
        Self(Arc::new(Inner { space, state: Mutex::default() }))
    }

    /// The document at `key`, as this transaction sees it: with its own writes, and the same at every reading.
    ///
    /// # Errors
    /// As [`crate::Space::get`]; [`StoreError::Ended`].
    pub async fn get<T: Document>(&self, key: &Key) -> Result<Option<Versioned<T>>, StoreError> {
        Ok(self.get_many(std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// The documents at these keys, in the same order.
    ///
    /// # Errors
    /// As [`Tx::get`].
    pub async fn get_many<T: Document>(&self, keys: &[Key]) -> Result<Vec<Option<Versioned<T>>>, StoreError> {
        keys.iter().try_for_each(|key| self.0.space.check_key::<T>(key))?;
        let missing: Vec<Key> = self.with(|state| {
            let known = |key: &Key| state.reads.contains_key(key) || state.writes.contains_key(key);
            Ok(keys.iter().filter(|key| !known(key)).cloned().collect())
        })?;
        let found = self.0.space.fetch(&missing).await?;
        for (key, raw) in missing.into_iter().zip(found) {
            self.remember::<T>(key, raw)?;
        }
        keys.iter().map(|key| self.present(key)).collect()
    }

    /// Children of a partition, as this transaction sees them. Each document that comes back is guarded and counts
    /// as an operation; that no other child is added meanwhile is **not** guarded: whoever needs that writes the
    /// partition's own document with every change of its children.
    ///
    /// # Errors
    /// As [`crate::Space::children`]; [`StoreError::Ended`].
    pub async fn children<T: Document>(&self, children: Children) -> Result<Vec<Versioned<T>>, StoreError> {
        let space = &self.0.space;
        space.schema.indexes(T::COLLECTION)?;
        let mut range = children.raw(T::COLLECTION, space.clock.now())?;
        let within = |key: &Key| {
            key.collection() == T::COLLECTION
                && key.partition() == range.partition
                && key.sort() >= range.from.as_str()
                && range.to.as_deref().is_none_or(|to| key.sort() < to)
        };
        let (own, gone) = self.with(|state| {
            let own = state.writes.iter().filter(|(key, _)| within(key));
            let own: Vec<(Key, bool)> = own.map(|(key, write)| (key.clone(), write.put.is_some())).collect();
            let gone = own.iter().filter(|(_, put)| !put).count();
            Ok((own, gone))
        })?;
        // Documents deleted here may still come from the engine: ask for as many more, so that enough are left.
        range.limit += gone;
        let page = space.backend.children(&space.name, &range).await?;
        let mut keys: Vec<Key> = own.into_iter().filter(|(_, put)| *put).map(|(key, _)| key).collect();
        let mut found: HashMap<Key, RawDocument> =
            page.entries.into_iter().filter_map(|e| e.document).map(|d| (d.key.clone(), d)).collect();
        self.with(|state| {
            keys.extend(found.keys().filter(|key| !state.writes.contains_key(*key)).cloned());
            // What an earlier reading of this transaction saw stays so; the commit will find the difference.
            keys.retain(|key| {
                state.writes.contains_key(key) || state.reads.get(key).is_none_or(|r| r.document.is_some())
            });
            Ok(())
        })?;
        keys.sort_unstable();
        if children.is_reading_backwards() {
            keys.reverse();
        }
        keys.truncate(children.wanted());
        if children.is_reading_backwards() != children.is_descending() {
            keys.reverse();
        }
        let mut documents = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(raw) = found.remove(&key) {
                self.remember::<T>(key.clone(), Some(raw))?;
            }
            documents.extend(self.present(&key)?);
        }
        Ok(documents)
    }

    /// Writes a document that this transaction has read, present or absent.
    ///
    /// # Errors
    /// [`StoreError::PutWithoutRead`]; [`StoreError::BadKey`], [`StoreError::TooLarge`],
    /// [`StoreError::Undeclared`], [`StoreError::Unencodable`], [`StoreError::Ended`].
    pub fn put<T: Document>(&self, document: &T) -> Result<(), StoreError> {
        self.write(document, |state, key| {
            match state.reads.contains_key(key) || state.writes.contains_key(key) {
                true => Ok(Blind::Anything),
                false => Err(StoreError::PutWithoutRead { key: Box::new(key.clone()) }),
            }
        })
    }

    /// Writes a document that must not be there yet.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`], here if the transaction read it, else at commit; as [`Tx::put`].
    pub fn insert<T: Document>(&self, document: &T) -> Result<(), StoreError> {
        self.write(document, |state, key| {
            let there = match (state.writes.get(key), state.reads.get(key)) {
                (Some(write), _) => write.put.is_some(),
                (None, Some(read)) => read.document.is_some(),
                (None, None) => false,
            };
            if there {
                Err(StoreError::AlreadyExists { key: Box::new(key.clone()) })
            } else {
                Ok(Blind::Absent)
            }
        })
    }

    /// Writes a document whatever is there: for imports and copies of what is owned elsewhere. If the transaction
    /// has read the document, its version is checked all the same.
    ///
    /// # Errors
    /// As [`Tx::put`].
    pub fn overwrite<T: Document>(&self, document: &T) -> Result<(), StoreError> {
        self.write(document, |_, _| Ok(Blind::Anything))
    }

    /// Removes the document at `key`, if it is there. If the transaction has read it, its version is checked.
    ///
    /// # Errors
    /// [`StoreError::BadKey`], [`StoreError::Undeclared`], [`StoreError::Ended`].
    pub fn delete(&self, key: &Key) -> Result<(), StoreError> {
        key.check()?;
        self.0.space.schema.indexes(key.collection())?;
        self.with(|state| {
            state.set(key.clone(), Blind::Anything, None, Vec::new());
            Ok(())
        })
    }

    /// Changes a tally. The engine adds and checks the floors at commit; several changes of one tally sum up.
    ///
    /// # Errors
    /// [`StoreError::BadKey`], [`StoreError::Undeclared`], [`StoreError::Ended`]; at commit
    /// [`StoreError::BelowFloor`] and [`StoreError::Overflow`].
    pub fn add(&self, key: TallyKey, change: TallyChange) -> Result<(), StoreError> {
        key.check()?;
        self.0.space.schema.check_tally(key.tally(), change.names())?;
        self.with(|state| {
            state.tallies.entry(key).or_default().merge(change);
            Ok(())
        })
    }

    /// Commits this event together with the transaction; an attempt that is not committed tells nothing.
    ///
    /// # Errors
    /// [`StoreError::BadKey`] for its texts, [`StoreError::TooLarge`], [`StoreError::Ended`].
    pub fn emit(&self, event: NewEvent) -> Result<(), StoreError> {
        event.check()?;
        self.with(|state| {
            state.events.push(event);
            Ok(())
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> Result<R, StoreError>) -> Result<R, StoreError> {
        let mut state = self.0.state.lock();
        if state.ended { Err(StoreError::Ended) } else { act(&mut state) }
    }

    /// Remembers what the engine answered, unless the transaction has read or written the document before.
    fn remember<T: Document>(&self, key: Key, mut document: Option<RawDocument>) -> Result<(), StoreError> {
        let schema = &self.0.space.schema;
        let indexes = schema.indexes(T::COLLECTION)?;
        let claims = match &mut document {
            Some(raw) if indexes.iter().any(|index| index.unique) => {
                let value = self.0.space.decode::<T>(raw)?.value;
                if raw.schema == schema.number() {
                    // It is about to be asked for.
                    raw.body.known(&value);
                }
                let entries = value.index();
                let unique = |name: &str| indexes.iter().any(|index| index.unique && index.name == name);
                entries.into_iter().filter(|e| unique(e.index)).map(|e| (e.index, e.key)).collect()
            }
            _ => Vec::new(),
        };
        self.with(|state| {
            // What was written without reading stays so: its own demand is checked at the commit.
            if !state.writes.contains_key(&key) {
                state.reads.entry(key).or_insert(Read { document, claims });
            }
            Ok(())
        })
    }

    /// The document as this transaction sees it, which has read or written it before.
    fn present<T: Document>(&self, key: &Key) -> Result<Option<Versioned<T>>, StoreError> {
        let raw = self.with(|state| {
            let read = state.reads.get(key).and_then(|read| read.document.as_ref());
            Ok(match state.writes.get(key) {
                None => read.cloned(),
                Some(Write { put: None, .. }) => None,
                Some(Write { put: Some(put), .. }) => Some(RawDocument {
                    key: key.clone(),
                    version: read.map_or(Version::NEW, |read| read.version),
                    schema: put.schema,
                    body: put.body.clone(),
                }),
            })
        })?;
        raw.map(|raw| self.0.space.decode(&raw)).transpose()
    }

    fn write<T: Document>(
        &self,
        document: &T,
        allow: impl FnOnce(&State, &Key) -> Result<Blind, StoreError>,
    ) -> Result<(), StoreError> {
        let key = document.key();
        self.0.space.check_key::<T>(&key)?;
        let body = Body::of(document).map_err(|error| StoreError::Unencodable {
            what: format!("document {key}"),
            reason: error.to_string(),
        })?;
        let size = key.len() + body.len();
        if size > limits::DOCUMENT_BYTES {
            let what = format!("document {key}");
            return Err(StoreError::TooLarge { what, size, limit: limits::DOCUMENT_BYTES });
        }
        let indexes = self.0.space.schema.indexes(T::COLLECTION)?;
        let mut claims = Vec::new();
        let mut entries: Vec<(String, IndexKey)> = Vec::new();
        for entry in document.index() {
            entry.key.check(entry.index)?;
            let Some(index) = indexes.iter().find(|index| index.name == entry.index) else {
                let what = format!("index {} of {}", entry.index, T::COLLECTION);
                return Err(self.0.space.schema.undeclared(what));
            };
            if index.unique {
                claims.push((entry.index, entry.key.clone()));
            }
            let entry = (entry.index.to_owned(), entry.key);
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        let put =
            RawPut { schema: self.0.space.schema.number(), body, entries, expires: document.expires_at() };
        self.with(|state| {
            let blind = allow(state, &key)?;
            state.set(key, blind, Some(put), claims);
            Ok(())
        })
    }

    /// The name of the space it writes in.
    pub fn space(&self) -> &str {
        &self.0.space.name
    }

    /// The clock of its space.
    pub fn clock(&self) -> &SharedClock {
        &self.0.space.clock
    }

    /// Shows what is to be changed to the witness of this task, if it has one. What was written without reading is read
    /// for it, and guarded.
    pub(crate) async fn testify(&self) -> Result<(), StoreError> {
        let Some(witness) = witness::present() else { return Ok(()) };
        let unread = self.with(|state| Ok(state.unread()))?;
        let found = self.0.space.fetch(&unread).await?;
        let changes = self.with(|state| {
            let read = |(key, document)| (key, Read { document, claims: Vec::new() });
            state.reads.extend(unread.into_iter().zip(found).map(read));
            state.seen(&self.0.space)
        })?;
        if changes.is_empty() { Ok(()) } else { witness.see(self, changes) }
    }

    /// Ends the attempt and answers what is to be committed.
    pub(crate) fn finish(&self) -> Result<Finished, StoreError> {
        let state = self.with(|state| {
            let ended = State { ended: true, ..State::default() };
            Ok(std::mem::replace(state, ended))
        })?;
        state.into_commit(&self.0.space)
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("space", &self.0.space.name).finish_non_exhaustive()
    }
}
