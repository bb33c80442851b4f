use crate::{
    Backend, LogBatch, LogHead, LogId, LogWatch, Position, Space, SpaceSchema, StoreError, space::SpaceInner,
    upgrade,
};
use emporia_id::SharedClock;
use std::{collections::HashMap, fmt, sync::Arc};

/// An opened store: spaces and logs on one backend. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    clock: SharedClock,
    spaces: Arc<HashMap<String, Arc<SpaceInner>>>,
}

impl Store {
    /// Opens these spaces on `backend`: makes room for what is new, brings older documents forward, builds changed
    /// indexes again.
    ///
    /// # Errors
    /// [`StoreError::BadSchema`] when a schema contradicts itself, [`StoreError::NewerSchema`] when the data was
    /// written by a newer release, [`StoreError::Duplicate`] when an index that became unique has duplicates,
    /// [`StoreError::Undecodable`] when a document cannot be brought forward; else what the engine reports.
    pub async fn open(
        backend: Arc<dyn Backend>,
        schemas: Vec<SpaceSchema>,
        clock: SharedClock,
    ) -> Result<Self, StoreError> {
        upgrade::open_spaces(backend.as_ref(), &schemas, &clock).await?;
        let spaces = schemas.into_iter().map(|schema| {
            let name = schema.name().to_owned();
            (name, Arc::new(SpaceInner::new(schema, Arc::clone(&backend), Arc::clone(&clock))))
        });
        Ok(Self { spaces: Arc::new(spaces.collect()), backend, clock })
    }

    /// The handle that reaches the space `name`, and nothing else.
    ///
    /// # Errors
    /// [`StoreError::Undeclared`] if the store was opened without it.
    pub fn space(&self, name: &str) -> Result<Space, StoreError> {
        let found = self.spaces.get(name).map(|inner| Space(Arc::clone(inner)));
        found.ok_or_else(|| StoreError::Undeclared { space: name.to_owned(), what: "the space".to_owned() })
    }

    /// Every space, by name.
    pub fn spaces(&self) -> Vec<Space> {
        let mut spaces: Vec<Space> = self.spaces.values().map(|inner| Space(Arc::clone(inner))).collect();
        spaces.sort_by(|a, b| a.name().cmp(b.name()));
        spaces
    }

    /// The logs there are: one, or one per space, as the backend is laid out.
    pub fn logs(&self) -> Vec<LogId> {
        self.backend.logs()
    }

    /// The log that takes the events of the space `name`.
    pub fn log_of(&self, name: &str) -> LogId {
        self.backend.log_of(name)
    }

    /// Events after `after`, at most `limit` (1 to 1,000), in order; with `source`, only those of this source. No
    /// committed event is ever skipped: what is not there yet comes after [`LogBatch::next`].
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`]; [`StoreError::LogTrimmed`] when events after `after` are gone.
    pub async fn read_log(
        &self,
        log: &LogId,
        after: Position,
        limit: usize,
        source: Option<&str>,
    ) -> Result<LogBatch, StoreError> {
        self.backend.read_log(log, after, limit.clamp(1, crate::limits::PAGE), source).await
    }

    /// The ends of a log.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`]; what the engine reports.
    pub async fn log_head(&self, log: &LogId) -> Result<LogHead, StoreError> {
        self.backend.log_head(log).await
    }

    /// Wakes when the log grows.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`].
    pub fn watch(&self, log: &LogId) -> Result<LogWatch, StoreError> {
        self.backend.watch(log)
    }

    /// Forgets the events up to and with this position.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`]; what the engine reports.
    pub async fn trim_log(&self, log: &LogId, up_to: Position) -> Result<(), StoreError> {
        self.backend.trim_log(log, up_to).await
    }

    /// Removes expired documents now, in bounded batches; answers how many. Backends also do it by themselves.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        const BATCH: usize = 500;
        let at = self.clock.now();
        let mut swept = 0;
        loop {
            let batch = self.backend.sweep(at, BATCH).await?;
            swept += batch;
            if batch == 0 {
                return Ok(swept);
            }
        }
    }

    /// Ends work and lets go of files and locks. Later calls answer [`StoreError::Closed`].
    pub async fn close(&self) {
        self.backend.close().await;
    }

    /// The engine beneath.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The clock by which documents expire.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.backend.name())
            .field("spaces", &self.spaces.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
