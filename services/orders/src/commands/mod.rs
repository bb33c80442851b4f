//! Decisions about orders: pure functions.

pub(crate) mod fulfilling;
pub(crate) mod returning;
pub(crate) mod shares;

/// Lines that one operation may touch, and an order may have: with documents and events they fit one transaction.
pub(crate) const LINES_AT_ONCE: usize = 1_500;
