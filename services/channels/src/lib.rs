#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod projections;
mod service;

pub use graphql::schema;
pub use model::space;
pub use service::{ChannelsError, ChannelsService};
