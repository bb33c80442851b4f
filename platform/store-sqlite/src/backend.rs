use crate::{
    Layout, SqliteOptions,
    database::Database,
    directory::{Directory, SHARED},
    log,
    log::Reading,
    read,
};
use async_trait::async_trait;
use emporia_store::{
    Backend, Commit, Committed, Declared, Key, LogBatch, LogHead, LogId, LogWatch, Phase, Position,
    RawChildren, RawDocument, RawPage, RawQuery, SpaceDeclaration, StoreError, Tally, TallyKey,
};
use jiff::Timestamp;
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};

/// The store's port on SQLite files.
pub struct SqliteBackend {
    options: SqliteOptions,
    shared: Option<Arc<Database>>,
    spaces: RwLock<BTreeMap<String, Arc<Database>>>,
    // Fields are dropped in this order: the directory is let go of when its databases are closed.
    directory: RwLock<Option<Directory>>,
}

impl SqliteBackend {
    /// Takes the data directory and opens the shared file, if the layout has one.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::BadDirectory`], [`StoreError::ReadOnly`], [`StoreError::Full`],
    /// [`StoreError::Corrupt`], [`StoreError::NewerSchema`].
    pub fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let directory = Directory::take(&options.directory, options.layout)?;
        let shared = match options.layout {
            Layout::Shared => {
                let file = directory.shared_file();
                Some(Arc::new(Database::open(file, LogId::new(SHARED), &options)?))
            }
            Layout::PerService => None,
        };
        Ok(Self { options, directory: RwLock::new(Some(directory)), shared, spaces: RwLock::default() })
    }

    fn database(&self, space: &str) -> Result<Arc<Database>, StoreError> {
        match &self.shared {
            Some(shared) => Ok(Arc::clone(shared)),
            None => self.spaces.read().get(space).cloned().ok_or_else(|| StoreError::Undeclared {
                space: space.to_owned(),
                what: "the space".to_owned(),
            }),
        }
    }

    /// The database of a space, opened and made if need be.
    fn open_database(&self, space: &str) -> Result<Arc<Database>, StoreError> {
        if let Ok(open) = self.database(space) {
            return Ok(open);
        }
        let directory = self.directory.read();
        let file = directory.as_ref().ok_or(StoreError::Closed)?.space_file(space);
        let mut spaces = self.spaces.write();
        if let Some(open) = spaces.get(space) {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new(Database::open(file, LogId::new(space), &self.options)?);
        spaces.insert(space.to_owned(), Arc::clone(&opened));
        Ok(opened)
    }

    fn databases(&self) -> Vec<Arc<Database>> {
        self.shared.iter().cloned().chain(self.spaces.read().values().cloned()).collect()
    }

    fn database_of_log(&self, log: &LogId) -> Result<Arc<Database>, StoreError> {
        let found = self.databases().into_iter().find(|database| database.log() == log);
        found.ok_or_else(|| StoreError::UnknownLog { log: log.to_string() })
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn declared(&self, spaces: &[&str]) -> Result<Vec<Declared>, StoreError> {
        spaces.iter().map(|space| Ok(self.open_database(space)?.catalog().declared(space))).collect()
    }

    async fn declare(&self, spaces: &[SpaceDeclaration], phase: Phase) -> Result<(), StoreError> {
        match &self.shared {
            Some(shared) => shared.declare(spaces.to_vec(), phase).await,
            None => {
                for space in spaces {
                    self.open_database(&space.name)?.declare(vec![space.clone()], phase).await?;
                }
                Ok(())
            }
        }
    }

    async fn get(
        &self,
        space: &str,
        keys: &[Key],
        at: Timestamp,
    ) -> Result<Vec<Option<RawDocument>>, StoreError> {
        let database = self.database(space)?;
        let catalog = database.catalog();
        let numbered = keys.iter().map(|key| Ok((catalog.collection(space, key.collection())?.id, key)));
        let numbered = numbered.collect::<Result<Vec<_>, StoreError>>()?;
        let at = at.as_microsecond();
        match database.recent.get(&numbered, at) {
            Some(documents) => Ok(documents),
            None => database.readers.with(|connection| read::get(connection, &numbered, at)),
        }
    }

    async fn children(&self, space: &str, range: &RawChildren) -> Result<RawPage, StoreError> {
        let database = self.database(space)?;
        let collection = database.catalog().collection(space, &range.collection)?.id;
        database.readers.with(|connection| read::children(connection, collection, range))
    }

    async fn query(&self, space: &str, query: &RawQuery) -> Result<RawPage, StoreError> {
        let database = self.database(space)?;
        let index = database.catalog().index(space, &query.collection, &query.index)?.id;
        database.readers.with(|connection| read::query(connection, index, query))
    }

    async fn count(&self, space: &str, query: &RawQuery) -> Result<u64, StoreError> {
        let database = self.database(space)?;
        let index = database.catalog().index(space, &query.collection, &query.index)?.id;
        let count = database.readers.with(|connection| read::count(connection, index, query))?;
        Ok(count.unsigned_abs())
    }

    async fn tallies(&self, space: &str, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        let database = self.database(space)?;
        let catalog = database.catalog();
        let kinds =
            keys.iter().map(|key| catalog.tally(space, key.tally())).collect::<Result<Vec<_>, _>>()?;
        let numbered: Vec<_> = kinds.iter().map(|kind| kind.id).zip(keys).collect();
        let values = match database.recent.tallies(&numbered) {
            Ok(values) => values,
            Err(moment) => {
                let read = database.readers.with(|connection| read::tallies(connection, &numbered))?;
                database.recent.keep_tallies(&numbered, &read, moment);
                read
            }
        };
        let tallies = kinds.iter().zip(values);
        Ok(tallies.map(|(kind, values)| Tally::new(Arc::clone(&kind.fields), values)).collect())
    }

    async fn scan(
        &self,
        space: &str,
        collection: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<RawDocument>, StoreError> {
        let database = self.database(space)?;
        let id = database.catalog().collection(space, collection)?.id;
        database.readers.with(|connection| read::scan(connection, id, collection, after, limit))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.database(&commit.space)?.commit(commit).await
    }

    async fn sweep(&self, at: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut swept = 0;
        for database in self.databases() {
            swept += database.sweep(at.as_microsecond(), limit.saturating_sub(swept)).await?;
        }
        Ok(swept)
    }

    fn logs(&self) -> Vec<LogId> {
        self.databases().iter().map(|database| database.log().clone()).collect()
    }

    fn log_of(&self, space: &str) -> LogId {
        self.shared.as_ref().map_or_else(|| LogId::new(space), |shared| shared.log().clone())
    }

    async fn read_log(
        &self,
        log: &LogId,
        after: Position,
        limit: usize,
        source: Option<&str>,
    ) -> Result<LogBatch, StoreError> {
        let database = self.database_of_log(log)?;
        if let Some(batch) = database.tail.read(after, limit, source) {
            return Ok(batch);
        }
        match database.readers.with(|connection| log::read(connection, after, limit, source))? {
            Reading::Batch(batch) => Ok(batch),
            Reading::Trimmed(trimmed) => Err(StoreError::LogTrimmed {
                log: log.to_string(),
                after: after.get(),
                trimmed: trimmed.get(),
            }),
        }
    }

    async fn log_head(&self, log: &LogId) -> Result<LogHead, StoreError> {
        self.database_of_log(log)?.readers.with(|connection| read::snapshot(connection, log::head))
    }

    fn watch(&self, log: &LogId) -> Result<LogWatch, StoreError> {
        self.database_of_log(log).map(|database| database.watch())
    }

    async fn trim_log(&self, log: &LogId, up_to: Position) -> Result<(), StoreError> {
        self.database_of_log(log)?.trim(up_to).await
    }

    async fn close(&self) {
        for database in self.databases() {
            // Joining the threads waits for the disk.
            let closed = tokio::task::spawn_blocking(move || database.close()).await;
            if let Err(error) = closed {
                tracing::error!(%error, "closing a database failed");
            }
        }
        *self.directory.write() = None;
    }
}

impl std::fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SqliteBackend").field(&self.options).finish()
    }
}
