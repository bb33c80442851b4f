use crate::{
    EventLog, Handler, HandlerError, Poison, PoisonId,
    position::{Progress, progress_key},
    worker::{Report, Worker},
};
use emporia_store::{LogId, Position, Space, StoreError, Tx};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// Where a consumer begins that has no position yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// With the first event.
    #[default]
    Zero,
    /// With the next event to come.
    Head,
    /// After these positions, as a snapshot tells them; streams that are not named begin with their first event.
    At(Vec<(LogId, Position)>),
}

/// How a consumer works.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Where it begins when it has no position yet.
    pub start: Start,
    /// Events read at once, and handled in one transaction if they fit: its back-pressure.
    pub batch: usize,
    /// How often a temporary failure is tried before the event is set aside.
    pub attempts: u32,
    /// The first wait before trying again; it doubles, with jitter.
    pub backoff: Duration,
    /// The longest wait.
    pub longest_backoff: Duration,
    /// Only events of this source.
    pub source: Option<String>,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self {
            start: Start::default(),
            batch: 32,
            attempts: 5,
            backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(30),
            source: None,
        }
    }
}

/// A consumer to be started: a name, the log it reads, the space it keeps its position and effects in, its handler.
pub struct Consumer {
    shared: Shared,
}

/// What all workers of a consumer share.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) space: Space,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) options: ConsumerOptions,
}

impl Consumer {
    /// The consumer `name`. The space must have been declared with [`crate::consumers`].
    pub fn new(name: impl Into<String>, log: Arc<dyn EventLog>, space: Space, handler: impl Handler) -> Self {
        let options = ConsumerOptions::default();
        Self { shared: Shared { name: name.into(), log, space, handler: Arc::new(handler), options } }
    }

    /// With other than the default options.
    #[must_use]
    pub fn options(mut self, options: ConsumerOptions) -> Self {
        self.shared.options = options;
        self
    }

    /// Starts one worker for each stream of the log, on the present runtime. When it returns, the consumer has its
    /// positions: with [`Start::Head`] it will see every event committed from now on.
    ///
    /// # Errors
    /// [`StoreError::Undeclared`] if the space was not declared with [`crate::consumers`]; what the store reports.
    pub async fn start(self) -> Result<ConsumerHandle, StoreError> {
        let shared = Arc::new(self.shared);
        let (control, _) = watch::channel(0);
        let (stop, _) = watch::channel(false);
        let mut workers = Vec::new();
        for log in shared.log.streams() {
            let Progress { position: handled, paused, .. } = shared.progress(&log).await?;
            let (report, reports) = watch::channel(Report { handled, paused, stalled: None, told: 0 });
            let worker = Worker {
                shared: Arc::clone(&shared),
                log: log.clone(),
                report,
                control: control.subscribe(),
                stop: stop.subscribe(),
                gauged: None,
            };
            workers.push((log, reports, worker));
        }
        let workers = workers.into_iter();
        let workers = workers.map(|(log, reports, w)| Running { log, reports, task: tokio::spawn(w.run()) });
        Ok(ConsumerHandle { shared, control, stop, workers: workers.collect() })
    }
}

struct Running {
    log: LogId,
    reports: watch::Receiver<Report>,
    task: JoinHandle<()>,
}

/// A running consumer. When the handle is dropped, its workers stop after their present transaction.
pub struct ConsumerHandle {
    shared: Arc<Shared>,
    control: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    workers: Vec<Running>,
}

/// How a consumer stands in one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStatus {
    /// The stream.
    pub log: LogId,
    /// Everything up to here is handled, set aside or not wanted.
    pub handled: Position,
    /// The stream's last position.
    pub last: Position,
    /// Whether it is paused.
    pub paused: bool,
    /// Why it does not go on; none while it does.
    pub stalled: Option<String>,
}

impl ConsumerHandle {
    /// The consumer's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Stops handling events until [`ConsumerHandle::resume`], also after a restart and in every other process. When it
    /// returns, no event is being handled by this handle's workers.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn pause(&self) -> Result<(), StoreError> {
        self.change(None, |progress| progress.paused = true).await
    }

    /// Goes on after [`ConsumerHandle::pause`].
    ///
    /// # Errors
    /// What the store reports.
    pub async fn resume(&self) -> Result<(), StoreError> {
        self.change(None, |progress| progress.paused = false).await
    }

    /// Goes on after this position of a stream, back or forth. Going back repeats effects: the handler has to bear it.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`]; what the store reports.
    pub async fn rewind(&self, log: &LogId, to: Position) -> Result<(), StoreError> {
        if self.workers.iter().all(|worker| worker.log != *log) {
            return Err(StoreError::UnknownLog { log: log.to_string() });
        }
        self.change(Some(log), move |progress| progress.position = to).await
    }

    async fn change(
        &self,
        only: Option<&LogId>,
        change: impl Fn(&mut Progress) + Send + Sync,
    ) -> Result<(), StoreError> {
        let (shared, change) = (&self.shared, &change);
        for worker in self.workers.iter().filter(|worker| only.is_none_or(|log| worker.log == *log)) {
            // Makes the position first if there is none.
            shared.progress(&worker.log).await?;
            let key = &progress_key(&shared.name, &worker.log);
            let changed = shared.space.transact(|tx: Tx| async move {
                if let Some(mut progress) = tx.get::<Progress>(key).await? {
                    change(&mut progress.value);
                    tx.put(&progress.value)?;
                }
                Ok::<_, StoreError>(())
            });
            changed.await?;
        }
        self.control.send_modify(|count| *count += 1);
        let told = *self.control.borrow();
        for worker in &self.workers {
            // An error means that the worker has ended: it handles nothing either.
            let _ = worker.reports.clone().wait_for(|report| report.told >= told).await;
        }
        Ok(())
    }

    /// How it stands in every stream.
    ///
    /// # Errors
    /// What the log reports.
    pub async fn status(&self) -> Result<Vec<LogStatus>, StoreError> {
        let mut all = Vec::with_capacity(self.workers.len());
        for worker in &self.workers {
            let last = self.shared.log.head(&worker.log).await?.last;
            let Report { handled, paused, stalled, .. } = worker.reports.borrow().clone();
            all.push(LogStatus { log: worker.log.clone(), handled, last, paused, stalled });
        }
        Ok(all)
    }

    /// Positions that are still to be handled, over all streams: zero when it has caught up.
    ///
    /// # Errors
    /// What the log reports.
    pub async fn lag(&self) -> Result<u64, StoreError> {
        let status = self.status().await?;
        let open = status.iter().map(|s| s.last.get().saturating_sub(s.handled.get()));
        Ok(open.map(|open| u64::try_from(open).unwrap_or(0)).sum())
    }

    /// Waits until everything that is in the log now has been handled.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the consumer stops before; what the log reports.
    pub async fn caught_up(&self) -> Result<(), StoreError> {
        for worker in &self.workers {
            let last = self.shared.log.head(&worker.log).await?.last;
            let mut reports = worker.reports.clone();
            reports.wait_for(|report| report.handled >= last).await.map_err(|_| StoreError::Closed)?;
        }
        Ok(())
    }

    /// Events set aside, at most `limit` (1 to 1,000), after `after`.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn poison(&self, after: Option<&PoisonId>, limit: usize) -> Result<Vec<Poison>, StoreError> {
        self.shared.list_poison(after, limit).await
    }

    /// Handles an event that was set aside once more and takes it off the list if that succeeds; else its reason and
    /// count of attempts are brought up to date.
    ///
    /// # Errors
    /// What the handler says; [`HandlerError::Permanent`] if no such event is set aside.
    pub async fn redrive(&self, id: &PoisonId) -> Result<(), HandlerError> {
        self.shared.redrive(id).await
    }

    /// Stops after the present transactions and waits for it.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            // A worker that panicked has reported it itself.
            let _ = worker.task.await;
        }
    }
}

impl Drop for ConsumerHandle {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Shared {
    pub(crate) fn gauge_lag(&self, log: &LogId, lag: i64) {
        let labels = [("consumer", self.name.clone()), ("log", log.to_string())];
        metrics::gauge!("emporia_consumer_lag", &labels).set(lag as f64);
    }

    pub(crate) fn count_handled(&self, events: usize) {
        metrics::counter!("emporia_consumer_events_total", "consumer" => self.name.clone())
            .increment(events as u64);
    }

    pub(crate) fn count_set_aside(&self) {
        metrics::counter!("emporia_consumer_set_aside_total", "consumer" => self.name.clone()).increment(1);
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ConsumerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsumerHandle").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
