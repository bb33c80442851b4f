//! Pausing, resuming, rewinding, stopping.

mod stage;

use async_trait::async_trait;
use emporia_events::{Envelope, Handler, HandlerError, LogId, Position};
use emporia_store::{StoreError, Tx};
use stage::{Mirror, Mirroring, Stage, mirror, soon};
use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::test]
async fn a_paused_consumer_does_nothing_until_it_is_resumed() {
    let stage = Stage::new().await;
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    stage.write("a", &["1"]).await;
    soon(running.caught_up()).await.expect("catches up");
    soon(running.pause()).await.expect("pauses");
    stage.write("a", &["2", "3"]).await;
    assert_eq!(stage.texts("a").await, ["1"]);
    running.resume().await.expect("goes on");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_pause_outlives_a_restart() {
    let stage = Stage::new().await;
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    soon(running.pause()).await.expect("pauses");
    running.shutdown().await;
    stage.write("a", &["1"]).await;
    let stage = stage.reopened().await;
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    assert!(running.status().await.expect("tells")[0].paused);
    assert_eq!(stage.texts("a").await, [""; 0]);
    soon(running.resume()).await.expect("goes on");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, ["1"]);
}

#[tokio::test]
async fn rewinding_repeats_and_skipping_leaves_out() {
    let stage = Stage::new().await;
    stage.write("a", &["1", "2", "3"]).await;
    let log = stage.log();
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    soon(running.caught_up()).await.expect("catches up");
    let records = stage.store.read_log(&log, Position::ZERO, 10, None).await.expect("reads").records;
    soon(running.rewind(&log, records[0].position)).await.expect("rewinds");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, ["1", "2", "3", "2", "3"]);
    soon(running.pause()).await.expect("pauses");
    stage.write("a", &["4", "5"]).await;
    let records = stage.store.read_log(&log, Position::ZERO, 10, None).await.expect("reads").records;
    soon(running.rewind(&log, records[3].position)).await.expect("skips");
    soon(running.resume()).await.expect("goes on");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, ["1", "2", "3", "2", "3", "5"]);
    let unknown = running.rewind(&LogId::new("unknown"), Position::ZERO).await;
    assert!(matches!(unknown, Err(StoreError::UnknownLog { .. })), "{unknown:?}");
}

/// Lets the test decide when an event is finished.
struct Gated {
    entered: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Handler for Gated {
    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        self.entered.add_permits(1);
        let pass = self.gate.acquire().await.map_err(|error| HandlerError::Permanent(error.to_string()))?;
        pass.forget();
        mirror(event, tx).await
    }
}

#[tokio::test]
async fn shutdown_waits_for_the_event_at_hand() {
    let stage = Stage::new().await;
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = Gated { entered: Arc::clone(&entered), gate: Arc::clone(&gate) };
    stage.write("a", &["1"]).await;
    let running = stage.consumer(handler).start().await.expect("starts");
    soon(entered.acquire()).await.expect("the handler is at work").forget();
    let stopping = tokio::spawn(running.shutdown());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished());
    gate.add_permits(1);
    soon(stopping).await.expect("stops");
    assert_eq!(stage.texts("a").await, ["1"]);
}

/// Writes so much for each event that only one fits in a transaction, and stops at the third event for the test.
struct Expansive(Gated);

#[async_trait]
impl Handler for Expansive {
    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        for n in 0..60 {
            let note = format!("{}-{n}", event.id);
            tx.insert(&Mirror { note, texts: Vec::new(), sequences: Vec::new() })?;
        }
        if event.detail.metadata.sequence == 3 {
            return self.0.handle(event, tx).await;
        }
        mirror(event, tx).await
    }
}

#[tokio::test]
async fn stopping_within_a_batch_loses_and_repeats_nothing() {
    let stage = Stage::new().await;
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = Expansive(Gated { entered: Arc::clone(&entered), gate: Arc::clone(&gate) });
    stage.write("a", &["1", "2", "3", "4"]).await;
    let running = stage.consumer(handler).start().await.expect("starts");
    // First the whole batch is tried, then smaller parts; stop when the third event is tried alone.
    loop {
        soon(entered.acquire()).await.expect("the handler is at work").forget();
        if stage.texts("a").await == ["1", "2"] {
            break;
        }
        gate.add_permits(1);
    }
    let stopping = tokio::spawn(running.shutdown());
    tokio::task::yield_now().await;
    gate.add_permits(1);
    soon(stopping).await.expect("stops");
    assert!(stage.texts("a").await.len() < 4, "it stopped within the batch");
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn moving_the_position_makes_the_event_at_hand_void() {
    let stage = Stage::new().await;
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = Gated { entered: Arc::clone(&entered), gate: Arc::clone(&gate) };
    stage.write("a", &["1"]).await;
    let running = stage.consumer(handler).start().await.expect("starts");
    soon(entered.acquire()).await.expect("the handler is at work").forget();
    let head = stage.store.log_head(&stage.log()).await.expect("reads").last;
    let log = stage.log();
    // `rewind` first waits when its commit is under way: the handler is let go behind it.
    let let_go = async { gate.add_permits(8) };
    let (moved, ()) = soon(async { tokio::join!(running.rewind(&log, head), let_go) }).await;
    moved.expect("moves");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, [""; 0], "the event was skipped");
}

#[tokio::test]
async fn pausing_makes_the_event_at_hand_wait() {
    let stage = Stage::new().await;
    let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = Gated { entered: Arc::clone(&entered), gate: Arc::clone(&gate) };
    stage.write("a", &["1"]).await;
    let running = stage.consumer(handler).start().await.expect("starts");
    soon(entered.acquire()).await.expect("the handler is at work").forget();
    // `pause` first waits when its commit is under way: the handler is let go behind it.
    let let_go = async { gate.add_permits(8) };
    let (paused, ()) = soon(async { tokio::join!(running.pause(), let_go) }).await;
    paused.expect("pauses");
    assert_eq!(stage.texts("a").await, [""; 0], "nothing is handled once pause has returned");
    soon(running.resume()).await.expect("goes on");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, ["1"]);
}

#[tokio::test]
async fn a_consumer_behind_a_trimmed_log_stalls_until_it_is_moved() {
    let stage = Stage::new().await;
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    soon(running.pause()).await.expect("pauses");
    stage.write("a", &["1", "2"]).await;
    let log = stage.log();
    let head = stage.store.log_head(&log).await.expect("reads").last;
    stage.store.trim_log(&log, head).await.expect("trims");
    stage.write("a", &["3"]).await;
    running.resume().await.expect("goes on");
    soon(async {
        while running.status().await.expect("tells")[0].stalled.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(stage.texts("a").await, [""; 0], "it does not skip what is gone in silence");
    soon(running.rewind(&log, head)).await.expect("moves");
    soon(running.caught_up()).await.expect("catches up");
    assert_eq!(stage.texts("a").await, ["3"]);
    assert!(running.status().await.expect("tells")[0].stalled.is_none());
}

#[tokio::test]
async fn a_closed_store_ends_the_consumer() {
    let stage = Stage::new().await;
    let running = stage.consumer(Mirroring).start().await.expect("starts");
    stage.write("a", &["1"]).await;
    soon(running.caught_up()).await.expect("catches up");
    stage.store.close().await;
    soon(running.shutdown()).await;
}
