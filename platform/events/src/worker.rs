//! The loop that takes one stream's events to the handler.

use crate::{
    Envelope, HandlerError, Poison,
    attempt::{Failure, Pending, Step},
    consumer::Shared,
};
use emporia_store::{LogBatch, LogId, Position, StoreError};
use rand::Rng;
use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// What a worker tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Everything up to here is handled, set aside or not wanted.
    pub(crate) handled: Position,
    pub(crate) paused: bool,
    /// Why it does not go on, until it does.
    pub(crate) stalled: Option<String>,
    /// The number of the last change from outside that it knows of.
    pub(crate) told: u64,
}

pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogId,
    pub(crate) report: watch::Sender<Report>,
    /// Counts changes of the position or the pause from outside.
    pub(crate) control: watch::Receiver<u64>,
    pub(crate) stop: watch::Receiver<bool>,
    /// When it told last how far behind it is, and how far.
    pub(crate) gauged: Option<(Instant, i64)>,
}

/// Where a worker is.
struct Place {
    /// The position in the store.
    stored: Position,
    /// How far it has really come: beyond the stored position lie only events that were not wanted.
    reached: Position,
}

/// The worker is told to stop.
struct Stopped;

/// After so many positions without a wanted event the stored position is moved all the same.
const STRIDE: i64 = 1_000;

/// How often a worker tells how far behind it is.
const GAUGE: Duration = Duration::from_secs(1);

impl Worker {
    /// Works until it is told to stop or the store closes; it stops between transactions.
    pub(crate) async fn run(mut self) {
        let Err(Stopped) = self.work().await;
    }

    async fn work(&mut self) -> Result<Infallible, Stopped> {
        loop {
            let mut place = self.load().await?;
            while let Some(next) = self.advance(&place).await? {
                place = next;
            }
        }
    }

    /// The stored position; waits while the consumer is paused.
    async fn load(&mut self) -> Result<Place, Stopped> {
        let mut tries = 0;
        loop {
            // First the count, then the position: a change between them is only read twice.
            let told = *self.control.borrow_and_update();
            let progress = match self.shared.progress(&self.log).await {
                Ok(progress) => progress,
                Err(error) => {
                    self.stall(&error, &mut tries).await?;
                    continue;
                }
            };
            let handled = progress.position;
            self.report.send_replace(Report { handled, paused: progress.paused, stalled: None, told });
            if !progress.paused {
                return Ok(Place { stored: handled, reached: handled });
            }
            self.until_told().await?;
        }
    }

    /// Reads and handles the next events. None: the stored position must be read again.
    async fn advance(&mut self, place: &Place) -> Result<Option<Place>, Stopped> {
        self.check_stop()?;
        if self.control.has_changed().map_err(|_| Stopped)? {
            return Ok(None);
        }
        let batch = match self.read(place.reached).await {
            Ok(batch) => batch,
            Err(error) => {
                self.stall(&error, &mut 0).await?;
                return Ok(None);
            }
        };
        if batch.next <= place.reached {
            return self.until_more(place).await;
        }
        let next = batch.next;
        let pending: Vec<Pending> = batch
            .records
            .into_iter()
            .filter(|record| self.shared.handler.wants(&record.source, &record.detail_type))
            .map(|record| {
                let event = Envelope::from_record(&record).map_err(|error| error.to_string());
                Pending { record, event }
            })
            .collect();
        let far = next.get().saturating_sub(place.stored.get()) >= STRIDE;
        let stored = if pending.is_empty() && !far {
            place.stored
        } else {
            match self.process(place.stored, next, &pending).await? {
                true => next,
                false => return Ok(None),
            }
        };
        self.report.send_modify(|report| {
            report.handled = next;
            report.stalled = None;
        });
        self.gauge(next).await;
        Ok(Some(Place { stored, reached: next }))
    }

    async fn read(&self, after: Position) -> Result<LogBatch, StoreError> {
        let options = &self.shared.options;
        self.shared.log.read(&self.log, after, options.batch.max(1), options.source.as_deref()).await
    }

    /// Handles the events in as few transactions as the store's limits and the handler's failures allow. False: the
    /// position was moved by somebody else.
    async fn process(&mut self, from: Position, to: Position, pending: &[Pending]) -> Result<bool, Stopped> {
        let (mut from, mut rest, mut size, mut waits) = (from, pending, pending.len(), 0);
        loop {
            self.check_stop()?;
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            // Behind the last wanted event the step goes on to the batch's end.
            let reached =
                if after.is_empty() { to } else { chunk.last().map_or(to, |last| last.record.position) };
            let step = Step { log: &self.log, from, to: reached };
            match self.shared.attempt(&step, chunk).await {
                Ok(()) => self.shared.count_handled(chunk.len()),
                Err(Failure::Superseded) => return Ok(false),
                Err(Failure::Store(error) | Failure::Event(_, HandlerError::Store(error)))
                    if is_fault(&error) =>
                {
                    self.stall(&error, &mut waits).await?;
                    continue;
                }
                // The events before the failing one first, then that one alone.
                Err(Failure::Event(at, _)) if chunk.len() > 1 => {
                    size = at.max(1);
                    continue;
                }
                // Too much for one transaction, or refused at its end: which event it was shows in smaller ones.
                Err(Failure::Store(_)) if chunk.len() > 1 => {
                    size = chunk.len() / 2;
                    continue;
                }
                Err(Failure::Event(_, error)) => {
                    if !self.insist(from, reached, chunk, error).await? {
                        return Ok(false);
                    }
                }
                Err(Failure::Store(error)) => {
                    if !self.insist(from, reached, chunk, error.into()).await? {
                        return Ok(false);
                    }
                }
            }
            if after.is_empty() {
                return Ok(true);
            }
            (from, rest, size) = (reached, after, after.len());
        }
    }

    /// Tries a single event again until it is handled or set aside. False: the position was moved by somebody else.
    async fn insist(
        &mut self,
        from: Position,
        to: Position,
        single: &[Pending],
        first: HandlerError,
    ) -> Result<bool, Stopped> {
        let log = self.log.clone();
        let step = Step { log: &log, from, to };
        let (mut error, mut attempts, mut waits) = (first, 1, 0);
        loop {
            match &error {
                HandlerError::Store(fault) if is_fault(fault) => self.stall(fault, &mut waits).await?,
                HandlerError::Temporary(_) | HandlerError::Store(_)
                    if attempts < self.shared.options.attempts =>
                {
                    self.pause_before_retry(attempts).await?;
                    attempts += 1;
                }
                _ => return self.give_up(&step, single, &error, attempts).await,
            }
            self.check_stop()?;
            error = match self.shared.attempt(&step, single).await {
                Ok(()) => {
                    self.shared.count_handled(single.len());
                    return Ok(true);
                }
                Err(Failure::Superseded) => return Ok(false),
                Err(Failure::Event(_, again)) => again,
                Err(Failure::Store(again)) => again.into(),
            };
        }
    }

    async fn give_up(
        &mut self,
        step: &Step<'_>,
        single: &[Pending],
        error: &HandlerError,
        attempts: u32,
    ) -> Result<bool, Stopped> {
        let at = self.shared.space.clock().now();
        let name = &self.shared.name;
        let poison =
            single.first().map(|p| Poison::new(name, step.log, &p.record, error.to_string(), attempts, at));
        if let Some(poison) = &poison {
            let (id, subject) = (&poison.id, &poison.subject);
            tracing::warn!(consumer = name, %id, subject, attempts, %error, "event set aside");
        }
        let mut waits = 0;
        loop {
            match self.shared.set_aside(step, poison.as_ref()).await {
                Ok(()) => {
                    self.shared.count_set_aside();
                    return Ok(true);
                }
                Err(Failure::Superseded) => return Ok(false),
                Err(Failure::Store(error) | Failure::Event(_, HandlerError::Store(error))) => {
                    self.stall(&error, &mut waits).await?;
                }
                // Nothing is handled here, so no event can fail.
                Err(Failure::Event(..)) => return Ok(false),
            }
        }
    }

    /// Waits for the log to grow, or for somebody to move the position.
    async fn until_more(&mut self, place: &Place) -> Result<Option<Place>, Stopped> {
        self.caught_up();
        let grown = tokio::select! {
            grown = self.shared.log.wait(&self.log, place.reached) => grown,
            told = self.control.changed() => return told.map(|()| None).map_err(|_| Stopped),
            _ = self.stop.wait_for(|stop| *stop) => return Err(Stopped),
        };
        match grown {
            Ok(_) => Ok(Some(Place { ..*place })),
            Err(error) => {
                self.stall(&error, &mut 0).await?;
                Ok(None)
            }
        }
    }

    async fn until_told(&mut self) -> Result<(), Stopped> {
        tokio::select! {
            told = self.control.changed() => told.map_err(|_| Stopped),
            _ = self.stop.wait_for(|stop| *stop) => Err(Stopped),
        }
    }

    /// Reports a fault that is nobody's event and waits before the next try, longer every time.
    async fn stall(&mut self, error: &StoreError, tries: &mut u32) -> Result<(), Stopped> {
        if matches!(error, StoreError::Closed) {
            return Err(Stopped);
        }
        let text = error.to_string();
        if self.report.borrow().stalled.as_ref() != Some(&text) {
            tracing::warn!(consumer = self.shared.name, log = %self.log, %error, "consumer stalled");
            self.report.send_modify(|report| report.stalled = Some(text));
        }
        if matches!(error, StoreError::LogTrimmed { .. }) {
            // No waiting brings back what is gone: somebody has to move the position.
            return self.until_told().await;
        }
        *tries += 1;
        self.pause_before_retry(*tries).await
    }

    async fn pause_before_retry(&mut self, attempt: u32) -> Result<(), Stopped> {
        let options = &self.shared.options;
        let doubled = options.backoff.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        let longest = doubled.min(options.longest_backoff);
        // Between half and whole, so that those who failed together do not come back together.
        let half = longest / 2;
        let jitter = rand::rng().random_range(0..=u64::try_from(half.as_nanos()).unwrap_or(u64::MAX));
        let wait = half.saturating_add(Duration::from_nanos(jitter));
        self.sleep(wait).await
    }

    async fn sleep(&mut self, wait: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            // Whoever moved the position or pauses the consumer need not wait for the next try.
            told = self.control.changed() => told.map_err(|_| Stopped),
            _ = self.stop.wait_for(|stop| *stop) => Err(Stopped),
        }
    }

    fn check_stop(&self) -> Result<(), Stopped> {
        if *self.stop.borrow() { Err(Stopped) } else { Ok(()) }
    }

    /// Tells how far behind it is, every second.
    async fn gauge(&mut self, handled: Position) {
        if self.gauged.is_some_and(|(at, _)| at.elapsed() < GAUGE) {
            return;
        }
        // The gauge is a courtesy: a log that cannot be asked shows up in the reading itself.
        if let Ok(head) = self.shared.log.head(&self.log).await {
            self.lags(head.last.get().saturating_sub(handled.get()));
        }
    }

    fn caught_up(&mut self) {
        if self.gauged.is_none_or(|(_, lag)| lag != 0) {
            self.lags(0);
        }
    }

    fn lags(&mut self, events: i64) {
        self.shared.gauge_lag(&self.log, events);
        self.gauged = Some((Instant::now(), events));
    }
}

/// Faults of the store itself, which are no event's: they are waited out.
const fn is_fault(error: &StoreError) -> bool {
    error.is_retryable() || matches!(error, StoreError::Closed | StoreError::Corrupt { .. })
}
