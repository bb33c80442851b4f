//! The writer: one thread that owns the only writing connection and commits waiting transactions as a group.
//!
//! One `COMMIT` waits for the disk once, however many transactions it holds. Callers are answered after it returned.

use crate::{
    apply::{Applied, Counters, Halt, apply},
    fault::fault,
    housekeeping::Pressure,
    options::Tuning,
    prepare::Prepared,
    recent::{self, Recent},
    tail::Tail,
};
use emporia_store::{Committed, LogRecord, NewEvent, Position, StoreError, Version};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, hooks::Wal};
use std::{
    cell::Cell,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};

pub(crate) type Answer<R> = oneshot::Sender<Result<R, StoreError>>;

/// Work that is not a transaction of the port: it gets an SQLite transaction to itself.
pub(crate) type Task = Box<dyn FnOnce(Result<Transaction<'_>, StoreError>) + Send>;

pub(crate) enum Job {
    Commit(Prepared, Answer<Committed>),
    Task(Task),
}

thread_local! {
    /// Pages in the write-ahead log after this thread's last commit; SQLite's hook takes no state of its own.
    static WAL_PAGES: Cell<i32> = const { Cell::new(0) };
}

fn remember_pages(_: &Wal, pages: i32) -> rusqlite::Result<()> {
    WAL_PAGES.set(pages);
    Ok(())
}

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) file: PathBuf,
    pub(crate) counters: Counters,
    pub(crate) jobs: Receiver<Job>,
    pub(crate) head: watch::Sender<Position>,
    pub(crate) pressure: Arc<Pressure>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) tail: Arc<Tail>,
    pub(crate) tuning: Tuning,
}

/// A group being gathered: who waits, and what they will hear if the commit succeeds.
#[derive(Default)]
struct Group {
    applied: Vec<(i64, Answer<Committed>)>,
    written: Vec<recent::Committed>,
    events: Vec<LogRecord>,
    removed_others: bool,
    refused: Vec<(StoreError, Answer<Committed>)>,
}

impl Group {
    fn len(&self) -> usize {
        self.applied.len() + self.refused.len()
    }

    /// What a transaction did, to be told when the group is committed.
    fn add(&mut self, applied: Applied, prepared: Prepared) {
        let Applied { version, removed_others, tallies, appended } = applied;
        let Prepared { documents, tallies: asked, events, .. } = prepared;
        let tallies = asked.into_iter().zip(tallies).collect();
        self.written.push(recent::Committed { version, documents, tallies });
        self.removed_others |= removed_others;
        self.events.extend(appended.into_iter().zip(events).map(record));
    }
}

/// An event as the log has it now.
fn record(((position, sequence), event): ((i64, i64), NewEvent)) -> LogRecord {
    let NewEvent { id, source, detail_type, subject, occurred_at, body } = event;
    LogRecord {
        position: Position::from_i64(position),
        sequence: sequence.unsigned_abs(),
        id,
        source,
        detail_type,
        subject,
        // The file keeps milliseconds.
        occurred_at: Timestamp::from_millisecond(occurred_at.as_millisecond()).unwrap_or(occurred_at),
        body,
    }
}

impl Writer {
    /// Works until every sender of jobs is gone.
    pub(crate) fn run(mut self) {
        self.connection.wal_hook(Some(remember_pages));
        let mut last_len = 0;
        let mut next = self.jobs.recv().ok();
        while let Some(job) = next.take() {
            match job {
                Job::Task(task) => self.task(task),
                Job::Commit(prepared, answer) => {
                    (last_len, next) = self.group(prepared, answer, last_len);
                    self.relieve();
                }
            }
            if next.is_none() {
                next = self.jobs.recv().ok();
            }
        }
    }

    fn task(&mut self, task: Task) {
        let Self { recent, tail, connection, file, .. } = self;
        tail.clear();
        recent.while_written(|| {
            let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            task(begun.map_err(|error| fault(error, file)));
        });
    }

    /// Applies the first transaction and those that wait behind it, commits, and answers. Returns the group's size
    /// and a job that came up but could not be part of it.
    fn group(&mut self, first: Prepared, answer: Answer<Committed>, last_len: usize) -> (usize, Option<Job>) {
        let before = self.counters;
        let mut group = Group::default();
        let mut next = None;
        let outcome = self.gather(&mut group, &mut next, first, answer, last_len);
        let len = group.len();
        match outcome {
            Ok(()) => {
                if group.removed_others {
                    self.recent.clear();
                }
                self.recent.put(group.written);
                self.tail.add(group.events);
                // Readers of the log first: whoever is answered finds the log's head moved already.
                if self.counters.position != before.position {
                    self.head.send_replace(Position::from_i64(self.counters.position));
                }
                for (version, answer) in group.applied {
                    // A caller that went away does not hear that its transaction was applied.
                    let _ = answer.send(Ok(Committed { version: Version::from_i64(version) }));
                }
            }
            Err(error) => {
                self.counters = before;
                let error = fault(error, &self.file);
                tracing::error!(%error, transactions = group.applied.len(), "a group of transactions failed");
                for (_, answer) in group.applied {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
        for (error, answer) in group.refused {
            let _ = answer.send(Err(error));
        }
        (len, next)
    }

    fn gather(
        &mut self,
        group: &mut Group,
        next: &mut Option<Job>,
        first: Prepared,
        answer: Answer<Committed>,
        last_len: usize,
    ) -> rusqlite::Result<()> {
        let started = Instant::now();
        let before = self.counters;
        let mut waiting = Some((first, answer));
        // Dropped without a commit, the transaction is rolled back.
        let transaction = match self.connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => {
                group.applied.extend(waiting.take().map(|(_, answer)| (0, answer)));
                return Err(error);
            }
        };
        while let Some((prepared, answer)) = waiting.take() {
            match apply(&transaction, &mut self.counters, &prepared) {
                Ok(applied) => {
                    group.applied.push((applied.version, answer));
                    group.add(applied, prepared);
                }
                Err(Halt::Refused(error)) => group.refused.push((error, answer)),
                Err(Halt::Broken(error)) => {
                    group.applied.push((0, answer));
                    return Err(error);
                }
            }
            if group.len() >= self.tuning.group || started.elapsed() >= self.tuning.work {
                break;
            }
            match another(&self.jobs, self.tuning.linger, group.len(), last_len) {
                Some(Job::Commit(prepared, answer)) => waiting = Some((prepared, answer)),
                other => *next = other,
            }
        }
        if self.counters != before {
            let mut store = transaction.prepare_cached("UPDATE counters SET value = ?2 WHERE name = ?1")?;
            store.execute(("commit", self.counters.commit))?;
            if self.counters.position != before.position {
                store.execute(("position", self.counters.position))?;
            }
        }
        transaction.commit()
    }

    /// Keeps the write-ahead log small: housekeeping moves its pages into the file beside the writer, but only a
    /// checkpoint that no commit overtakes lets the log begin anew.
    fn relieve(&self) {
        let pages = WAL_PAGES.get();
        if pages >= self.tuning.restart_pages {
            let done = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = done {
                tracing::warn!(%error, file = %self.file.display(), "checkpoint failed; it is tried again");
            }
        } else if pages >= self.tuning.checkpoint_pages {
            self.pressure.checkpoint();
        }
    }
}

/// The next waiting job. When the group is small beside the last one, its callers are probably on their way back
/// with their next transactions: waiting a moment saves a wait for the disk.
fn another(jobs: &Receiver<Job>, linger: Duration, len: usize, last_len: usize) -> Option<Job> {
    match jobs.try_recv() {
        Ok(job) => Some(job),
        Err(TryRecvError::Disconnected) => None,
        Err(TryRecvError::Empty) if len.saturating_mul(4) >= last_len.saturating_mul(3) => None,
        Err(TryRecvError::Empty) => jobs.recv_timeout(linger).ok(),
    }
}
