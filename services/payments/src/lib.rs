#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod projections;
mod service;

pub use graphql::schema;
pub use model::{Entry, EntryKind, Payment, space};
pub use projections::PaymentsFollowOrders;
pub use service::{PaymentsService, WebhookError};
