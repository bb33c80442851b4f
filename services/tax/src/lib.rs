#![doc = include_str!("../README.md")]

mod assessment;
mod commands;
mod graphql;
mod model;
mod projections;
mod service;
mod table;

pub use assessment::{Taxed, assess_lines};
pub use commands::RateRefusal;
pub use graphql::schema;
pub use model::{TaxRate, space};
pub use service::{TaxError, TaxService};
