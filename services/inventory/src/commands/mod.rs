//! Decisions of the stock room: pure functions.

pub(crate) mod counting;
pub mod sourcing;
