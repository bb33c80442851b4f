use crate::{
    Backend, Children, Cursor, Document, Key, KeyPage, LogId, Page, Query, RawDocument, RawEntry,
    SpaceSchema, StoreError, Tally, TallyKey, Versioned, transact::Lines,
};
use emporia_id::SharedClock;
use std::{fmt, sync::Arc};

/// A handle on one key-space: it reaches the documents, tallies and indexes of this space and no other.
///
/// Reading through the handle guards nothing: what decides a write is read through the transaction ([`crate::Tx`]).
#[derive(Clone)]
pub struct Space(pub(crate) Arc<SpaceInner>);

pub(crate) struct SpaceInner {
    pub(crate) name: Arc<str>,
    pub(crate) schema: SpaceSchema,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) clock: SharedClock,
    pub(crate) lines: Lines,
}

impl SpaceInner {
    pub(crate) fn new(schema: SpaceSchema, backend: Arc<dyn Backend>, clock: SharedClock) -> Self {
        Self { name: schema.name().into(), schema, backend, clock, lines: Lines::default() }
    }

    /// Checks that `key` is well formed and of the collection that `T` says.
    pub(crate) fn check_key<T: Document>(&self, key: &Key) -> Result<(), StoreError> {
        key.check()?;
        self.schema.indexes(T::COLLECTION)?;
        if key.collection() == T::COLLECTION {
            return Ok(());
        }
        let reason = format!("it is not of collection {}", T::COLLECTION);
        Err(StoreError::BadKey { key: key.to_string(), reason })
    }

    pub(crate) async fn fetch(&self, keys: &[Key]) -> Result<Vec<Option<RawDocument>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.backend.get(&self.name, keys, self.clock.now()).await
    }

    /// Reads a stored document as `T`, bringing it forward if it was written in an older form.
    pub(crate) fn decode<T: Document>(&self, raw: &RawDocument) -> Result<Versioned<T>, StoreError> {
        if raw.schema == self.schema.number()
            && let Some(value) = raw.body.value()
        {
            return Ok(Versioned { version: raw.version, value });
        }
        let forwarded = self.schema.forward(&raw.key, raw.schema, &raw.body)?;
        let value = serde_json::from_str(forwarded.as_deref().unwrap_or(&raw.body)).map_err(|error| {
            StoreError::Undecodable { key: Box::new(raw.key.clone()), reason: error.to_string() }
        })?;
        Ok(Versioned { version: raw.version, value })
    }
}

impl Space {
    /// Name of the space.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The log that takes this space's events.
    pub fn log(&self) -> LogId {
        self.0.backend.log_of(&self.0.name)
    }

    /// The clock by which this space's documents expire.
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// The document at `key`.
    ///
    /// # Errors
    /// [`StoreError::BadKey`], [`StoreError::Undecodable`]; what the engine reports.
    pub async fn get<T: Document>(&self, key: &Key) -> Result<Option<Versioned<T>>, StoreError> {
        Ok(self.get_many(std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// The documents at these keys, in the same order.
    ///
    /// # Errors
    /// As [`Space::get`].
    pub async fn get_many<T: Document>(&self, keys: &[Key]) -> Result<Vec<Option<Versioned<T>>>, StoreError> {
        keys.iter().try_for_each(|key| self.0.check_key::<T>(key))?;
        let found = self.0.fetch(keys).await?;
        found.iter().map(|raw| raw.as_ref().map(|raw| self.0.decode(raw)).transpose()).collect()
    }

    /// A page of the children of one partition.
    ///
    /// # Errors
    /// As [`Space::get`]; [`StoreError::BadCursor`], [`StoreError::BadQuery`].
    pub async fn children<T: Document>(&self, children: Children) -> Result<Page<T>, StoreError> {
        self.0.schema.indexes(T::COLLECTION)?;
        let range = children.raw(T::COLLECTION, self.0.clock.now())?;
        let page = children.order(self.0.backend.children(&self.0.name, &range).await?);
        let list = Children::list(T::COLLECTION);
        let items =
            page.entries.iter().map(|entry| self.item(&list, entry)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { items: items.into_iter().flatten().collect(), has_more: page.has_more })
    }

    /// A page of an index. On some backends it may lag behind the documents: decide nothing on it, read the
    /// documents again by key in the transaction.
    ///
    /// # Errors
    /// [`StoreError::Undeclared`], [`StoreError::BadCursor`], [`StoreError::BadQuery`], [`StoreError::Undecodable`];
    /// what the engine reports.
    pub async fn query<T: Document>(&self, query: Query) -> Result<Page<T>, StoreError> {
        self.0.schema.check_index(T::COLLECTION, query.name())?;
        let raw = query.raw(T::COLLECTION, self.0.clock.now(), false)?;
        let page = query.order(self.0.backend.query(&self.0.name, &raw).await?);
        let list = query.list(T::COLLECTION);
        let items =
            page.entries.iter().map(|entry| self.item(&list, entry)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { items: items.into_iter().flatten().collect(), has_more: page.has_more })
    }

    /// A page of an index, keys only.
    ///
    /// # Errors
    /// As [`Space::query`].
    pub async fn query_keys<T: Document>(&self, query: Query) -> Result<KeyPage, StoreError> {
        self.0.schema.check_index(T::COLLECTION, query.name())?;
        let raw = query.raw(T::COLLECTION, self.0.clock.now(), true)?;
        let page = query.order(self.0.backend.query(&self.0.name, &raw).await?);
        let list = query.list(T::COLLECTION);
        let items = page.entries.iter();
        let items = items.map(|e| (Cursor::new(&list, &e.place), e.place.document(T::COLLECTION))).collect();
        Ok(KeyPage { items, has_more: page.has_more })
    }

    /// The next documents of a collection in the order of their keys, after one of them: for whoever has to see them
    /// all, page by page. Documents written meanwhile may or may not be among them.
    ///
    /// # Errors
    /// [`StoreError::Undeclared`], [`StoreError::Undecodable`]; what the engine reports.
    pub async fn scan<T: Document>(
        &self,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Versioned<T>)>, StoreError> {
        self.0.schema.indexes(T::COLLECTION)?;
        let found = self.0.backend.scan(&self.0.name, T::COLLECTION, after, limit).await?;
        found.into_iter().map(|raw| Ok((raw.key.clone(), self.0.decode(&raw)?))).collect()
    }

    /// How many entries the query's range has, whatever its limit. It walks them all.
    ///
    /// # Errors
    /// As [`Space::query`].
    pub async fn count<T: Document>(&self, query: Query) -> Result<u64, StoreError> {
        self.0.schema.check_index(T::COLLECTION, query.name())?;
        let raw = query.raw(T::COLLECTION, self.0.clock.now(), true)?;
        self.0.backend.count(&self.0.name, &raw).await
    }

    /// The tallies at these keys, in the same order; one that was never changed is all zero.
    ///
    /// # Errors
    /// [`StoreError::BadKey`], [`StoreError::Undeclared`]; what the engine reports.
    pub async fn tallies(&self, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        for key in keys {
            key.check()?;
            self.0.schema.check_tally(key.tally(), [])?;
        }
        self.0.backend.tallies(&self.0.name, keys).await
    }

    fn item<T: Document>(
        &self,
        list: &str,
        entry: &RawEntry,
    ) -> Result<Option<(Cursor, Versioned<T>)>, StoreError> {
        let Some(raw) = &entry.document else { return Ok(None) };
        Ok(Some((Cursor::new(list, &entry.place), self.0.decode(raw)?)))
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Space").field(&self.name()).finish()
    }
}
