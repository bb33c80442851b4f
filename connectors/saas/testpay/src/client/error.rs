//! What a failed call says about its outcome.

use std::time::Duration;

use crate::api::Problem;

/// Why a call has no result. What a merchant may do next depends on which of the four it is.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The provider decided: it was not done, and the same call with the same key will not be.
    #[error("refused by the payment provider: {} ({})", .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// The provider takes no such call now, for a reason that is not this payment's: the key is wrong (401, 403), the
    /// address or the authorisation is not known there (404), too many calls (429). It was definitely not done. Put the
    /// cause right, or wait, and try again with the same key.
    #[error("payment provider not available: {status} {code}", status = problem.status, code = problem.code)]
    Unavailable {
        /// What it answered.
        problem: Box<Problem>,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The call never left: it was definitely not done. Try again with the same key.
    #[error("payment provider not reached: {0}")]
    NotReached(String),
    /// It may or may not have been done (no answer in time, connection lost, 5xx). Repeat it with the same key, look
    /// it up by its reference, or wait for the webhook; never start anew with another key.
    #[error("outcome at the payment provider unknown: {0}")]
    Unknown(String),
}

impl ClientError {
    /// The problem's code when the provider answered with one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) | Self::Unavailable { problem, .. } => Some(&problem.code),
            Self::NotReached(_) | Self::Unknown(_) => None,
        }
    }

    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        // Neither a failed connection nor a request that could not be built has sent anything.
        if error.is_connect() || error.is_builder() {
            return Self::NotReached(describe(error));
        }
        Self::Unknown(describe(error))
    }
}

/// The error with its causes, without the address, which holds ids.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the payment provider's client cannot be set up: {0}")]
pub struct SetupError(pub(super) String);
