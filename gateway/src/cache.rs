//! Answers that are kept: whole, for everybody who may have the same one, until they are too old or something in them
//! changed.
//!
//! What may be kept is declared in the schema (`@cacheControl`), as is what an answer depends on (`@cacheTag`).

mod flights;
mod format;
mod hints;
mod kept;
mod shelf;
mod tags;

pub(crate) use flights::Flights;
pub use hints::HintError;
pub(crate) use hints::{DEFINITIONS, Hints, Keeping, is_ours};
pub use kept::Kept;
pub(crate) use shelf::{Filling, Key, Shelf};
pub(crate) use tags::{TagSet, Tags};

use std::time::Duration;

use async_trait::async_trait;

/// How long a question waits for purges under way; then it is answered anew.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// Whoever calls [`Gateway::purge`](crate::Gateway::purge) for what changed behind the gateway, asked before a kept
/// answer is given: so nobody gets an answer from before a change that was acknowledged.
#[async_trait]
pub trait Changes: Send + Sync + 'static {
    /// Whether everything that has changed by now is purged.
    fn heard(&self) -> bool;

    /// Waits until it is.
    async fn hear(&self);
}
