//! Reading request bodies within limits.

use std::time::Duration;

use axum::body::{Body, Bytes};

use futures_util::StreamExt;

/// How long a client may take to send a body.
const TIME: Duration = Duration::from_secs(30);
/// How much of a body beyond its limit is read and dropped, in bytes.
const DROPPED_BYTES: usize = 16 << 20;
/// How long that may take.
const DROPPING_TIME: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the limit.
    #[error("The body is larger than {0} bytes.")]
    TooLarge(usize),
    /// It did not come in time.
    #[error("The body came too slowly.")]
    TooSlow,
    /// The connection broke.
    #[error("The body ended early.")]
    Cut,
}

/// Reads a body of at most `limit` bytes.
///
/// What comes beyond the limit is read and dropped for a while: a client that is still sending when the server closes
/// the connection sees a broken pipe instead of the answer that says what was wrong.
///
/// # Errors
/// [`BodyError`].
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    let all = async {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| BodyError::Cut)?;
            if read.len() + chunk.len() > limit {
                return Err(BodyError::TooLarge(limit));
            }
            read.extend_from_slice(&chunk);
        }
        Ok(())
    };
    match tokio::time::timeout(TIME, all).await.unwrap_or(Err(BodyError::TooSlow)) {
        Ok(()) => Ok(read.into()),
        Err(BodyError::TooLarge(limit)) => {
            let mut dropped = 0;
            let drop_rest = async {
                while let Some(Ok(chunk)) = chunks.next().await {
                    dropped += chunk.len();
                    if dropped > DROPPED_BYTES {
                        break;
                    }
                }
            };
            // Whether the rest came or not, the answer is the same.
            let _ = tokio::time::timeout(DROPPING_TIME, drop_rest).await;
            Err(BodyError::TooLarge(limit))
        }
        Err(error) => Err(error),
    }
}
