//! The sample retailer: channels, locations, tax, delivery, assortment, customers, staff.

mod assortment;
mod examples;
mod generator;
mod seed;
mod welcome;

pub use examples::examples;
pub use seed::{DEMO_PASSWORD, SeedError, seed};
pub use welcome::welcome;
