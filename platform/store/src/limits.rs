//! What one transaction may hold. The numbers are the port's own, so that code which runs on one backend runs on
//! all: they fit DynamoDB's `TransactWriteItems` (100 items, 4 MB, 400 kB an item) and index keys.

/// Operations of one transaction: documents read or written, tallies changed, unique index entries, events.
pub const OPERATIONS: usize = 100;
/// Bytes of one transaction: keys, bodies, index keys and events together.
pub const TRANSACTION_BYTES: usize = 4_000_000;
/// Bytes of one document with its key.
pub const DOCUMENT_BYTES: usize = 350_000;
/// Bytes of one event's body.
pub const EVENT_BYTES: usize = 350_000;
/// Bytes of a key: collection, partition and sort together.
pub const KEY_BYTES: usize = 512;
/// Bytes of an encoded index key.
pub const INDEX_KEY_BYTES: usize = 900;
/// Documents of one page.
pub const PAGE: usize = 1_000;
/// Named fields of one tally.
pub const TALLY_FIELDS: usize = 8;
/// Runs of a transaction's closure before the caller hears of contention.
pub const ATTEMPTS: u32 = 20;
