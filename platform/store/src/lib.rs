#![doc = include_str!("../README.md")]

mod backend;
mod body;
mod changes;
mod cursor;
mod document;
mod error;
mod event;
mod index;
mod key;
pub mod limits;
mod log;
mod once;
mod query;
mod schema;
mod space;
mod store;
mod tally;
mod transact;
mod tx;
mod upgrade;
mod witness;

#[cfg(feature = "contract")]
pub mod contract;

pub use backend::{
    Backend, CollectionDeclaration, Commit, Committed, Declared, DocumentOp, DocumentWrite, Expect,
    IndexDeclaration, Phase, RawChildren, RawDocument, RawEntry, RawPage, RawPut, RawQuery, SpaceDeclaration,
    TallyDeclaration, TallyWrite, Window,
};
pub use body::Body;
pub use cursor::{Cursor, CursorPosition};
pub use document::{Document, Version, Versioned};
pub use error::StoreError;
pub use event::NewEvent;
pub use index::{IndexEntry, IndexKey};
pub use key::Key;
pub use log::{LogBatch, LogHead, LogId, LogRecord, LogWatch, Position};
pub use once::{Once, Outcome};
pub use query::{Children, KeyPage, Page, Query};
pub use schema::{Forward, SpaceSchema, Testimony};
pub use space::Space;
pub use store::Store;
pub use tally::{FieldChange, Tally, TallyChange, TallyKey};
pub use transact::Landed;
pub use tx::Tx;
pub use witness::{Change, Witness, carried, witnessed};
