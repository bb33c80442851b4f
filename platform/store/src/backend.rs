//! What an engine implements. Everything typed sits above it, once.

use crate::{
    Body, CursorPosition, FieldChange, IndexKey, Key, LogBatch, LogHead, LogId, LogWatch, NewEvent, Position,
    StoreError, Tally, TallyKey, Version,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a space declares of itself, in the form an engine stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceDeclaration {
    /// Name of the space: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Number of the schema that its documents are written in.
    pub schema: u32,
    /// Its collections.
    pub collections: Vec<CollectionDeclaration>,
    /// Its kinds of tallies.
    pub tallies: Vec<TallyDeclaration>,
}

/// A collection and its indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionDeclaration {
    /// Name of the collection.
    pub name: String,
    /// Its indexes.
    pub indexes: Vec<IndexDeclaration>,
}

/// An index of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDeclaration {
    /// Name of the index.
    pub name: String,
    /// Whether two documents may not have the same entry.
    pub unique: bool,
    /// Grows when the entries are computed differently; then the index is built again.
    pub revision: u32,
}

/// A kind of tally.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyDeclaration {
    /// Name of the kind.
    pub name: String,
    /// Its fields, at most [`crate::limits::TALLY_FIELDS`]. Later releases add at the end.
    pub fields: Vec<String>,
}

/// What a space declared before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared {
    /// The declaration that all documents fit; none for a new space.
    pub settled: Option<SpaceDeclaration>,
    /// A declaration whose rewriting was begun and not ended: some documents fit this one.
    pub begun: Option<SpaceDeclaration>,
}

/// How far a declaration has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Documents are being rewritten: it becomes [`Declared::begun`].
    Begin,
    /// All documents fit it: it becomes [`Declared::settled`], and nothing is begun.
    Settle,
}

/// A stored document.
#[derive(Debug, Clone)]
pub struct RawDocument {
    /// Where it lives.
    pub key: Key,
    /// Its version.
    pub version: Version,
    /// The schema it was written in.
    pub schema: u32,
    /// Its JSON.
    pub body: Body,
}

/// A slice of an ordered list, in ascending terms: above and below exclude the places themselves.
#[derive(Debug, Clone)]
pub struct Window {
    /// Only entries greater than this place.
    pub above: Option<CursorPosition>,
    /// Only entries less than this place.
    pub below: Option<CursorPosition>,
    /// Read from the greatest down.
    pub descending: bool,
    /// At most so many.
    pub limit: usize,
}

/// A range of an index. Entries are ordered by index key, then partition, then sort text, each by its bytes.
#[derive(Debug, Clone)]
pub struct RawQuery {
    /// The collection.
    pub collection: String,
    /// The index.
    pub index: String,
    /// Only index keys that are at least this.
    pub lower: Vec<u8>,
    /// Only index keys below this.
    pub upper: Option<Vec<u8>>,
    /// Which slice.
    pub window: Window,
    /// Leave the documents out.
    pub keys_only: bool,
    /// Documents that expire at or before this instant are invisible.
    pub at: Timestamp,
}

/// A range of the children of one partition, ordered by the bytes of their sort texts.
#[derive(Debug, Clone)]
pub struct RawChildren {
    /// The collection.
    pub collection: String,
    /// The partition.
    pub partition: String,
    /// Only sort texts that are at least this.
    pub from: String,
    /// Only sort texts below this.
    pub to: Option<String>,
    /// Read from the greatest down.
    pub descending: bool,
    /// At most so many.
    pub limit: usize,
    /// Documents that expire at or before this instant are invisible.
    pub at: Timestamp,
}

/// One entry of a page.
#[derive(Debug, Clone)]
pub struct RawEntry {
    /// Its place in the list.
    pub place: CursorPosition,
    /// The document, unless only keys were wanted.
    pub document: Option<RawDocument>,
}

/// What a range brought.
#[derive(Debug, Clone)]
pub struct RawPage {
    /// In the order of reading.
    pub entries: Vec<RawEntry>,
    /// Whether the range goes on.
    pub has_more: bool,
}

/// A transaction to be committed, all or nothing.
#[derive(Debug)]
pub struct Commit {
    /// The space.
    pub space: std::sync::Arc<str>,
    /// The instant of the commit: documents that expire at or before it count as absent.
    pub at: Timestamp,
    /// Documents written or guarded; each key once.
    pub documents: Vec<DocumentWrite>,
    /// Tallies changed; each key once.
    pub tallies: Vec<TallyWrite>,
    /// Events, in order.
    pub events: Vec<NewEvent>,
}

/// What happens to one document.
#[derive(Debug)]
pub struct DocumentWrite {
    /// The document.
    pub key: Key,
    /// What must be true of it before.
    pub expect: Expect,
    /// What is done.
    pub op: DocumentOp,
}

/// What must be true of a document for a transaction to be applied; else [`StoreError::Conflict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Any,
    /// There is no such document, or it has expired.
    Absent,
    /// It has this version.
    At(Version),
}

/// What is done to a document.
#[derive(Debug)]
pub enum DocumentOp {
    /// Nothing: the expectation alone guards the transaction.
    Guard,
    /// It is written.
    Put(RawPut),
    /// It is removed, if it is there.
    Delete,
}

/// A document to be written.
#[derive(Debug, Clone)]
pub struct RawPut {
    /// The schema it is written in.
    pub schema: u32,
    /// Its JSON.
    pub body: Body,
    /// All its index entries (index name, key); they replace those it had.
    pub entries: Vec<(String, IndexKey)>,
    /// When it expires.
    pub expires: Option<Timestamp>,
}

/// Changes to one tally.
#[derive(Debug)]
pub struct TallyWrite {
    /// The tally.
    pub key: TallyKey,
    /// Each field once.
    pub fields: Vec<FieldChange>,
}

/// What a commit brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The version that every document written by the transaction has now.
    pub version: Version,
}

/// A storage engine.
///
/// The promises behind every method are those of the contract suite (`contract`, feature of the same name).
/// Errors are [`StoreError`] throughout; a method that met a passing fault of the engine answers
/// [`StoreError::Unavailable`], [`StoreError::Full`] or [`StoreError::ReadOnly`] and works again when it is gone.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Name of the engine, for messages.
    fn name(&self) -> &'static str;

    /// What these spaces declared before, in the order asked for.
    async fn declared(&self, spaces: &[&str]) -> Result<Vec<Declared>, StoreError>;

    /// Makes room for the collections, indexes and tallies of these spaces and remembers the declarations in `phase`.
    async fn declare(&self, spaces: &[SpaceDeclaration], phase: Phase) -> Result<(), StoreError>;

    /// Documents by key, in the order asked for, from one snapshot as far as the engine has such a thing.
    async fn get(
        &self,
        space: &str,
        keys: &[Key],
        at: Timestamp,
    ) -> Result<Vec<Option<RawDocument>>, StoreError>;

    /// Children of a partition.
    async fn children(&self, space: &str, range: &RawChildren) -> Result<RawPage, StoreError>;

    /// A range of an index.
    async fn query(&self, space: &str, query: &RawQuery) -> Result<RawPage, StoreError>;

    /// How many entries the range has; its window's limit does not matter.
    async fn count(&self, space: &str, query: &RawQuery) -> Result<u64, StoreError>;

    /// Tallies by key, in the order asked for.
    async fn tallies(&self, space: &str, keys: &[TallyKey]) -> Result<Vec<Tally>, StoreError>;

    /// Documents of a collection in the order of their keys, for rewriting: expired ones too.
    async fn scan(
        &self,
        space: &str,
        collection: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<RawDocument>, StoreError>;

    /// Applies a transaction, or nothing of it. An `Ok` is durable.
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError>;

    /// Removes documents that expired at or before `at`, at most `limit`; answers how many.
    async fn sweep(&self, at: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// The logs there are.
    fn logs(&self) -> Vec<LogId>;

    /// The log that takes the events of this space.
    fn log_of(&self, space: &str) -> LogId;

    /// Events after a position, at most `limit`; with `source`, only those of this source.
    async fn read_log(
        &self,
        log: &LogId,
        after: Position,
        limit: usize,
        source: Option<&str>,
    ) -> Result<LogBatch, StoreError>;

    /// The ends of a log.
    async fn log_head(&self, log: &LogId) -> Result<LogHead, StoreError>;

    /// Wakes when the log grows.
    fn watch(&self, log: &LogId) -> Result<LogWatch, StoreError>;

    /// Forgets the events up to and with this position.
    async fn trim_log(&self, log: &LogId, up_to: Position) -> Result<(), StoreError>;

    /// Ends work and lets go of files and locks. Later calls answer [`StoreError::Closed`].
    async fn close(&self);
}
