use crate::{
    PostgresOptions,
    catalog::{self, Catalog},
    connect::Connector,
    decide::Values,
    fault::{fault, pool_fault},
    follow::{self, Head},
    format,
    gather::Gathered,
    log,
    prepare::{Place, TallyPlace, prepare},
    read::{self, Stored},
    readers::Readers,
    writer::{Job, Writer},
};
use async_trait::async_trait;
use emporia_id::SharedClock;
use emporia_store::{
    Backend, Commit, Committed, Declared, Key, LogBatch, LogHead, LogId, LogWatch, Phase, Position,
    RawChildren, RawDocument, RawPage, RawQuery, SpaceDeclaration, StoreError, Tally, TallyKey,
};
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// Transactions that may wait for the writer at once; further callers wait for one of these to end.
const WAITING: usize = 4_096;

/// The store's port on a PostgreSQL database.
pub struct PostgresBackend {
    options: PostgresOptions,
    log: LogId,
    catalog: RwLock<Arc<Catalog>>,
    readers: Arc<Readers>,
    documents: Gathered<Stored>,
    tallies: Gathered<Values>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    watch: LogWatch,
    writer: Mutex<Option<JoinHandle<()>>>,
    others: Vec<JoinHandle<()>>,
}

impl PostgresBackend {
    /// Connects, checks the server, brings the tables to their present form, and starts the writer. Needs a Tokio
    /// runtime, on which it goes on working.
    ///
    /// # Errors
    /// [`StoreError::Unusable`], [`StoreError::Unavailable`], [`StoreError::ReadOnly`], [`StoreError::NewerSchema`].
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let connector = Connector::new(&options)?;
        format::bring_forward(&connector, &options).await?;
        let readers = Arc::new(Readers::new(connector.clone(), &options)?);
        let (head, catalog) = {
            let client = readers.client().await.map_err(|error| pool_fault(&error, readers.place()))?;
            let broken = |error: tokio_postgres::Error| fault(&error, readers.place());
            let head = client.query_one(log::HEAD, &[]).await.and_then(|row| log::head(&row));
            (head.map_err(broken)?, Catalog::load(&**client).await.map_err(broken)?)
        };
        let (head, watch) = Head::new(head.last.get());
        let head = Arc::new(head);
        let (jobs, receiver) = mpsc::channel(WAITING);
        let writer = tokio::spawn(Writer::new(connector.clone(), receiver, Arc::clone(&head)).run());
        let mut others = vec![tokio::spawn(follow::run(connector, options.schema.clone(), head))];
        if let Some(every) = options.sweep_every {
            others.push(tokio::spawn(sweep_away(jobs.downgrade(), Arc::clone(&options.clock), every)));
        }
        Ok(Self {
            log: LogId::new(options.schema.as_str()),
            catalog: RwLock::new(Arc::new(catalog)),
            documents: Gathered::over(&readers),
            tallies: Gathered::over(&readers),
            readers,
            jobs: Mutex::new(Some(jobs)),
            watch,
            writer: Mutex::new(Some(writer)),
            others,
            options,
        })
    }

    fn catalog(&self) -> Result<Arc<Catalog>, StoreError> {
        if self.readers.is_closed() { Err(StoreError::Closed) } else { Ok(Arc::clone(&self.catalog.read())) }
    }

    fn place(&self, catalog: &Catalog, space: &str, key: &Key) -> Result<Place, StoreError> {
        let collection = catalog.collection(space, key.collection())?.id;
        Ok(Place { collection, key: key.clone() })
    }

    fn check_log(&self, log: &LogId) -> Result<(), StoreError> {
        if *log == self.log { Ok(()) } else { Err(StoreError::UnknownLog { log: log.to_string() }) }
    }

    async fn ask<R>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<R, StoreError>>) -> Job,
    ) -> Result<R, StoreError> {
        let jobs = self.jobs.lock().clone().ok_or(StoreError::Closed)?;
        send(&jobs, job).await
    }

    fn broken(&self, error: &tokio_postgres::Error) -> StoreError {
        fault(error, self.readers.place())
    }
}

/// Gives the writer a job and waits for the answer.
async fn send<R>(
    jobs: &mpsc::Sender<Job>,
    job: impl FnOnce(oneshot::Sender<Result<R, StoreError>>) -> Job,
) -> Result<R, StoreError> {
    let (answer, answered) = oneshot::channel();
    jobs.send(job(answer)).await.map_err(|_| StoreError::Closed)?;
    answered.await.map_err(|_| StoreError::Closed)?
}

/// Sweeps expired documents in bounded batches, so that the writer can serve others between them.
async fn sweep_away(jobs: mpsc::WeakSender<Job>, clock: SharedClock, every: Duration) {
    const BATCH: usize = 500;
    loop {
        tokio::time::sleep(every).await;
        loop {
            let Some(jobs) = jobs.upgrade() else { return };
            let at = clock.now().as_microsecond();
            match send(&jobs, |answer| Job::Sweep { at, limit: BATCH, answer }).await {
                Ok(BATCH) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired documents could not be swept; it is tried again");
                    break;
                }
            }
        }
    }
}

#[async_trait]
impl Backend for PostgresBackend {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn declared(&self, spaces: &[&str]) -> Result<Vec<Declared>, StoreError> {
        let client = self.readers.client().await.map_err(|error| pool_fault(&error, self.readers.place()))?;
        let catalog = Arc::new(Catalog::load(&**client).await.map_err(|error| self.broken(&error))?);
        *self.catalog.write() = Arc::clone(&catalog);
        spaces.iter().map(|space| catalog.declared(space)).collect()
    }

    async fn declare(&self, spaces: &[SpaceDeclaration], phase: Phase) -> Result<(), StoreError> {
        let json = spaces.iter().map(|space| {
            serde_json::to_string(space).map_err(|error| StoreError::Unencodable {
                what: format!("the declaration of {}", space.name),
                reason: error.to_string(),
            })
        });
        let json = json.collect::<Result<Vec<_>, _>>()?;
        let mut pooled =
            self.readers.client().await.map_err(|error| pool_fault(&error, self.readers.place()))?;
        let client: &mut tokio_postgres::Client = &mut pooled;
        let work = async {
            let transaction = client.transaction().await?;
            transaction.query(format::LOCK, &[]).await?;
            for (space, json) in spaces.iter().zip(&json) {
                catalog::declare(&transaction, space, json, phase).await?;
            }
            let catalog = Catalog::load(&transaction).await?;
            transaction.commit().await?;
            Ok(catalog)
        };
        let catalog = work.await.map_err(|error: tokio_postgres::Error| self.broken(&error))?;
        *self.catalog.write() = Arc::new(catalog);
        Ok(())
    }

    async fn get(
        &self,
        space: &str,
        keys: &[Key],
        at: Timestamp,
    ) -> Result<Vec<Option<RawDocument>>, StoreError> {
        let catalog = self.catalog()?;
        let places = keys.iter().map(|key| self.place(&catalog, space, key));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let stored = self.documents.read(places).await?;
        Ok(stored.into_iter().map(|stored| stored.alive(at.as_microsecond())).collect())
    }

    async fn children(&self, space: &str, range: &RawChildren) -> Result<RawPage, StoreError> {
        let collection = self.catalog()?.collection(space, &range.collection)?.id;
        read::children(&self.readers, collection, range).await
    }

    async fn query(&self, space: &str, query: &RawQuery) -> Result<RawPage, StoreError> {
        let catalog = self.catalog()?;
        let index = catalog.index(space, &query.collection, &query.index)?.id;
        let collection = catalog.collection(space, &query.collection)?.id;
        read::query(&self.readers, collection, index, query).await
    }

    async fn count(&self, space: &str, query: &RawQuery) -> Result<u64, StoreError> {
        let catalog = self.catalog()?;
        let index = catalog.index(space, &query.collection, &query.index)?.id;
        let collection = catalog.collection(space, &query.collection)?.id;
        read::count(&self.readers, collection, index, query).await
    }

    async fn tallies(&self, space: &str, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError> {
        let catalog = self.catalog()?;
        let kinds = keys.iter().map(|key| catalog.tally(space, key.tally()));
        let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
        let places =
            keys.iter().zip(&kinds).map(|(key, kind)| TallyPlace { kind: kind.id, key: key.clone() });
        let places: Vec<_> = places.collect();
        let values = self.tallies.read(places).await?;
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
        let id = self.catalog()?.collection(space, collection)?.id;
        read::scan(&self.readers, id, collection, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let prepared = prepare(self.catalog()?.as_ref(), commit)?;
        self.ask(|answer| Job::Commit(prepared, answer)).await
    }

    async fn sweep(&self, at: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.ask(|answer| Job::Sweep { at: at.as_microsecond(), limit, answer }).await
    }

    fn logs(&self) -> Vec<LogId> {
        vec![self.log.clone()]
    }

    fn log_of(&self, _: &str) -> LogId {
        self.log.clone()
    }

    async fn read_log(
        &self,
        log: &LogId,
        after: Position,
        limit: usize,
        source: Option<&str>,
    ) -> Result<LogBatch, StoreError> {
        self.check_log(log)?;
        let walk = if source.is_some() { after.get().saturating_add(log::WALK) } else { i64::MAX };
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.readers.rows(log::READ, &[&after.get(), &walk, &source, &most]).await?;
        let damaged = || StoreError::Corrupt { detail: "a record of the log".to_owned() };
        let head = log::head(rows.first().ok_or_else(damaged)?).map_err(read::damaged)?;
        if after < head.trimmed {
            let (log, after, trimmed) = (log.to_string(), after.get(), head.trimmed.get());
            return Err(StoreError::LogTrimmed { log, after, trimmed });
        }
        let end = head.last.min(Position::from_i64(walk));
        log::batch(&rows, after, end, limit).map_err(read::damaged)?.ok_or_else(damaged)
    }

    async fn log_head(&self, log: &LogId) -> Result<LogHead, StoreError> {
        self.check_log(log)?;
        let rows = self.readers.rows(log::HEAD, &[]).await?;
        let damaged = || StoreError::Corrupt { detail: "the log's end".to_owned() };
        log::head(rows.first().ok_or_else(damaged)?).map_err(read::damaged)
    }

    fn watch(&self, log: &LogId) -> Result<LogWatch, StoreError> {
        self.check_log(log).map(|()| self.watch.clone())
    }

    async fn trim_log(&self, log: &LogId, up_to: Position) -> Result<(), StoreError> {
        self.check_log(log)?;
        let client = self.readers.client().await.map_err(|error| pool_fault(&error, self.readers.place()))?;
        while log::trim(&**client, up_to).await.map_err(|error| self.broken(&error))? {}
        Ok(())
    }

    async fn close(&self) {
        drop(self.jobs.lock().take());
        let writer = self.writer.lock().take();
        if let Some(writer) = writer {
            // It finishes what waits. If it panicked, it has reported that itself.
            let _ = writer.await;
        }
        self.others.iter().for_each(JoinHandle::abort);
        self.readers.close();
    }
}

impl Drop for PostgresBackend {
    fn drop(&mut self) {
        self.others.iter().for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PostgresBackend").field(&self.options).finish()
    }
}
