//! The durable ledger: one SQLite file, one thread that writes it.
//!
//! Calls that wait at the same time are committed together (one `fsync` for all); a call that fails is rolled back
//! alone. An answer is given only after the commit, so whatever was acknowledged survives a crash.

use std::{cell::Cell, fs::File, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::config::Config;

/// Calls that may wait for the writer before further ones have to wait for a place.
const QUEUE: usize = 1024;
/// Calls committed together at most.
const BATCH: usize = 128;
const SCHEMA_VERSION: i64 = 1;

/// Why the ledger could not do something; never the fault of the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the ledger failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("JSON failed: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the ledger holds something unreadable: {0}")]
    Corrupt(String),
    #[error("a test card asked for this error")]
    Simulated,
    #[error("the ledger could not commit or has stopped")]
    NotCommitted,
}

/// What a call sees: the ledger inside a transaction, at one moment.
pub(crate) struct Tx<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) config: &'a Config,
    pub(crate) now: Timestamp,
    work: &'a Cell<bool>,
}

impl Tx<'_> {
    /// Wakes the worker after the commit: there is something to send or to wait for.
    pub(crate) fn wake_worker(&self) {
        self.work.set(true);
    }
}

/// Runs inside the transaction; says what to do once it is known whether the commit succeeded, or `None` when the
/// call failed and is to be rolled back (it has then answered already).
type Call = Box<dyn FnOnce(&Tx<'_>) -> Option<Answer> + Send>;
type Answer = Box<dyn FnOnce() + Send>;

/// A handle of the ledger; the thread ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Ledger {
    calls: mpsc::Sender<Call>,
}

/// Why the ledger could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("another process uses it")]
    InUse,
    #[error("it was written by a newer version (schema {0}); take that version to open it")]
    Newer(i64),
}

impl Ledger {
    /// Opens or creates the ledger. Blocks; `wake` is told when the worker has something to do.
    pub(crate) fn open(config: Arc<Config>, wake: Arc<Notify>) -> Result<Self, OpenError> {
        std::fs::create_dir_all(&config.data_dir)?;
        let lock = lock(&config.data_dir.join("testpay.lock"))?;
        let db = connect(&config.data_dir.join("testpay.sqlite"), config.flush)?;
        let (calls, waiting) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("testpay-ledger".into()).spawn(move || {
            write(db, waiting, &config, &wake);
            drop(lock);
        })?;
        Ok(Self { calls })
    }

    /// Runs `call` in a transaction and gives its result once that is durable. An `Err` rolls it back.
    ///
    /// A caller that goes away does not undo the call.
    pub(crate) async fn call<T, F>(&self, call: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let call: Call = Box::new(move |tx| match call(tx) {
            // Nobody may be waiting any more: that is allowed.
            Ok(result) => Some(Box::new(move || drop(sender.send(Ok(result))))),
            Err(fault) => {
                drop(sender.send(Err(fault)));
                None
            }
        });
        self.calls.send(call).await.map_err(|_| Fault::NotCommitted)?;
        receiver.await.map_err(|_| Fault::NotCommitted)?
    }
}

/// Takes the lock that keeps a second process out. A predecessor that is just ending gets a moment.
fn lock(path: &Path) -> Result<File, OpenError> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    for _ in 0..100 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(30)),
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(OpenError::InUse)
}

fn connect(path: &Path, flush: bool) -> Result<Connection, OpenError> {
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "synchronous", if flush { "FULL" } else { "OFF" })?;
    db.busy_timeout(Duration::from_secs(5))?;
    // More than there are.
    db.set_prepared_statement_cache_capacity(64);
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")?;
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match tx.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? {
        0 => {
            tx.execute_batch(include_str!("schema.sql"))?;
            tx.execute_batch(&format!("PRAGMA user_version = {SCHEMA_VERSION}"))?;
        }
        SCHEMA_VERSION => {}
        newer => return Err(OpenError::Newer(newer)),
    }
    tx.commit()?;
    Ok(db)
}

fn write(mut db: Connection, mut waiting: mpsc::Receiver<Call>, config: &Config, wake: &Notify) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        // On an error all answers are dropped, which the callers see as "not committed".
        if let Err(error) = commit(&mut db, batch, config, wake) {
            tracing::error!(%error, "the ledger could not commit");
        }
    }
}

fn commit(db: &mut Connection, batch: Vec<Call>, config: &Config, wake: &Notify) -> rusqlite::Result<()> {
    let mut answers = Vec::with_capacity(batch.len());
    let work = Cell::new(false);
    let mut tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for call in batch {
        let savepoint = tx.savepoint()?;
        let view = Tx { db: &savepoint, config, now: whole_millis(config.now()), work: &work };
        // A panic must not take the writer down; the savepoint is rolled back by its drop.
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(&view)));
        if let Ok(Some(answer)) = ran {
            savepoint.commit()?;
            answers.push(answer);
        }
    }
    tx.commit()?;
    for answer in answers {
        answer();
    }
    if work.get() {
        wake.notify_one();
    }
    Ok(())
}

/// Times are kept in milliseconds, so that what is answered first equals what is read later.
fn whole_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// A moment read from the ledger.
pub(crate) fn from_millis(millis: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_millisecond(millis).map_err(|error| Fault::Corrupt(error.to_string()))
}

/// `time` and `wait` later, or the end of time.
pub(crate) fn later(time: Timestamp, wait: Duration) -> Timestamp {
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(time.as_millisecond().saturating_add(wait)).unwrap_or(Timestamp::MAX)
}

/// The name an enum has on the wire, which is also its name in the ledger.
pub(crate) fn name(value: impl serde::Serialize) -> Result<String, Fault> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(name) => Ok(name),
        other => Err(Fault::Corrupt(format!("{other} is no name"))),
    }
}

/// The enum with a name from the ledger.
pub(crate) fn named<T: serde::de::DeserializeOwned>(name: String) -> Result<T, Fault> {
    Ok(serde_json::from_value(serde_json::Value::String(name))?)
}
