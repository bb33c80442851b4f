//! Backups: consistent while the store works, brought back only into an empty directory.

mod ledger;

use emporia_store::StoreError;
use emporia_store_sqlite::{Durability, Layout, backup, restore};
use jiff::Timestamp;
use ledger::{CLIENTS, check, count, ledger as space_of, open_ledger, transfer};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_whole() {
    for layout in [Layout::Shared, Layout::PerService] {
        let work = TempDir::new().expect("a temporary directory");
        let store = open_ledger(&work.path().join("data"), layout, Durability::None).await;
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (space, stop, done) = (space_of(&store), Arc::clone(&stop), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut number = 0;
                    while !stop.load(Ordering::SeqCst) {
                        transfer(&space, client, number).await.expect("commits");
                        number += 1;
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        for round in 0..3 {
            let target = done.load(Ordering::SeqCst) + 500;
            while done.load(Ordering::SeqCst) < target {
                tokio::task::yield_now().await;
            }
            let mut before = Vec::new();
            for client in 0..CLIENTS {
                before.push(count(&space_of(&store), client).await);
            }
            let (copy, back) =
                (work.path().join(format!("copy {round}")), work.path().join(format!("back {round}")));
            backup(&work.path().join("data"), &copy, Timestamp::now()).expect("backs up");
            restore(&copy, &back).expect("restores");
            let restored = open_ledger(&back, layout, Durability::None).await;
            let found = check(&restored).await;
            assert!(found.iter().zip(&before).all(|(found, before)| found >= before), "{found:?} {before:?}");
        }
        stop.store(true, Ordering::SeqCst);
        for client in clients {
            client.await.expect("does not panic");
        }
        check(&store).await;
    }
}

#[tokio::test]
async fn a_restored_store_is_the_same_and_goes_on() {
    let work = TempDir::new().expect("a temporary directory");
    let (data, copy, back) = (work.path().join("data"), work.path().join("copy"), work.path().join("back"));
    let store = open_ledger(&data, Layout::Shared, Durability::None).await;
    for number in 0..20 {
        transfer(&space_of(&store), 0, number).await.expect("commits");
    }
    backup(&work.path().join("data"), &copy, Timestamp::now()).expect("backs up");
    let manifest = restore(&copy, &back).expect("restores");
    assert_eq!((manifest.layout, manifest.files), (Layout::Shared, vec!["commerce.db".to_owned()]));
    let restored = open_ledger(&back, Layout::Shared, Durability::None).await;
    for collection in ["accounts", "receipts"] {
        let mut both = Vec::new();
        for store in [&store, &restored] {
            let found = store.backend().scan("ledger", collection, None, 1_000).await.expect("reads");
            both.push(found.into_iter().map(|d| (d.key, d.version, d.schema, d.body)).collect::<Vec<_>>());
        }
        assert!(!both[0].is_empty());
        assert_eq!(both[0], both[1]);
    }
    transfer(&space_of(&restored), 0, 20).await.expect("goes on");
    assert_eq!(check(&restored).await[0], 21);
    assert_eq!(check(&store).await[0], 20);
}

#[tokio::test]
async fn nothing_is_written_over() {
    let work = TempDir::new().expect("a temporary directory");
    let (data, copy) = (work.path().join("data"), work.path().join("copy"));
    let store = open_ledger(&data, Layout::Shared, Durability::None).await;
    backup(&work.path().join("data"), &copy, Timestamp::now()).expect("backs up");
    let again = backup(&data, &copy, Timestamp::now());
    assert!(matches!(again, Err(StoreError::BadDirectory { .. })), "{again:?}");
    let over = restore(&copy, &data);
    assert!(matches!(over, Err(StoreError::BadDirectory { .. })), "{over:?}");
    check(&store).await;
}

#[tokio::test]
async fn incomplete_and_damaged_backups_are_refused() {
    let work = TempDir::new().expect("a temporary directory");
    let (data, copy, back) = (work.path().join("data"), work.path().join("copy"), work.path().join("back"));
    let store = open_ledger(&data, Layout::Shared, Durability::None).await;
    for number in 0..50 {
        transfer(&space_of(&store), 0, number).await.expect("commits");
    }
    backup(&work.path().join("data"), &copy, Timestamp::now()).expect("backs up");
    let file = copy.join("commerce.db");
    let whole = fs::read(&file).expect("reads");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2 / 8_192 * 8_192;
    damaged[middle..middle + 8_192].fill(0xee);
    fs::write(&file, damaged).expect("writes");
    let refused = restore(&copy, &back);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    // Within a document's text, where SQLite notices nothing.
    let mut changed = whole.clone();
    let digit = changed.windows(9).position(|w| w == b"\"balance\"").expect("there is a balance") + 10;
    changed[digit] ^= 1;
    fs::write(&file, changed).expect("writes");
    let refused = restore(&copy, &back);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    fs::write(&file, whole).expect("writes");
    let manifest = copy.join("backup.json");
    let text = fs::read_to_string(&manifest).expect("reads");
    fs::write(&manifest, text.replace("\"commerce.db\"", "")).expect("writes");
    let empty = restore(&copy, &back);
    assert!(matches!(empty, Err(StoreError::BadDirectory { .. })), "{empty:?}");
    fs::write(&manifest, text.replace("commerce.db", "../data/commerce.db")).expect("writes");
    let outside = restore(&copy, &back);
    assert!(matches!(outside, Err(StoreError::BadDirectory { .. })), "{outside:?}");
    fs::remove_file(&manifest).expect("removes");
    let incomplete = restore(&copy, &back);
    assert!(matches!(incomplete, Err(StoreError::BadDirectory { .. })), "{incomplete:?}");
    assert!(!back.exists(), "nothing was begun");
}

#[tokio::test]
async fn a_restore_that_was_cut_off_is_not_taken_for_data() {
    let work = TempDir::new().expect("a temporary directory");
    let (data, copy, back) = (work.path().join("data"), work.path().join("copy"), work.path().join("back"));
    let store = open_ledger(&data, Layout::PerService, Durability::None).await;
    transfer(&space_of(&store), 0, 0).await.expect("commits");
    backup(&data, &copy, Timestamp::now()).expect("backs up");
    // A directory where the mark has to go: the restore fails on its way.
    fs::create_dir_all(back.join("restore.unfinished")).expect("makes a directory");
    assert!(restore(&copy, &back).is_err());
    let refused = emporia_store_sqlite::open(emporia_store_sqlite::SqliteOptions::new(&back), vec![]).await;
    assert!(matches!(&refused, Err(StoreError::BadDirectory { reason, .. }) if reason.contains("cut off")));
}
