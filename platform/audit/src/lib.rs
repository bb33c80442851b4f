#![doc = include_str!("../README.md")]

mod author;
mod chain;
mod difference;
mod entry;
mod log;
mod sealer;
mod verify;

pub use author::Author;
pub use chain::{ChainKey, Link};
pub use difference::is_sealed;
pub use entry::{Changed, Entry, WriteRecorded};
pub use log::{AuditLog, Filter, Recorded};
pub use sealer::Sealer;
pub use verify::{Break, Fault, Verification, verify};

use emporia_store::SpaceSchema;

/// Name of the space that keeps the chain.
pub const SPACE: &str = "audit";

/// Declares what every space keeps whose writes are recorded: `SpaceSchema::new("notes").with(emporia_audit::recorded)`.
#[must_use]
pub fn recorded(schema: SpaceSchema) -> SpaceSchema {
    schema.collection::<Entry>()
}

/// The space of the chain.
pub fn space() -> SpaceSchema {
    SpaceSchema::new(SPACE)
        .schema(1)
        .collection::<Link>()
        .unique("by_entry")
        .index("by_who")
        .index("by_subject")
        .with(emporia_events::consumers)
}
