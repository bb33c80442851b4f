#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod projections;
mod service;

pub use graphql::schema;
pub use model::{Checkout, CheckoutState, DeliveryOption, DeliveryRate, Tender, space};
pub use service::{CheckoutDeps, CheckoutError, CheckoutService, Progress, StartCheckout};
