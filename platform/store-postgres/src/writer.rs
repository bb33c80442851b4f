//! The writer: one task that commits waiting transactions as a group.
//!
//! One `COMMIT` waits for the disk once, however many transactions it holds. Callers are answered after it returned.

use crate::{
    changes::Changes,
    connect::Connector,
    decide::State,
    fault::Broken,
    follow::Head,
    prepare::Prepared,
    session::{Session, TransactionNumber},
};
use emporia_store::{Committed, StoreError, Version};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// Transactions of one group at most.
const GROUP: usize = 512;
/// Bytes of one group at most, beyond its last transaction.
const GROUP_BYTES: usize = 4_000_000;
/// How long a lost server is waited for before callers hear of it. After that, each group tries once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) type Answer<R> = oneshot::Sender<Result<R, StoreError>>;

pub(crate) enum Job {
    Commit(Prepared, Answer<Committed>),
    Sweep { at: i64, limit: usize, answer: Answer<usize> },
}

type Waiting = (Prepared, Answer<Committed>);

pub(crate) struct Writer {
    connector: Connector,
    jobs: mpsc::Receiver<Job>,
    head: Arc<Head>,
    session: Option<Session>,
    /// Since when the server has not been there.
    lost: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(connector: Connector, jobs: mpsc::Receiver<Job>, head: Arc<Head>) -> Self {
        Self { connector, jobs, head, session: None, lost: None }
    }

    /// Works until every sender of jobs is gone.
    pub(crate) async fn run(mut self) {
        let mut next = self.jobs.recv().await;
        while let Some(job) = next.take() {
            match job {
                Job::Sweep { at, limit, answer } => {
                    let swept = self.sweep(at, limit).await;
                    // A caller that went away does not hear of it.
                    let _ = answer.send(swept.map_err(|broken| broken.error));
                }
                Job::Commit(prepared, answer) => {
                    let mut group = vec![(prepared, answer)];
                    next = self.gather(&mut group);
                    self.commit(group).await;
                }
            }
            if next.is_none() {
                next = self.jobs.recv().await;
            }
        }
    }

    /// Adds what waits to the group; answers a job that came up but cannot be part of it.
    fn gather(&mut self, group: &mut Vec<Waiting>) -> Option<Job> {
        let mut bytes: usize = group.iter().map(|(prepared, _)| prepared.size()).sum();
        while group.len() < GROUP && bytes < GROUP_BYTES {
            match self.jobs.try_recv() {
                Ok(Job::Commit(prepared, answer)) => {
                    bytes += prepared.size();
                    group.push((prepared, answer));
                }
                Ok(other) => return Some(other),
                Err(_) => return None,
            }
        }
        None
    }

    async fn commit(&mut self, group: Vec<Waiting>) {
        let transactions: Vec<&Prepared> = group.iter().map(|(prepared, _)| prepared).collect();
        let outcome = loop {
            match self.attempt(&transactions).await {
                Ok(results) => break Ok(results),
                Err(broken) if broken.cut && self.is_patient() => tokio::time::sleep(PAUSE).await,
                Err(broken) => break Err(broken.error),
            }
        };
        match outcome {
            Ok(results) => {
                for ((_, answer), result) in group.into_iter().zip(results) {
                    let committed = result.map(|version| Committed { version: Version::from_i64(version) });
                    // A caller that went away does not hear that its transaction was applied.
                    let _ = answer.send(committed);
                }
            }
            Err(error) => {
                tracing::error!(%error, transactions = group.len(), "a group of transactions failed");
                for (_, answer) in group {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Whether a lost server is waited for still.
    fn is_patient(&mut self) -> bool {
        self.lost.get_or_insert_with(Instant::now).elapsed() < PATIENCE
    }

    /// Commits the group once. When the answer is an error, nothing was applied, unless the error says otherwise.
    async fn attempt(&mut self, group: &[&Prepared]) -> Result<Vec<Result<i64, StoreError>>, Broken> {
        let session = self.session().await?;
        let begun = session.begin(group).await;
        let (number, found) = self.keep_if(session, begun).await?;
        let mut state = State::new(found);
        let results = state.apply_all(group.iter().copied());
        let changes = state.changes();
        self.finish(&changes, state.position(), &number).await?;
        if !changes.log.positions.is_empty() {
            // Readers of the log first: whoever is answered finds the log's head moved already.
            self.head.advance(state.position());
        }
        Ok(results)
    }

    async fn finish(
        &mut self,
        changes: &Changes<'_>,
        position: i64,
        number: &TransactionNumber,
    ) -> Result<(), Broken> {
        let Some(session) = self.session.take() else { return Ok(()) };
        if changes.is_empty() {
            // What was decided holds, whatever becomes of the connection.
            if session.roll_back().await.is_ok() {
                self.session = Some(session);
            }
            return Ok(());
        }
        let done = session.commit(changes, position).await;
        match self.keep_if(session, done).await {
            Err(broken) if broken.cut => self.settle(number, broken).await,
            done => done,
        }
    }

    /// Finds out whether a transaction was committed whose connection was cut before the answer came.
    async fn settle(&mut self, number: &TransactionNumber, broken: Broken) -> Result<(), Broken> {
        let fate = loop {
            let asked = match self.session().await {
                Ok(session) => {
                    let asked = session.fate(number).await;
                    self.keep_if(session, asked).await
                }
                Err(broken) => Err(broken),
            };
            match asked {
                Err(broken) if broken.cut && self.is_patient() => tokio::time::sleep(PAUSE).await,
                asked => break asked.ok().flatten(),
            }
        };
        match fate {
            Some(true) => Ok(()),
            Some(false) => Err(broken),
            None => {
                let detail = format!("{}; whether the transaction was committed is not known", broken.error);
                Err(Broken { error: StoreError::Unavailable { detail }, cut: false })
            }
        }
    }

    async fn sweep(&mut self, at: i64, limit: usize) -> Result<usize, Broken> {
        let session = self.session().await?;
        let begun = session.begin_sweep(at, i64::try_from(limit).unwrap_or(i64::MAX)).await;
        let expired = self.keep_if(session, begun).await?;
        let mut changes = Changes::default();
        for (place, entries) in &expired {
            changes.deletes.push(place);
            entries.iter().for_each(|entry| changes.removed.push(entry, place));
        }
        let Some(session) = self.session.take() else { return Ok(0) };
        let done =
            if changes.is_empty() { session.roll_back().await } else { session.commit(&changes, 0).await };
        self.keep_if(session, done).await?;
        Ok(expired.len())
    }

    /// The connection, made if need be.
    async fn session(&mut self) -> Result<Session, Broken> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        match Session::open(&self.connector).await {
            Ok(session) => {
                self.lost = None;
                Ok(session)
            }
            Err(error) => Err(Broken { cut: true, ..Broken::of(&error, &self.connector.place) }),
        }
    }

    /// Keeps the connection for what comes next; after an error only if it is still of use.
    async fn keep_if<R>(&mut self, session: Session, done: Result<R, Broken>) -> Result<R, Broken> {
        let usable = match &done {
            Ok(_) => true,
            Err(broken) => !broken.cut && session.roll_back().await.is_ok(),
        };
        if usable {
            self.session = Some(session);
        }
        done
    }
}
