#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod projections;
mod service;
mod subscription;

pub use commands::sourcing::{Level, Plan, plan};
pub use graphql::schema;
pub use model::{CountTask, Location, LocationKind, Movement, StockLevel, StockPolicy, space};
pub use projections::StockFollowsOrders;
pub use service::{InventoryError, InventoryService, ReservedStock, SetStockLevel};
