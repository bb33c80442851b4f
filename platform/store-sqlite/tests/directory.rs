//! The data directory: who owns it, what it may hold.

use emporia_id::FixedClock;
use emporia_store::{Document, Key, SpaceSchema, Store, StoreError};
use emporia_store_sqlite::{Durability, Layout, SqliteOptions, backup, open};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

#[derive(Clone, Serialize, Deserialize)]
struct Note {
    id: String,
    until: Option<Timestamp>,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";

    fn key(&self) -> Key {
        Key::of("notes", self.id.as_str())
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.until
    }
}

fn schema() -> SpaceSchema {
    SpaceSchema::new("notes").collection::<Note>()
}

fn options(directory: &Path) -> SqliteOptions {
    SqliteOptions::new(directory).durability(Durability::None)
}

async fn open_at(directory: &Path) -> Result<Store, StoreError> {
    open(options(directory), vec![schema()]).await
}

async fn write(store: &Store, id: &str) -> Result<(), StoreError> {
    let space = store.space("notes").expect("declared");
    space.transact(|tx| async move { tx.overwrite(&Note { id: id.to_owned(), until: None }) }).await
}

#[tokio::test]
async fn a_directory_belongs_to_one_store() {
    let directory = TempDir::new().expect("a temporary directory");
    let store = open_at(directory.path()).await.expect("opens");
    let second = open_at(directory.path()).await.map(drop);
    let owner = std::process::id().to_string();
    assert_eq!(second, Err(StoreError::Locked { directory: directory.path().to_owned(), owner }));
    write(&store, "a").await.expect("the first goes on");
    store.close().await;
    let store = open_at(directory.path()).await.expect("free after closing");
    drop(store);
    open_at(directory.path()).await.expect("free after dropping");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_look_into_a_new_directory() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().expect("a temporary directory");
    let data = directory.path().join("data");
    open_at(&data).await.expect("opens").close().await;
    backup(&data, &directory.path().join("copy"), Timestamp::now()).expect("backs up");
    for name in ["data", "copy"] {
        let mode = fs::metadata(directory.path().join(name)).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
}

#[tokio::test]
async fn a_directory_keeps_its_layout() {
    for (first, second) in [(Layout::Shared, Layout::PerService), (Layout::PerService, Layout::Shared)] {
        let directory = TempDir::new().expect("a temporary directory");
        let opened = open(options(directory.path()).layout(first), vec![schema()]).await;
        opened.expect("opens").close().await;
        let other = open(options(directory.path()).layout(second), vec![schema()]).await.map(drop);
        assert!(matches!(other, Err(StoreError::BadDirectory { .. })), "{other:?}");
        open(options(directory.path()).layout(first), vec![schema()]).await.expect("opens as before");
    }
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let directory = TempDir::new().expect("a temporary directory");
    open_at(directory.path()).await.expect("opens").close().await;
    let file = Connection::open(directory.path().join("commerce.db")).expect("opens");
    file.pragma_update(None, "user_version", 999).expect("updates");
    drop(file);
    let refused = open_at(directory.path()).await.map(drop);
    assert!(matches!(refused, Err(StoreError::NewerSchema { stored: 999, .. })), "{refused:?}");
}

#[tokio::test]
async fn other_and_damaged_files_are_refused() {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("commerce.db");
    Connection::open(&file)
        .and_then(|c| c.execute_batch("CREATE TABLE mine (x)"))
        .expect("another program's file");
    let foreign = open_at(directory.path()).await.map(drop);
    assert!(matches!(foreign, Err(StoreError::Corrupt { .. })), "{foreign:?}");
    fs::write(&file, "not a database, but longer than the header of one ".repeat(100)).expect("writes");
    let garbage = open_at(directory.path()).await.map(drop);
    assert!(matches!(garbage, Err(StoreError::Corrupt { .. })), "{garbage:?}");
}

#[tokio::test]
async fn a_damaged_page_is_reported_as_damage() {
    let directory = TempDir::new().expect("a temporary directory");
    let store = open_at(directory.path()).await.expect("opens");
    for i in 0..200 {
        write(&store, &format!("{i:0>100}")).await.expect("commits");
    }
    store.close().await;
    let path = directory.path().join("commerce.db");
    let mut bytes = fs::read(&path).expect("reads");
    // The second half of the pages: the schema lies in the first ones.
    let from = bytes.len() / 2 / 8_192 * 8_192;
    bytes[from..].fill(0xee);
    fs::write(&path, bytes).expect("writes");
    let store = match open_at(directory.path()).await {
        Err(error) => return assert!(matches!(error, StoreError::Corrupt { .. }), "{error}"),
        Ok(store) => store,
    };
    let space = store.space("notes").expect("declared");
    let keys: Vec<_> = (0..200).map(|i| Key::of("notes", format!("{i:0>100}"))).collect();
    let read = space.get_many::<Note>(&keys).await.map(|found| found.len());
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
}

#[tokio::test]
async fn expired_documents_are_swept_in_the_background() {
    let directory = TempDir::new().expect("a temporary directory");
    let start = Timestamp::constant(1_700_000_000, 0);
    let clock = Arc::new(FixedClock::at(start));
    let options = options(directory.path()).clock(Arc::<FixedClock>::clone(&clock));
    let store =
        open(options.sweep_every(Some(Duration::from_millis(1))), vec![schema()]).await.expect("opens");
    let space = store.space("notes").expect("declared");
    for i in 0..1_200 {
        let until = (i % 2 == 0).then(|| start + SignedDuration::from_secs(10));
        let written = space.transact(|tx| async move { tx.insert(&Note { id: i.to_string(), until }) });
        written.await.expect("commits");
    }
    let left = || async { store.backend().scan("notes", "notes", None, 2_000).await.expect("reads").len() };
    assert_eq!(left().await, 1_200);
    clock.advance(SignedDuration::from_secs(10));
    let swept = tokio::time::timeout(Duration::from_secs(20), async {
        while left().await > 600 {
            tokio::task::yield_now().await;
        }
    });
    swept.await.expect("expired documents go away by themselves");
    assert_eq!(left().await, 600);
}

#[tokio::test]
async fn people_can_read_documents_with_sql() {
    let directory = TempDir::new().expect("a temporary directory");
    let store = open_at(directory.path()).await.expect("opens");
    write(&store, "a").await.expect("commits");
    let file = Connection::open(directory.path().join("commerce.db")).expect("opens");
    let sql = "SELECT space, collection, partition, json_extract(body, '$.id') FROM document";
    let row = file.query_row(sql, [], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, String>(3)?,
        ))
    });
    let expected = ("notes", "notes", "a", "a");
    let (space, collection, partition, id) = row.expect("one document");
    assert_eq!((space.as_str(), collection.as_str(), partition.as_str(), id.as_str()), expected);
}
