//! Full and read-only disks: typed errors, and work goes on when the disk does.
#![cfg(target_os = "linux")]

use emporia_store::{Document, Key, NewEvent, Position, SpaceSchema, Store, StoreError, Tx};
use emporia_store_sqlite::{SqliteOptions, open};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Clone, Serialize, Deserialize)]
struct Note {
    id: u32,
    text: String,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";

    fn key(&self) -> Key {
        note_key(self.id)
    }
}

fn note_key(id: u32) -> Key {
    Key::of("notes", id.to_string())
}

async fn open_at(directory: &Path) -> Result<Store, StoreError> {
    open(SqliteOptions::new(directory), vec![SpaceSchema::new("notes").collection::<Note>()]).await
}

async fn write(store: &Store, id: u32) -> Result<(), StoreError> {
    let space = store.space("notes").expect("declared");
    let note = &Note { id, text: "x".repeat(50_000) };
    let event = &NewEvent::new(Uuid::from_u128(1), "notes", "Written", "note", Timestamp::UNIX_EPOCH, &id)?;
    let act = |tx: Tx| async move {
        tx.insert(note)?;
        tx.emit(event.clone())
    };
    space.transact(act).await
}

async fn is_there(store: &Store, id: u32) -> bool {
    let space = store.space("notes").expect("declared");
    space.get::<Note>(&note_key(id)).await.expect("reads").is_some()
}

/// A small file system in memory; unmounted when the value is dropped.
struct Mount {
    point: PathBuf,
    _holder: TempDir,
}

impl Mount {
    /// None if this process may not mount and none is demanded.
    fn small() -> Option<Self> {
        let holder = TempDir::new().expect("a temporary directory");
        let point = holder.path().join("disk");
        fs::create_dir(&point).expect("makes a directory");
        let mounted = mount(["-t", "tmpfs", "-o", "size=24m", "tmpfs"].map(OsStr::new), &point);
        mounted.then_some(Self { point, _holder: holder })
    }

    fn remount(&self, how: &str) -> bool {
        mount(["-o", how].map(OsStr::new), &self.point)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        unmount(&self.point);
    }
}

fn mount<'a>(arguments: impl IntoIterator<Item = &'a OsStr>, point: &Path) -> bool {
    let done = Command::new("mount").args(arguments).arg(point).output();
    if done.as_ref().is_ok_and(|output| output.status.success()) {
        return true;
    }
    let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "this process may not mount: {done:?}");
    eprintln!("skipped: this process may not mount");
    false
}

fn unmount(point: &Path) {
    // What is still in use is let go of when its last user ends.
    let _ = Command::new("umount").arg("-l").arg(point).output();
}

#[tokio::test]
async fn a_full_disk_is_reported_and_survived() {
    let Some(disk) = Mount::small() else { return };
    let ballast = disk.point.join("ballast");
    fs::write(&ballast, vec![0_u8; 12_000_000]).expect("there is room");
    let store = open_at(&disk.point.join("data")).await.expect("opens");
    let mut written = 0;
    let full = loop {
        match write(&store, written).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::Full { .. }) && full.is_retryable(), "{full}");
    assert!(written > 20, "the disk took something: {written}");
    assert!(!is_there(&store, written).await);
    let again = write(&store, written).await;
    assert!(matches!(again, Err(StoreError::Full { .. })), "{again:?}");

    fs::remove_file(&ballast).expect("removes");
    write(&store, written).await.expect("goes on when there is room again");
    store.close().await;
    let store = open_at(&disk.point.join("data")).await.expect("opens again");
    for id in 0..=written {
        assert!(is_there(&store, id).await, "{id} was acknowledged");
    }
    let log = store.logs().remove(0);
    let events = store.read_log(&log, Position::ZERO, 1_000, None).await.expect("reads").records;
    let told: Vec<_> =
        events.iter().map(|e| (e.position.get(), e.sequence, e.body.get().to_owned())).collect();
    let expected = (0..=written).map(|id| (i64::from(id) + 1, u64::from(id) + 1, id.to_string()));
    assert_eq!(told, expected.collect::<Vec<_>>(), "what failed left no trace in the log");
    store.close().await;
}

#[tokio::test]
async fn a_backup_onto_a_full_disk_is_reported() {
    let Some(disk) = Mount::small() else { return };
    let home = TempDir::new().expect("a temporary directory");
    let store = open_at(home.path()).await.expect("opens");
    for id in 0..100 {
        write(&store, id).await.expect("commits");
    }
    fs::write(disk.point.join("ballast"), vec![0_u8; 22_000_000]).expect("there is room");
    let target = disk.point.join("copy");
    let full = emporia_store_sqlite::backup(home.path(), &target, jiff::Timestamp::now());
    assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    assert!(!target.join("backup.json").exists(), "it does not pass for a backup");
    write(&store, 100).await.expect("the store is not touched by it");
}

#[tokio::test]
async fn a_read_only_disk_is_reported_and_survived() {
    let Some(disk) = Mount::small() else { return };
    let data = disk.point.join("data");
    let store = open_at(&data).await.expect("opens");
    write(&store, 1).await.expect("commits");
    store.close().await;
    drop(store);
    if !disk.remount("remount,ro") {
        return;
    }
    let refused = open_at(&data).await.map(drop);
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    let elsewhere = open_at(&disk.point.join("new")).await.map(drop);
    assert!(matches!(elsewhere, Err(StoreError::ReadOnly { .. })), "{elsewhere:?}");
    assert!(disk.remount("remount,rw"));
    let store = open_at(&data).await.expect("opens again");
    write(&store, 2).await.expect("commits");
    assert!(is_there(&store, 1).await);
    store.close().await;
}

#[tokio::test]
async fn a_read_only_file_is_reported_and_survived() {
    let Some(disk) = Mount::small() else { return };
    let data = disk.point.join("data");
    let store = open_at(&data).await.expect("opens");
    write(&store, 1).await.expect("commits");
    store.close().await;
    drop(store);
    let file = data.join("commerce.db");
    // Bound to itself, a single file can be made read-only even for those who may write everything.
    if !mount([OsStr::new("--bind"), file.as_os_str()], &file) {
        return;
    }
    assert!(mount(["-o", "remount,bind,ro"].map(OsStr::new), &file));
    let refused = open_at(&data).await.map(drop);
    unmount(&file);
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    let store = open_at(&data).await.expect("opens again");
    write(&store, 2).await.expect("commits");
    store.close().await;
}
