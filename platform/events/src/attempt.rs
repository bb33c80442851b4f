//! One transaction: some events handled, the position moved on.

use crate::{
    Envelope, HandlerError, Poison,
    consumer::Shared,
    position::{Progress, progress_key},
};
use emporia_store::{LogId, LogRecord, Position, StoreError, Tx};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;

/// An event that the handler wants; an unreadable one carries the reason.
pub(crate) struct Pending {
    pub(crate) record: LogRecord,
    pub(crate) event: Result<Envelope, String>,
}

/// The step from one stored position to the next.
pub(crate) struct Step<'a> {
    pub(crate) log: &'a LogId,
    pub(crate) from: Position,
    pub(crate) to: Position,
}

/// Why a step was not made.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The stored position is not the one this worker goes on from: somebody moved it, or another worker of the same
    /// name is at work.
    Superseded,
    /// The event at this place of the batch could not be handled.
    Event(usize, HandlerError),
    /// The transaction as a whole was refused.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Shared {
    /// Handles the events and moves the position, or does nothing.
    pub(crate) async fn attempt(&self, step: &Step<'_>, events: &[Pending]) -> Result<(), Failure> {
        self.space
            .transact(|tx| async move {
                self.take_step(&tx, step).await?;
                for (at, pending) in events.iter().enumerate() {
                    self.handle(pending, &tx).await.map_err(|error| Failure::Event(at, error))?;
                }
                Ok(())
            })
            .await
    }

    /// Sets an event aside and moves the position beyond it.
    pub(crate) async fn set_aside(&self, step: &Step<'_>, poison: Option<&Poison>) -> Result<(), Failure> {
        self.space
            .transact(|tx| async move {
                self.take_step(&tx, step).await?;
                if let Some(poison) = poison {
                    tx.overwrite(poison)?;
                }
                Ok(())
            })
            .await
    }

    async fn take_step(&self, tx: &Tx, step: &Step<'_>) -> Result<(), Failure> {
        let progress = tx.get::<Progress>(&progress_key(&self.name, step.log)).await?;
        let Some(mut progress) = progress.map(|found| found.value) else { return Err(Failure::Superseded) };
        if progress.position != step.from || progress.paused {
            return Err(Failure::Superseded);
        }
        progress.position = step.to;
        tx.put(&progress)?;
        Ok(())
    }

    async fn handle(&self, pending: &Pending, tx: &Tx) -> Result<(), HandlerError> {
        let event = pending.event.as_ref().map_err(|reason| HandlerError::Permanent(reason.clone()))?;
        // A handler that panics must not take the other events down with it.
        match AssertUnwindSafe(self.handler.handle(event, tx)).catch_unwind().await {
            Ok(handled) => handled,
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                Err(HandlerError::Permanent(format!("the handler panicked: {text}")))
            }
        }
    }
}
