use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use std::sync::Arc;

/// The time as a value: services never ask the system themselves.
pub trait Clock: Send + Sync + 'static {
    /// The present instant (UTC).
    fn now(&self) -> Timestamp;
}

/// A clock that many rooms share.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved: for tests, and for replaying history at its own time.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// A clock that shows `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Shows `at` from now on.
    pub fn set(&self, at: Timestamp) {
        *self.0.lock() = at;
    }

    /// Moves the clock on; it stops at the end of representable time.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock();
        *now = now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}
