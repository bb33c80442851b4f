use crate::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use tokio::sync::watch;
use uuid::Uuid;

/// Name of a log. A store has one log, or one per space: see [`crate::Store::logs`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(String);

impl LogId {
    /// The log with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a log. Positions grow; they need not be without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(i64);

impl Position {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The position with this number.
    pub const fn from_i64(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A committed event.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// Where it stands in its log.
    pub position: Position,
    /// Counts the events of one source and subject from 1, without gaps.
    pub sequence: u64,
    /// The event's own id.
    pub id: Uuid,
    /// Who told it.
    pub source: String,
    /// What happened.
    pub detail_type: String,
    /// What it happened to.
    pub subject: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The facts, as JSON.
    pub body: Box<RawValue>,
}

/// What one reading of a log brought.
#[derive(Debug, Clone)]
pub struct LogBatch {
    /// The events in the order of their positions.
    pub records: Vec<LogRecord>,
    /// Read on after this position. With a filter it may be beyond the last record.
    pub next: Position,
}

/// The ends of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// Events up to and with this position were trimmed away; zero if none.
    pub trimmed: Position,
    /// The last event's position; zero if there was none yet.
    pub last: Position,
}

/// Wakes a reader when a log has grown.
#[derive(Debug, Clone)]
pub struct LogWatch(watch::Receiver<Position>);

impl LogWatch {
    /// Follows `head`, which a backend moves after every commit that brought events.
    pub fn new(head: watch::Receiver<Position>) -> Self {
        Self(head)
    }

    /// The last position known.
    pub fn last(&self) -> Position {
        *self.0.borrow()
    }

    /// Waits until the log has an event after `position` and returns the log's last position.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the store closes.
    pub async fn beyond(&mut self, position: Position) -> Result<Position, StoreError> {
        self.0.wait_for(|last| *last > position).await.map(|last| *last).map_err(|_| StoreError::Closed)
    }
}
