//! Connections that only read.

use crate::{database::steady_plans, fault::fault, options::Tuning};
use emporia_store::StoreError;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// A stack of idle connections. Who finds it empty opens one, so nobody waits: since readings run on the calling
/// thread without a pause, there are never more connections in use than threads.
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    cache_kib: i64,
    closed: AtomicBool,
}

/// Connections kept while idle; each may hold its page cache.
const KEPT: usize = 8;

impl Readers {
    pub(crate) fn new(file: &Path, tuning: Tuning) -> Self {
        Self {
            file: file.to_owned(),
            idle: Mutex::new(Vec::new()),
            cache_kib: tuning.reader_cache_kib,
            closed: AtomicBool::new(false),
        }
    }

    /// Runs `act` on a connection of its own, on the calling thread: a point reading takes microseconds, less than
    /// moving it to another thread would. `act` must not wait for anything.
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<R>,
    ) -> Result<R, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open().map_err(|error| fault(error, &self.file))?,
        };
        let result = act(&connection).map_err(|error| fault(error, &self.file));
        let mut idle = self.idle.lock();
        if idle.len() < KEPT && !self.closed.load(Ordering::Acquire) {
            idle.push(connection);
        }
        result
    }

    pub(crate) fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        steady_plans(&connection)?;
        connection.pragma_update(None, "cache_size", -self.cache_kib)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle.lock().clear();
    }
}
