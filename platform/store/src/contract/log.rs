//! The log: nothing skipped, order kept, the same at every reading.

use super::{
    Fixture, World, at_once,
    sample::{account, emit, instant},
};
use crate::{LogRecord, Position, Store, StoreError, Tx};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

async fn tell(world: &World, events: &[(&str, &str, u64)]) {
    let act = |tx: Tx| async move {
        events.iter().try_for_each(|(source, subject, n)| emit(&tx, source, subject, *n))
    };
    world.space.transact(act).await.expect("commits");
}

async fn whole(store: &Store, world: &World, size: usize) -> Vec<LogRecord> {
    let (log, mut after, mut all) = (world.space.log(), Position::ZERO, Vec::new());
    loop {
        let batch = store.read_log(&log, after, size, None).await.expect("reads");
        if batch.records.is_empty() {
            return all;
        }
        after = batch.next;
        all.extend(batch.records);
    }
}

fn brief(records: &[LogRecord]) -> Vec<(String, u64, String)> {
    records.iter().map(|r| (r.subject.clone(), r.sequence, r.body.get().to_owned())).collect()
}

pub async fn events_of_a_subject_are_numbered_from_one(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    tell(&world, &[("s", "a", 1), ("s", "b", 2), ("s", "a", 3)]).await;
    tell(&world, &[("other", "a", 4), ("s", "a", 5)]).await;
    let records = whole(&world.store, &world, 100).await;
    let numbers: Vec<_> =
        records.iter().map(|r| (r.source.as_str(), r.subject.as_str(), r.sequence)).collect();
    assert_eq!(numbers, [("s", "a", 1), ("s", "b", 1), ("s", "a", 2), ("other", "a", 1), ("s", "a", 3)]);
    let first = &records[0];
    assert_eq!((first.detail_type.as_str(), first.occurred_at), ("Counted", instant(0)));
    assert_eq!((first.id.as_u128(), first.body.get()), (1, r#"{"n":1}"#));
    assert!(records.windows(2).all(|pair| pair[0].position < pair[1].position));
}

pub async fn a_reader_skips_nothing_beside_slow_and_fast_writers(fixture: &dyn Fixture) {
    const WRITERS: usize = 16;
    const EACH: u64 = 25;
    let world = World::open(fixture).await;
    let reading = {
        let (store, log) = (world.store.clone(), world.space.log());
        tokio::spawn(async move {
            let mut watch = store.watch(&log).expect("there is the log");
            let (mut after, mut seen) = (Position::ZERO, Vec::new());
            while seen.len() < WRITERS * EACH as usize {
                watch.beyond(after).await.expect("the store is open");
                let batch = store.read_log(&log, after, 7, None).await.expect("reads");
                after = batch.next;
                seen.extend(batch.records);
            }
            seen
        })
    };
    let space = world.space.clone();
    at_once(WRITERS, move |writer| {
        let space = space.clone();
        async move {
            for n in 0..EACH {
                let number = writer as u64 * EACH + n;
                let act = |tx: Tx| async move {
                    // Every fourth writer drags a large document along and dawdles before it commits.
                    if writer % 4 == 0 {
                        let owner = "o".repeat(200);
                        let mut slow = account(&format!("a{writer}"), &owner, 0);
                        slow.id.push_str(&"-".repeat(100));
                        tx.overwrite(&slow)?;
                        tokio::task::yield_now().await;
                    }
                    emit(&tx, "s", &format!("writer/{writer}"), number)?;
                    Ok::<_, StoreError>(())
                };
                space.transact(act).await.expect("commits");
            }
        }
    })
    .await;
    let seen =
        tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the reader comes to the end");
    let seen = seen.expect("the reader does not panic");
    let ids: BTreeSet<u128> = seen.iter().map(|record| record.id.as_u128()).collect();
    assert_eq!(ids.len(), WRITERS * EACH as usize, "every event once");
    let mut last: BTreeMap<&str, (u64, u128)> = BTreeMap::new();
    for record in &seen {
        let previous = last.insert(&record.subject, (record.sequence, record.id.as_u128()));
        let (sequence, id) = previous.unwrap_or((0, 0));
        assert_eq!(record.sequence, sequence + 1, "{}", record.subject);
        assert!(sequence == 0 || record.id.as_u128() > id, "in the order in which the writer wrote");
    }
    assert_eq!(brief(&whole(&world.store, &world, 1_000).await), brief(&seen));
}

pub async fn reading_again_gives_the_same(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    for n in 0..10 {
        tell(&world, &[("s", "a", n), ("s", "b", n)]).await;
    }
    let whole_log = brief(&whole(&world.store, &world, 1_000).await);
    assert_eq!(whole_log.len(), 20);
    for size in [1, 3, 20] {
        assert_eq!(brief(&whole(&world.store, &world, size).await), whole_log);
    }
    let log = world.space.log();
    let head = world.store.log_head(&log).await.expect("reads");
    let end = world.store.read_log(&log, head.last, 10, None).await.expect("reads");
    assert_eq!((end.records.len(), end.next), (0, head.last));
}

pub async fn a_source_filter_walks_past_others(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    for n in 0..30 {
        let source = if n % 10 == 9 { "rare" } else { "common" };
        tell(&world, &[(source, "a", n)]).await;
    }
    let log = world.space.log();
    let head = world.store.log_head(&log).await.expect("reads");
    let (mut after, mut found) = (Position::ZERO, Vec::new());
    while after < head.last {
        let batch = world.store.read_log(&log, after, 2, Some("rare")).await.expect("reads");
        assert!(batch.next > after, "every reading goes on");
        after = batch.next;
        found.extend(batch.records);
    }
    assert_eq!(found.iter().map(|r| r.id.as_u128()).collect::<Vec<_>>(), [9, 19, 29]);
    let none = world.store.read_log(&log, Position::ZERO, 2, Some("nobody")).await.expect("reads");
    assert!(none.records.is_empty());
}

pub async fn a_watch_wakes_when_the_log_grows(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let log = world.space.log();
    let mut watch = world.store.watch(&log).expect("there is the log");
    let asleep = tokio::spawn(async move { watch.beyond(Position::ZERO).await });
    tokio::task::yield_now().await;
    assert!(!asleep.is_finished());
    tell(&world, &[("s", "a", 1)]).await;
    let woken = tokio::time::timeout(Duration::from_secs(10), asleep).await.expect("wakes");
    let last = woken.expect("does not panic").expect("the store is open");
    assert_eq!(last, world.store.log_head(&log).await.expect("reads").last);
    let unknown = world.store.watch(&crate::LogId::new("unknown"));
    assert!(matches!(unknown, Err(StoreError::UnknownLog { .. })));
}

pub async fn a_trimmed_log_says_so(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    for n in 0..10 {
        tell(&world, &[("s", "a", n)]).await;
    }
    let log = world.space.log();
    let records = whole(&world.store, &world, 100).await;
    let (cut, end) = (records[3].position, records[9].position);
    world.store.trim_log(&log, cut).await.expect("trims");
    let head = world.store.log_head(&log).await.expect("reads");
    assert_eq!((head.trimmed, head.last), (cut, end));
    let lost = world.store.read_log(&log, records[2].position, 10, None).await;
    assert!(matches!(lost, Err(StoreError::LogTrimmed { .. })), "{lost:?}");
    let rest = world.store.read_log(&log, cut, 10, None).await.expect("reads");
    assert_eq!(brief(&rest.records), brief(&records[4..]));
    // What is trimmed entirely still goes on counting, positions and sequences alike.
    world.store.trim_log(&log, Position::from_i64(i64::MAX)).await.expect("trims");
    let world = world.reopen(fixture).await;
    tell(&world, &[("s", "a", 10)]).await;
    let next = world.store.read_log(&log, end, 10, None).await.expect("reads");
    assert_eq!(next.records[0].sequence, 11);
    assert!(next.records[0].position > end);
}
