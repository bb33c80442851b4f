#![doc = include_str!("../README.md")]

mod apply;
mod backend;
mod backup;
mod catalog;
mod database;
mod directory;
mod entries;
mod fault;
mod format;
mod housekeeping;
mod log;
mod options;
mod prepare;
mod read;
mod readers;
mod recent;
mod tail;
mod writer;

pub use backend::SqliteBackend;
pub use backup::{Manifest, backup, restore};
pub use directory::{check_unused, holds_data, make as make_directory};
pub use options::{Durability, Layout, SqliteOptions};

use emporia_store::{SpaceSchema, Store, StoreError};
use std::sync::Arc;

/// Opens a store on SQLite: takes the data directory, makes or opens its files, brings the spaces to their schemas.
///
/// # Errors
/// [`StoreError::Locked`] when another process owns the directory; [`StoreError::ReadOnly`], [`StoreError::Full`],
/// [`StoreError::Corrupt`], [`StoreError::NewerSchema`]; as [`Store::open`].
pub async fn open(options: SqliteOptions, schemas: Vec<SpaceSchema>) -> Result<Store, StoreError> {
    let clock = Arc::clone(options.shared_clock());
    let backend = SqliteBackend::open(options)?;
    Store::open(Arc::new(backend), schemas, clock).await
}
