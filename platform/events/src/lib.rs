#![doc = include_str!("../README.md")]

mod attempt;
mod cloud;
mod consumer;
mod envelope;
mod error;
mod following;
mod handler;
mod live;
mod log;
mod payload;
mod poison;
mod position;
mod worker;

pub use cloud::CloudEvent;
pub use consumer::{Consumer, ConsumerHandle, ConsumerOptions, LogStatus, Start};
pub use envelope::{Detail, Envelope, Metadata};
pub use error::EventError;
pub use following::{Bookmark, FollowError, Follower, Following};
pub use handler::{Handler, HandlerError};
pub use live::Live;
pub use log::EventLog;
pub use payload::{EventMeta, EventPayload, envelope};
pub use poison::{Poison, PoisonId};
pub use position::{Standing, standings};

pub use emporia_store::{LogBatch, LogHead, LogId, LogRecord, NewEvent, Position};

use emporia_store::SpaceSchema;

/// Declares what consumers keep in a space: their positions and the events they set aside.
///
/// `SpaceSchema::new("mirror").with(emporia_events::consumers)`
#[must_use]
pub fn consumers(schema: SpaceSchema) -> SpaceSchema {
    schema.collection::<position::Progress>().collection::<Poison>()
}
