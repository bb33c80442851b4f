use async_trait::async_trait;
use emporia_store::{LogBatch, LogHead, LogId, Position, Store, StoreError};

/// A log of events: one or several streams, each read by position. The store's own log is one; a bus is another.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// The streams there are.
    fn streams(&self) -> Vec<LogId>;

    /// Events after a position, at most `limit`; with `source`, only those of this source.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`]; [`StoreError::LogTrimmed`] when events after `after` are gone.
    async fn read(
        &self,
        log: &LogId,
        after: Position,
        limit: usize,
        source: Option<&str>,
    ) -> Result<LogBatch, StoreError>;

    /// The ends of a stream.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`].
    async fn head(&self, log: &LogId) -> Result<LogHead, StoreError>;

    /// Waits until the stream has an event after `position`; answers its last position.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`]; [`StoreError::Closed`] when the log closes.
    async fn wait(&self, log: &LogId, position: Position) -> Result<Position, StoreError>;
}

#[async_trait]
impl EventLog for Store {
    fn streams(&self) -> Vec<LogId> {
        self.logs()
    }

    async fn read(
        &self,
        log: &LogId,
        after: Position,
        limit: usize,
        source: Option<&str>,
    ) -> Result<LogBatch, StoreError> {
        self.read_log(log, after, limit, source).await
    }

    async fn head(&self, log: &LogId) -> Result<LogHead, StoreError> {
        self.log_head(log).await
    }

    async fn wait(&self, log: &LogId, position: Position) -> Result<Position, StoreError> {
        self.watch(log)?.beyond(position).await
    }
}
