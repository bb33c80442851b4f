#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod service;

pub use commands::MergeStrategy;
pub use graphql::schema;
pub use model::{Cart, CartLine, CartState, space};
pub use service::{CartError, CartsDeps, CartsService, LineRequest};
