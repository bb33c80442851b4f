use crate::{Key, TallyKey};
use std::path::PathBuf;

/// What the store refuses or cannot do. Each variant says what the caller may do about it.
///
/// Nothing of a transaction that ended in an error is applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A document changed between reading and commit. `transact` runs the closure again; callers see it only when
    /// they commit by hand.
    #[error("{key} changed while the transaction ran")]
    Conflict {
        /// The document.
        key: Box<Key>,
    },
    /// The closure was run as often as allowed and lost every time. Try again later.
    #[error("{key} is written by too many at once: gave up after {attempts} attempts")]
    Contention {
        /// The document that was in the way last.
        key: Box<Key>,
        /// How often the closure ran.
        attempts: u32,
    },
    /// `insert` found a document. Read it and decide again.
    #[error("{key} exists already")]
    AlreadyExists {
        /// The document.
        key: Box<Key>,
    },
    /// `put` of a document that the transaction never read. Read it first, or say `insert` or `overwrite`.
    #[error("{key} was not read in this transaction: read it before put, or use insert or overwrite")]
    PutWithoutRead {
        /// The document.
        key: Box<Key>,
    },
    /// Another document has this entry of a unique index. Choose another value.
    #[error("index {index} has {value} already, for {key}")]
    Duplicate {
        /// The unique index.
        index: String,
        /// The entry, readable.
        value: String,
        /// The document that has it.
        key: Box<Key>,
    },
    /// A tally's field would be below its floor. Ask for less.
    #[error("{field} of {key} is {value}; adding {change} would leave it below {floor}")]
    BelowFloor {
        /// The tally.
        key: Box<TallyKey>,
        /// The field.
        field: String,
        /// The field's value when the transaction was refused.
        value: i64,
        /// What was to be added.
        change: i64,
        /// The least value allowed.
        floor: i64,
    },
    /// A tally's field would leave the range of 64 bits. Ask for less.
    #[error("{field} of {key} would leave the range of 64-bit numbers")]
    Overflow {
        /// The tally.
        key: Box<TallyKey>,
        /// The field.
        field: String,
    },
    /// The idempotency key was used before for another request. Use a new key.
    #[error("idempotency key {key} of {scope} was used before with a different request")]
    IdempotencyKeyReused {
        /// The scope.
        scope: String,
        /// The key.
        key: String,
    },
    /// The transaction has too many operations. Split it.
    #[error("the transaction has {count} operations, at most {limit} are allowed")]
    TooManyOperations {
        /// Operations asked for.
        count: usize,
        /// Operations allowed.
        limit: usize,
    },
    /// Something is too large. Split it.
    #[error("{what} has {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its bytes.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The key is malformed.
    #[error("the key {key:?} is not allowed: {reason}")]
    BadKey {
        /// The key, shortened.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The cursor's text is damaged, or it belongs to another query.
    #[error("this is not a cursor of this list: {reason}")]
    BadCursor {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The query contradicts itself or asks for too much.
    #[error("this query is not possible: {reason}")]
    BadQuery {
        /// What is wrong with it.
        reason: String,
    },
    /// The space, collection, index, tally or field was not declared in the schema. A programming error.
    #[error("{what} is not declared in the schema of {space}")]
    Undeclared {
        /// The space.
        space: String,
        /// What is missing.
        what: String,
    },
    /// A schema contradicts itself or what is stored. A programming error.
    #[error("the schema of {space} is not possible: {reason}")]
    BadSchema {
        /// The space.
        space: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A stored document or result does not have the form that its type expects. Needs a migration.
    #[error("{key} cannot be read as its type: {reason}")]
    Undecodable {
        /// The document.
        key: Box<Key>,
        /// Where and why.
        reason: String,
    },
    /// A value cannot be written as JSON. A programming error.
    #[error("{what} cannot be written as JSON: {reason}")]
    Unencodable {
        /// The document or event.
        what: String,
        /// Why.
        reason: String,
    },
    /// A transaction's handle was used after its closure had returned. A programming error.
    #[error("the transaction has ended")]
    Ended,
    /// There is no room on the disk. Make room; the store goes on by itself.
    #[error("no room on the disk: {detail}")]
    Full {
        /// Where.
        detail: String,
    },
    /// The data directory or file cannot be written. Mend its rights or mount; the store goes on by itself.
    #[error("the data cannot be written: {detail}")]
    ReadOnly {
        /// Where.
        detail: String,
    },
    /// The file is damaged. Restore a backup.
    #[error("the data is damaged: {detail}; restore a backup")]
    Corrupt {
        /// Where and what.
        detail: String,
    },
    /// The data was written by a newer release. Start that release, or restore an older backup.
    #[error("{what} was written by a newer release: it has schema {stored}, this release knows {known}")]
    NewerSchema {
        /// The space, or the file.
        what: String,
        /// The schema number found.
        stored: u32,
        /// The schema number this program knows.
        known: u32,
    },
    /// Another process owns the data directory. Stop it, or speak to it.
    #[error("{} is in use by process {owner}: stop it first, or choose another data directory", directory.display())]
    Locked {
        /// The directory.
        directory: PathBuf,
        /// The owner's process id, or "unknown".
        owner: String,
    },
    /// The directory cannot be used as asked: another layout, or not empty where it must be.
    #[error("{} cannot be used: {reason}", directory.display())]
    BadDirectory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        reason: String,
    },
    /// The database server refuses us or is not one that can hold a store: who we are, which database, which server.
    /// Mend the settings; trying again does not help.
    #[error("{what} cannot be used: {reason}")]
    Unusable {
        /// The server and database, without password.
        what: String,
        /// Why.
        reason: String,
    },
    /// There is no such log.
    #[error("there is no log named {log}")]
    UnknownLog {
        /// The name asked for.
        log: String,
    },
    /// The log no longer has the events asked for. Take a snapshot from the owner and go on from there.
    #[error("log {log} begins after position {trimmed}: the events after {after} are gone")]
    LogTrimmed {
        /// The log.
        log: String,
        /// The position read from.
        after: i64,
        /// Events up to here are gone.
        trimmed: i64,
    },
    /// The store is closed or closing.
    #[error("the store is closed")]
    Closed,
    /// The engine failed in a way that may pass. Try again; whether the transaction was applied is not known.
    #[error("the store is not available: {detail}")]
    Unavailable {
        /// What the engine said.
        detail: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without the caller changing anything.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Conflict { .. }
                | Self::Contention { .. }
                | Self::Full { .. }
                | Self::ReadOnly { .. }
                | Self::Unavailable { .. }
        )
    }
}
