//! Decisions about orders: pure functions.

pub(crate) mod fulfilling;
pub(crate) mod returning;
pub(crate) mod shares;
