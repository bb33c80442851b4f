#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod roles;
mod service;

pub use commands::{AccountRefusal, AddressChange, OperatorRefusal, ProfileChange};
pub use graphql::schema;
pub use model::{AddressBook, BookEntry, Profile, space};
pub use roles::{roles, scopes};
pub use service::{
    CustomerView, CustomersDeps, CustomersError, CustomersOptions, CustomersService, IdentifyError,
    OperatorView, Registration, SignedIn, Who,
};
