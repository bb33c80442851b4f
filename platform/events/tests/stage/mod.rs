//! What the tests play on: a space that tells of notes, another that mirrors them, and consumers between.
#![allow(dead_code, reason = "each test file uses its own part of the stage")]

use async_trait::async_trait;
use emporia_events::{
    Consumer, ConsumerOptions, Envelope, EventMeta, EventPayload, Handler, HandlerError, envelope,
};
use emporia_id::{FixedClock, Ids};
use emporia_store::{Document, Key, LogId, Space, SpaceSchema, Store, Tx};
use emporia_store_sqlite::{Durability, Layout, SqliteOptions};
use emporia_teststore::Place;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteWritten {
    pub note: String,
    pub text: String,
}

impl EventPayload for NoteWritten {
    const SOURCE: &'static str = "emporia.notes";
    const DETAIL_TYPE: &'static str = "NoteWritten";
    const SCHEMA: u32 = 2;

    fn subject(&self) -> String {
        format!("note/{}", self.note)
    }
}

/// What the mirror knows of a note: every text in the order in which it was handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    pub note: String,
    pub texts: Vec<String>,
    pub sequences: Vec<u64>,
}

impl Document for Mirror {
    const COLLECTION: &'static str = "mirrors";

    fn key(&self) -> Key {
        mirror_key(&self.note)
    }
}

pub fn mirror_key(note: &str) -> Key {
    Key::of("mirrors", note)
}

/// Mirrors notes; texts that begin with a command fail in its way.
pub struct Mirroring;

#[async_trait]
impl Handler for Mirroring {
    fn wants(&self, source: &str, _: &str) -> bool {
        source == NoteWritten::SOURCE
    }

    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        mirror(event, tx).await
    }
}

pub async fn mirror(event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
    let NoteWritten { note, text } = event.payload()?;
    let found = tx.get::<Mirror>(&mirror_key(&note)).await?;
    let empty = || Mirror { note: note.clone(), texts: Vec::new(), sequences: Vec::new() };
    let mut mirror = found.map_or_else(empty, |found| found.value);
    mirror.sequences.push(event.detail.metadata.sequence);
    mirror.texts.push(text);
    Ok(tx.put(&mirror)?)
}

pub struct Stage {
    pub place: Place,
    pub layout: Layout,
    pub clock: Arc<FixedClock>,
    pub ids: Ids,
    pub store: Store,
    pub notes: Space,
    pub mirrors: Space,
}

pub fn instant() -> Timestamp {
    Timestamp::constant(1_700_000_000, 123_456_789)
}

impl Stage {
    pub async fn new() -> Self {
        Self::laid_out(Layout::Shared).await
    }

    pub async fn laid_out(layout: Layout) -> Self {
        let place = Place::new();
        let clock = Arc::new(FixedClock::at(instant()));
        let ids = Ids::seeded(Arc::<FixedClock>::clone(&clock), 7);
        let store = open_store(&place, layout, &clock).await;
        let notes = store.space("notes").expect("declared");
        let mirrors = store.space("mirrors").expect("declared");
        Self { place, layout, clock, ids, store, notes, mirrors }
    }

    /// Closes the store and opens it again.
    pub async fn reopened(self) -> Self {
        self.store.close().await;
        let Self { place, layout, clock, ids, store, notes, mirrors } = self;
        drop((store, notes, mirrors));
        let store = open_store(&place, layout, &clock).await;
        let notes = store.space("notes").expect("declared");
        let mirrors = store.space("mirrors").expect("declared");
        Self { place, layout, clock, ids, store, notes, mirrors }
    }

    /// Tells of each text in a transaction of its own.
    pub async fn write(&self, note: &str, texts: &[&str]) {
        for text in texts {
            self.write_in(&self.notes, note, text).await;
        }
    }

    pub async fn write_in(&self, space: &Space, note: &str, text: &str) {
        let payload = NoteWritten { note: note.to_owned(), text: text.to_owned() };
        let event = &envelope(&payload, &EventMeta::new("req-1", "ada"), &self.ids, self.clock.as_ref());
        let told = space.transact(|tx| async move { tx.emit(event.clone()?) });
        told.await.expect("commits");
    }

    pub fn log(&self) -> LogId {
        self.notes.log()
    }

    pub fn consumer(&self, handler: impl Handler) -> Consumer {
        let log = Arc::new(self.store.clone());
        Consumer::new("mirror", log, self.mirrors.clone(), handler).options(quick())
    }

    pub async fn texts(&self, note: &str) -> Vec<String> {
        let found = self.mirrors.get::<Mirror>(&mirror_key(note)).await.expect("reads");
        found.map(|mirror| mirror.value.texts).unwrap_or_default()
    }
}

/// Options with waits that a test need not notice.
pub fn quick() -> ConsumerOptions {
    ConsumerOptions {
        attempts: 3,
        backoff: Duration::from_micros(100),
        longest_backoff: Duration::from_millis(1),
        ..ConsumerOptions::default()
    }
}

async fn open_store(place: &Place, layout: Layout, clock: &Arc<FixedClock>) -> Store {
    let mirrors = SpaceSchema::new("mirrors")
        .collection::<Mirror>()
        .tally("seats", &["free"])
        .with(emporia_events::consumers);
    let schemas = vec![SpaceSchema::new("notes"), mirrors];
    let clock = Arc::<FixedClock>::clone(clock);
    if layout == Layout::Shared {
        return place.open(clock, schemas).await;
    }
    // Only SQLite has a file for each space.
    let options = SqliteOptions::new(place.path()).layout(layout).durability(Durability::None);
    emporia_store_sqlite::open(options.clock(clock), schemas).await.expect("opens")
}

/// Waits for what must come true in the end; a test that waits longer has failed.
pub async fn soon<R>(what: impl Future<Output = R>) -> R {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("comes true in the end")
}
