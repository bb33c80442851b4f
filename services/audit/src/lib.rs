#![doc = include_str!("../README.md")]

mod graphql;
mod opened;

pub use graphql::schema;
pub use opened::{Reader, opened};
