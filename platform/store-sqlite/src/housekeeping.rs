//! What is done beside the writer: checkpoints of the write-ahead log and the sweeping of expired documents.

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// What the housekeeper is asked to do.
#[derive(Default)]
pub(crate) struct Pressure {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Default)]
struct Wanted {
    checkpoint: bool,
    stop: bool,
}

impl Pressure {
    pub(crate) fn checkpoint(&self) {
        let mut wanted = self.wanted.lock();
        if !wanted.checkpoint {
            wanted.checkpoint = true;
            self.changed.notify_one();
        }
    }

    pub(crate) fn stop(&self) {
        self.wanted.lock().stop = true;
        self.changed.notify_all();
    }
}

/// Works until [`Pressure::stop`]. Every `sweep_every`, `sweep` is called until it answers that nothing
/// is left.
pub(crate) fn run(
    pressure: &Pressure,
    connection: &Connection,
    file: &Path,
    sweep_every: Option<Duration>,
    sweep: impl Fn() -> bool,
) {
    let mut swept = Instant::now();
    loop {
        let mut wanted = pressure.wanted.lock();
        if !wanted.stop && !wanted.checkpoint {
            // A period beyond the end of time is none.
            match sweep_every.and_then(|period| swept.checked_add(period)) {
                Some(due) => drop(pressure.changed.wait_until(&mut wanted, due)),
                None => pressure.changed.wait(&mut wanted),
            }
        }
        if wanted.stop {
            return;
        }
        let checkpoint = std::mem::take(&mut wanted.checkpoint);
        drop(wanted);
        if checkpoint {
            // Passive: it moves what it can without waiting for anybody.
            let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = done {
                tracing::warn!(%error, file = %file.display(), "checkpoint failed; it is tried again");
            }
        }
        if sweep_every.is_some_and(|period| swept.elapsed() >= period) {
            while sweep() && !pressure.wanted.lock().stop {}
            swept = Instant::now();
        }
    }
}
