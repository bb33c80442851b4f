//! Faults that tests ask for.

use std::time::Duration;

use parking_lot::Mutex;

use crate::api::FaultsRequest;

/// What the next money-moving call suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    /// Answer 500, do nothing.
    Fail,
    /// Do the work, close the connection without an answer.
    Drop,
}

#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<FaultsRequest>);

impl Faults {
    /// Replaces what was asked for before.
    pub(crate) fn set(&self, request: FaultsRequest) {
        *self.0.lock() = request;
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.0.lock().latency_ms)
    }

    /// Takes the effect of the next call.
    pub(crate) fn take(&self) -> Effect {
        let mut faults = self.0.lock();
        if faults.fail_next > 0 {
            faults.fail_next -= 1;
            Effect::Fail
        } else if faults.drop_next > 0 {
            faults.drop_next -= 1;
            Effect::Drop
        } else {
            Effect::None
        }
    }
}
