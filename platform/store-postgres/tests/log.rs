//! Nothing is skipped: not behind a slow committer, not across processes, not when connections are killed.

mod place;

use emporia_store::{LogRecord, Position, Store, StoreError, contract::sample::emit};
use place::{bank, by_hand, slow_committer, slow_down, terminate, whole_log};
use std::{collections::BTreeSet, time::Duration};
use tokio::task::JoinHandle;

async fn tell(store: Store, subject: String, n: u64) -> Result<(), StoreError> {
    let (space, subject) = (store.space("bank").expect("declared"), &subject);
    space.transact(|tx| async move { emit(&tx, "s", subject, n) }).await
}

/// Follows the log until it has seen so many events.
fn follow(store: &Store, many: usize) -> JoinHandle<Vec<LogRecord>> {
    let store = store.clone();
    tokio::spawn(async move {
        let log = store.log_of("bank");
        let mut watch = store.watch(&log).expect("there is the log");
        let (mut after, mut seen) = (Position::ZERO, Vec::new());
        while seen.len() < many {
            watch.beyond(after).await.expect("the store is open");
            let batch = store.read_log(&log, after, 7, None).await.expect("reads");
            after = batch.next;
            seen.extend(batch.records);
        }
        seen
    })
}

async fn done(reading: JoinHandle<Vec<LogRecord>>) -> Vec<LogRecord> {
    let seen =
        tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the reader comes to the end");
    seen.expect("the reader does not panic")
}

fn numbers(records: &[LogRecord]) -> Vec<u128> {
    records.iter().map(|record| record.id.as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_skip_nothing_beside_slow_committers_of_two_stores() {
    const EACH: u64 = 40;
    let Some(database) = emporia_testpg::database() else { return };
    let stores = [bank(database.url()).await.expect("opens"), bank(database.url()).await.expect("opens")];
    slow_down(&by_hand(database.url()).await, Duration::from_millis(50)).await;
    let many = 2 * 4 * EACH as usize;
    let readers = [follow(&stores[0], many), follow(&stores[1], many)];
    let mut writers = Vec::new();
    for (place, store) in stores.iter().enumerate() {
        for writer in 0..4 {
            let (store, first) = (store.clone(), (place as u64 * 4 + writer) * EACH);
            writers.push(tokio::spawn(async move {
                for n in first..first + EACH {
                    let subject = if n % 10 == 3 { "slow".to_owned() } else { format!("writer/{writer}") };
                    tell(store.clone(), subject, n).await.expect("commits");
                }
            }));
        }
    }
    for writer in writers {
        writer.await.expect("the writer does not panic");
    }
    let whole = whole_log(&stores[0]).await;
    for reader in readers {
        let seen = done(reader).await;
        assert_eq!(numbers(&seen), numbers(&whole), "what was read on the way is what is there in the end");
    }
    assert_eq!(numbers(&whole).into_iter().collect::<BTreeSet<_>>().len(), many, "every event once");
    assert!(whole.windows(2).all(|pair| pair[0].position < pair[1].position));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_held_open_holds_back_what_comes_after_it() {
    let Some(database) = emporia_testpg::database() else { return };
    let store = bank(database.url()).await.expect("opens");
    let hand = by_hand(database.url()).await;
    slow_down(&hand, Duration::from_secs(1)).await;
    let slow = tokio::spawn(tell(store.clone(), "slow".to_owned(), 1));
    slow_committer(&hand).await;
    let other = bank(database.url()).await.expect("opens while another commits");
    tell(other.clone(), "fast".to_owned(), 2).await.expect("commits");
    // Whoever sees the fast one's event sees the slow one's, which stands before it.
    assert_eq!(numbers(&whole_log(&other).await), [1, 2]);
    slow.await.expect("does not panic").expect("commits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committer_that_is_killed_commits_once() {
    let Some(database) = emporia_testpg::database() else { return };
    let (store, other) =
        (bank(database.url()).await.expect("opens"), bank(database.url()).await.expect("opens"));
    let hand = by_hand(database.url()).await;
    slow_down(&hand, Duration::from_millis(500)).await;
    let reader = follow(&other, 3);
    let slow = tokio::spawn(tell(store.clone(), "slow".to_owned(), 1));
    let process = slow_committer(&hand).await;
    let behind = tokio::spawn(tell(other.clone(), "fast".to_owned(), 2));
    terminate(&hand, process).await;
    slow.await.expect("does not panic").expect("is tried again, since it was not committed");
    behind.await.expect("does not panic").expect("commits");
    tell(store.clone(), "fast".to_owned(), 3).await.expect("commits");
    let seen = done(reader).await;
    assert_eq!(numbers(&seen).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 3]));
    assert_eq!(numbers(&whole_log(&store).await), numbers(&seen));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_wakes_for_other_processes_also_after_its_connection_was_killed() {
    let Some(database) = emporia_testpg::database() else { return };
    let (store, other) =
        (bank(database.url()).await.expect("opens"), bank(database.url()).await.expect("opens"));
    let hand = by_hand(database.url()).await;
    let mut watch = store.watch(&store.log_of("bank")).expect("there is the log");
    let mut last = Position::ZERO;
    for n in 0..3 {
        tell(other.clone(), "a".to_owned(), n).await.expect("commits");
        let woken = tokio::time::timeout(Duration::from_secs(20), watch.beyond(last)).await;
        last = woken.expect("wakes").expect("is open");
        place::terminate_stores(&hand).await;
    }
}
