#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod projections;
mod service;

pub use graphql::schema;
pub use model::{
    Fulfilment, FulfilmentState, LedgerEntry, LedgerKind, Order, OrderLine, OrderStatus, ReturnDocument,
    TimelineEntry, Units, space,
};
pub use projections::OrdersFollowPayments;
pub use service::{
    CancelLines, CreateFulfilment, OrderError, OrderQuery, OrdersService, Shipment, order_lines,
};
