#![doc = include_str!("../README.md")]

pub mod carts;
pub mod catalog;
pub mod catalogue;
pub mod channels;
pub mod checkout;
pub mod context;
pub mod customers;
pub mod fault;
pub mod ids;
mod instant;
pub mod inventory;
pub mod orders;
pub mod payments;
mod place;
pub mod pricing;
pub mod tax;
mod trouble;
pub mod values;

pub use context::{Actor, GuestKey, Owner, Principal, RequestContext};
pub use fault::Fault;
pub use place::{Place, PlaceError};
pub use trouble::Trouble;
