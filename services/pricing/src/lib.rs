#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod projections;
mod service;
mod source;
mod table;

pub use commands::{Expected, PriceRefusal, PriceSetting, SetPrice};
pub use graphql::schema;
pub use model::space;
pub use service::{PricingError, PricingService};
pub use source::PriceSource;
pub use table::ScheduledPrice;
