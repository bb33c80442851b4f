use crate::{Envelope, EventError};
use async_trait::async_trait;
use emporia_store::{StoreError, Tx};

/// What a consumer does with events.
///
/// Effects go through `tx`, so that they are committed together with the consumer's position: each event has its
/// effect once. The handler may run several times for one event; it must not act on the world outside of `tx`.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Whether events of this kind are handled at all; the others are passed over without a transaction.
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        let _ = (source, detail_type);
        true
    }

    /// Handles one event.
    ///
    /// # Errors
    /// [`HandlerError::Permanent`] when trying again is of no use: the event is set aside at once;
    /// [`HandlerError::Temporary`] when it may help: it is tried again some times before.
    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError>;
}

/// Why an event could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    /// Trying again is of no use.
    #[error("{0}")]
    Permanent(String),
    /// Trying again may help.
    #[error("{0}")]
    Temporary(String),
    /// The store refused. Faults of the store itself (no room, not available) are waited out; refusals of what the
    /// handler asked for are tried again as temporary ones.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EventError> for HandlerError {
    /// An event that cannot be read will not be readable later.
    fn from(error: EventError) -> Self {
        Self::Permanent(error.to_string())
    }
}
