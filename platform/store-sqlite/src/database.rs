//! One database file: its writer thread, its housekeeper, its readers, its catalogue.

use crate::{
    Durability, SqliteOptions,
    apply::{self, Counters, Halt},
    catalog::{self, Catalog},
    fault::fault,
    format,
    housekeeping::{self, Pressure},
    log,
    options::PAGE_BYTES,
    prepare::{Prepared, prepare},
    readers::Readers,
    recent::Recent,
    tail::Tail,
    writer::{Answer, Job, Writer},
};
use emporia_store::{Commit, Committed, LogId, LogWatch, Phase, Position, SpaceDeclaration, StoreError};
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OpenFlags, Transaction, config::DbConfig};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::{Semaphore, oneshot, watch};

/// Transactions that may wait for the writer at once; further callers wait for one of these to end.
const WAITING: usize = 4_096;

pub(crate) struct Database {
    file: PathBuf,
    log: LogId,
    pub(crate) readers: Readers,
    pub(crate) recent: Arc<Recent>,
    pub(crate) tail: Arc<Tail>,
    catalog: RwLock<Arc<Catalog>>,
    jobs: Arc<Mutex<Option<Sender<Job>>>>,
    room: Semaphore,
    head: watch::Receiver<Position>,
    pressure: Arc<Pressure>,
    writer: Mutex<Option<JoinHandle<()>>>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Database {
    pub(crate) fn open(file: PathBuf, log: LogId, options: &SqliteOptions) -> Result<Self, StoreError> {
        let broken = |error| fault(error, &file);
        let mut connection = open_writing(&file, options).map_err(broken)?;
        if connection.is_readonly("main").map_err(broken)? {
            // SQLite is content with a file that it may only read.
            return Err(StoreError::ReadOnly {
                detail: format!("{} cannot be opened for writing", file.display()),
            });
        }
        format::bring_forward(&mut connection, &file)?;
        let catalog = Catalog::load(&connection).map_err(broken)?;
        let counters = load_counters(&connection).map_err(broken)?;
        let keeping = open_writing(&file, options).map_err(broken)?;

        let (jobs, receiver) = channel();
        let jobs = Arc::new(Mutex::new(Some(jobs)));
        let (sender, head) = watch::channel(Position::from_i64(counters.position));
        let pressure = Arc::new(Pressure::default());
        let recent = Arc::new(Recent::new(options.tuning.recent_bytes, options.tuning.recent_tallies));
        let tail = Arc::new(Tail::new(options.tuning.tail_bytes));
        let writer = Writer {
            connection,
            file: file.clone(),
            counters,
            jobs: receiver,
            head: sender,
            pressure: Arc::clone(&pressure),
            recent: Arc::clone(&recent),
            tail: Arc::clone(&tail),
            tuning: options.tuning,
        };
        let writer = spawn("store-writer", &file, move || writer.run())?;
        let keeper = {
            let (pressure, jobs, path) = (Arc::clone(&pressure), Arc::clone(&jobs), file.clone());
            let (clock, every) = (Arc::clone(&options.clock), options.sweep_every);
            spawn("store-keeper", &file, move || {
                let sweep = || sweep_away(&jobs, &path, clock.now().as_microsecond());
                housekeeping::run(&pressure, &keeping, &path, every, sweep);
            })?
        };
        Ok(Self {
            readers: Readers::new(&file, options.tuning),
            recent,
            tail,
            file,
            log,
            catalog: RwLock::new(Arc::new(catalog)),
            jobs,
            room: Semaphore::new(WAITING),
            head,
            pressure,
            writer: Mutex::new(Some(writer)),
            keeper: Mutex::new(Some(keeper)),
        })
    }

    pub(crate) fn log(&self) -> &LogId {
        &self.log
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read())
    }

    pub(crate) fn watch(&self) -> LogWatch {
        LogWatch::new(self.head.clone())
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let prepared: Prepared = prepare(&self.catalog(), commit)?;
        let _room = self.room.acquire().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        send(&self.jobs, Job::Commit(prepared, answer))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `act` on the writer's thread in a transaction of its own and commits it.
    pub(crate) async fn exclusively<R: Send + 'static>(
        &self,
        act: impl FnOnce(&Transaction<'_>) -> Result<R, Halt> + Send + 'static,
    ) -> Result<R, StoreError> {
        let (answer, answered) = oneshot::channel();
        send(&self.jobs, task(self.file.clone(), answer, act))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    pub(crate) async fn declare(
        &self,
        spaces: Vec<SpaceDeclaration>,
        phase: Phase,
    ) -> Result<(), StoreError> {
        let catalog = self
            .exclusively(move |transaction| {
                spaces.iter().try_for_each(|space| catalog::declare(transaction, space, phase))?;
                Ok(Catalog::load(transaction)?)
            })
            .await?;
        *self.catalog.write() = Arc::new(catalog);
        Ok(())
    }

    pub(crate) async fn sweep(&self, at: i64, limit: usize) -> Result<usize, StoreError> {
        self.exclusively(move |transaction| apply::sweep(transaction, at, limit)).await
    }

    pub(crate) async fn trim(&self, up_to: Position) -> Result<(), StoreError> {
        while self.exclusively(move |transaction| Ok(log::trim(transaction, up_to)?)).await? {}
        Ok(())
    }

    /// Lets the writer finish what waits, ends both threads and closes every connection. The writer's is closed last:
    /// the last connection moves the whole write-ahead log into the file and removes it.
    pub(crate) fn close(&self) {
        self.room.close();
        self.pressure.stop();
        self.readers.close();
        join(&self.keeper);
        drop(self.jobs.lock().take());
        join(&self.writer);
    }
}

fn join(thread: &Mutex<Option<JoinHandle<()>>>) {
    let thread = thread.lock().take();
    // A thread that panicked has reported it itself.
    let _ = thread.map(JoinHandle::join);
}

impl Drop for Database {
    fn drop(&mut self) {
        self.close();
    }
}

fn send(jobs: &Mutex<Option<Sender<Job>>>, job: Job) -> Result<(), StoreError> {
    let jobs = jobs.lock();
    jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or(StoreError::Closed)
}

fn task<R: Send + 'static>(
    file: PathBuf,
    answer: Answer<R>,
    act: impl FnOnce(&Transaction<'_>) -> Result<R, Halt> + Send + 'static,
) -> Job {
    Job::Task(Box::new(move |begun| {
        let result = begun.and_then(|transaction| {
            let done = act(&transaction).and_then(|result| {
                transaction.commit()?;
                Ok(result)
            });
            done.map_err(|halt| match halt {
                Halt::Refused(error) => error,
                Halt::Broken(error) => fault(error, &file),
            })
        });
        // A caller that went away does not hear of it.
        let _ = answer.send(result);
    }))
}

/// Sweeps one bounded batch, so that the writer can serve others before the next; answers whether there may be more.
fn sweep_away(jobs: &Mutex<Option<Sender<Job>>>, file: &Path, at: i64) -> bool {
    const BATCH: usize = 500;
    let (answer, answered) = oneshot::channel();
    let job = task(file.to_owned(), answer, move |transaction| apply::sweep(transaction, at, BATCH));
    if send(jobs, job).is_err() {
        return false;
    }
    match answered.blocking_recv() {
        Ok(Ok(swept)) => swept == BATCH,
        Ok(Err(error)) => {
            tracing::warn!(%error, "expired documents could not be swept; it is tried again");
            false
        }
        Err(_) => false,
    }
}

fn spawn(name: &str, file: &Path, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| crate::fault::io_fault(&error, file))
}

fn open_writing(file: &Path, options: &SqliteOptions) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    steady_plans(&connection)?;
    // Only takes effect while the file is empty.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    let synchronous = match options.durability {
        Durability::Full => "FULL",
        Durability::None => "OFF",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -options.tuning.writer_cache_kib)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Without this a statement that may use a partial index is prepared anew for every value bound to it.
pub(crate) fn steady_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn load_counters(connection: &Connection) -> rusqlite::Result<Counters> {
    let counter = |name: &str| {
        connection.query_row("SELECT value FROM counters WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
    };
    Ok(Counters { commit: counter("commit")?, position: counter("position")? })
}
