#![doc = include_str!("../README.md")]

mod error;
mod keys;
mod master;
mod sealed;
mod vault;

pub use error::VaultError;
pub use keys::backup;
pub use master::MasterKey;
pub use sealed::{PersonId, Sealed};
pub use vault::Vault;
