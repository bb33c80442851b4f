//! Decisions of the checkout: pure functions.

pub(crate) mod delivery;
pub(crate) mod tenders;
