#![doc = include_str!("../README.md")]

mod backend;
mod catalog;
mod changes;
mod connect;
mod decide;
mod entries;
mod fault;
mod follow;
mod format;
mod gather;
mod log;
mod options;
mod prepare;
mod read;
mod readers;
mod session;
mod writer;

pub use backend::PostgresBackend;
pub use options::PostgresOptions;

use emporia_store::{SpaceSchema, Store, StoreError};
use std::sync::Arc;

/// Opens a store on a PostgreSQL database: makes its tables or brings them forward, brings the spaces to their schemas.
///
/// # Errors
/// [`StoreError::Unusable`] when the server refuses us or is not one that can hold a store;
/// [`StoreError::Unavailable`], [`StoreError::ReadOnly`], [`StoreError::NewerSchema`]; as [`Store::open`].
pub async fn open(options: PostgresOptions, schemas: Vec<SpaceSchema>) -> Result<Store, StoreError> {
    let clock = Arc::clone(options.shared_clock());
    let backend = PostgresBackend::open(options).await?;
    Store::open(Arc::new(backend), schemas, clock).await
}
