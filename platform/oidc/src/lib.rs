#![doc = include_str!("../README.md")]

mod error;
mod http;
mod issuer;
mod keys;
mod provider;

pub use error::{OidcError, SetupError};
pub use issuer::Issuer;
pub use provider::{Identity, Journey, Provider, ProviderOptions};
