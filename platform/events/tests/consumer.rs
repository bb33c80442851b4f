//! Consumers: every event has its effect once, whatever happens to the consumer.

mod stage;

use async_trait::async_trait;
use emporia_events::{ConsumerOptions, Envelope, EventLog, Handler, HandlerError, Position, Start};
use emporia_store::{Document, Key, StoreError, Tx};
use emporia_store_sqlite::Layout;
use serde::{Deserialize, Serialize};
use stage::{Mirror, Mirroring, NoteWritten, Stage, mirror, mirror_key, quick, soon};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[tokio::test]
async fn every_event_has_its_effect_once_and_in_order() {
    for layout in [Layout::Shared, Layout::PerService] {
        let stage = Stage::laid_out(layout).await;
        stage.write("a", &["1", "2"]).await;
        let running = stage.consumer(Mirroring).start().await.expect("starts");
        stage.write("b", &["1"]).await;
        stage.write("a", &["3"]).await;
        soon(running.caught_up()).await.expect("catches up");
        assert_eq!(stage.texts("a").await, ["1", "2", "3"]);
        assert_eq!(stage.texts("b").await, ["1"]);
        let found = stage.mirrors.get::<Mirror>(&mirror_key("a")).await.expect("reads").expect("is there");
        assert_eq!(found.sequences, [1, 2, 3]);
        assert_eq!(running.lag().await, Ok(0));
        running.shutdown().await;
    }
}

#[tokio::test]
async fn a_consumer_goes_on_where_it_stopped() {
    let mut stage = Stage::new().await;
    for round in 0..4 {
        let running = stage.consumer(Mirroring).start().await.expect("starts");
        stage.write("a", &[&format!("{round}.1"), &format!("{round}.2")]).await;
        soon(running.caught_up()).await.expect("catches up");
        running.shutdown().await;
        stage.write("a", &[&format!("{round}.3")]).await;
        stage = stage.reopened().await;
    }
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    soon(running.caught_up()).await.expect("catches up");
    let expected: Vec<_> = (0..4).flat_map(|round| (1..4).map(move |n| format!("{round}.{n}"))).collect();
    assert_eq!(stage.texts("a").await, expected);
}

#[tokio::test]
async fn a_late_consumer_starts_where_it_is_told() {
    let stage = Stage::new().await;
    stage.write("a", &["1", "2", "3"]).await;
    let log = stage.log();
    let records = stage.store.read_log(&log, Position::ZERO, 10, None).await.expect("reads").records;
    let starts = [
        (Start::Zero, vec!["1", "2", "3", "4"]),
        (Start::Head, vec!["4"]),
        (Start::At(vec![(log, records[1].position)]), vec!["3", "4"]),
    ];
    let mut consumers = Vec::new();
    for (at, (start, expected)) in starts.into_iter().enumerate() {
        let store = Arc::new(stage.store.clone());
        let handler = Renaming(format!("copy {at}"));
        let name = format!("late {at}");
        let consumer = emporia_events::Consumer::new(name, store, stage.mirrors.clone(), handler);
        let running = consumer.options(ConsumerOptions { start, ..quick() }).start().await.expect("starts");
        consumers.push((running, format!("copy {at}"), expected));
    }
    stage.write("a", &["4"]).await;
    for (running, note, expected) in consumers {
        soon(running.caught_up()).await.expect("catches up");
        assert_eq!(stage.texts(&note).await, expected);
    }
}

/// Collects all texts under one name.
struct Renaming(String);

#[async_trait]
impl Handler for Renaming {
    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        let NoteWritten { text, .. } = event.payload()?;
        let found = tx.get::<Mirror>(&mirror_key(&self.0)).await?;
        let empty = || Mirror { note: self.0.clone(), texts: Vec::new(), sequences: Vec::new() };
        let mut mirror = found.map_or_else(empty, |found| found.value);
        mirror.texts.push(text);
        Ok(tx.put(&mirror)?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runtimes_of_one_name_have_no_double_effects() {
    let stage = Stage::new().await;
    let first = stage.consumer(Mirroring).start().await.expect("starts");
    let second = stage.consumer(Mirroring).start().await.expect("starts");
    let texts: Vec<_> = (0..200).map(|n| n.to_string()).collect();
    for text in &texts {
        stage.write("a", &[text]).await;
    }
    soon(first.caught_up()).await.expect("catches up");
    soon(second.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, texts);
    // One may go; the other does the work alone.
    first.shutdown().await;
    stage.write("a", &["last"]).await;
    soon(second.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await.len(), 201);
}

/// A handler that writes so much for each event that few fit in a transaction.
struct Expansive;

#[derive(Clone, Serialize, Deserialize)]
struct Part {
    id: String,
}

impl Document for Part {
    const COLLECTION: &'static str = "mirrors";

    fn key(&self) -> Key {
        Key::of("mirrors", self.id.as_str())
    }
}

#[async_trait]
impl Handler for Expansive {
    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        for n in 0..30 {
            tx.insert(&Part { id: format!("{}-{n}", event.id) })?;
        }
        mirror(event, tx).await
    }
}

#[tokio::test]
async fn a_batch_is_split_when_it_does_not_fit_in_a_transaction() {
    let stage = Stage::new().await;
    let texts: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    for text in &texts {
        stage.write("a", &[text]).await;
    }
    let running = stage.consumer(Expansive).start().await.expect("starts");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, texts);
    assert!(running.poison(None, 10).await.expect("reads").is_empty());
}

/// Counts how often it is asked, and wants nothing.
struct Uninterested(Arc<AtomicUsize>);

#[async_trait]
impl Handler for Uninterested {
    fn wants(&self, _: &str, _: &str) -> bool {
        false
    }

    async fn handle(&self, _: &Envelope, _: &Tx) -> Result<(), HandlerError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn unwanted_events_cost_no_transaction_but_count_as_handled() {
    let stage = Stage::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let running = stage.consumer(Uninterested(Arc::clone(&calls))).start().await.expect("starts");
    let probe = || {
        stage.mirrors.transact_versioned(|tx| async move {
            tx.overwrite(&Mirror { note: "probe".into(), texts: Vec::new(), sequences: Vec::new() })?;
            Ok::<_, StoreError>(())
        })
    };
    let before = probe().await.expect("commits").version.expect("written").get();
    stage.write("a", &["1", "2", "3"]).await;
    soon(running.caught_up()).await.expect("catches up");
    let after = probe().await.expect("commits").version.expect("written").get();
    assert_eq!(after - before, 4, "three events and the probe, nothing of the consumer");
    assert_eq!((calls.load(Ordering::SeqCst), running.lag().await), (0, Ok(0)));
}

#[tokio::test]
async fn only_one_source_is_read_when_told_so() {
    let stage = Stage::new().await;
    stage.write("a", &["1"]).await;
    let options = ConsumerOptions { source: Some("emporia.others".to_owned()), ..quick() };
    let running = stage.consumer(Mirroring).options(options).start().await.expect("starts");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, [""; 0]);
}

#[tokio::test]
async fn a_space_without_consumers_is_refused_at_the_start() {
    let stage = Stage::new().await;
    let log: Arc<dyn EventLog> = Arc::new(stage.store.clone());
    let refused = emporia_events::Consumer::new("c", log, stage.notes.clone(), Mirroring).start().await;
    assert!(matches!(refused, Err(StoreError::Undeclared { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_lag_tells_what_is_open() {
    let stage = Stage::new().await;
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    running.pause().await.expect("pauses");
    stage.write("a", &["1", "2", "3"]).await;
    assert_eq!(running.lag().await, Ok(3));
    let status = running.status().await.expect("tells").remove(0);
    assert!(status.paused && status.stalled.is_none(), "{status:?}");
    running.resume().await.expect("goes on");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(running.lag().await, Ok(0));
}
