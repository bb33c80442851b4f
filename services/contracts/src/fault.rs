//! What is nobody's refusal: a room that does not answer.

use serde::{Deserialize, Serialize};

/// A call failed for a reason that the shopper cannot put right: the store, the network, the disk. The caller may try
/// again with the same idempotency key; the message is for the log, not for the shopper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{room}: {message}")]
pub struct Fault {
    /// The room that failed.
    pub room: String,
    /// What happened.
    pub message: String,
    /// Whether trying again may help.
    pub transient: bool,
}

impl Fault {
    /// A fault of `room` that may pass.
    pub fn transient(room: &str, message: impl std::fmt::Display) -> Self {
        Self { room: room.into(), message: message.to_string(), transient: true }
    }

    /// A fault of `room` that trying again does not mend.
    pub fn permanent(room: &str, message: impl std::fmt::Display) -> Self {
        Self { room: room.into(), message: message.to_string(), transient: false }
    }
}
