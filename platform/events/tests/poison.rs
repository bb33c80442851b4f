//! Events that cannot be handled: set aside with the reason, the others go on.

mod stage;

use async_trait::async_trait;
use emporia_events::{ConsumerHandle, Envelope, Handler, HandlerError, NewEvent, Poison};
use emporia_store::{TallyChange, TallyKey, Tx};
use serde_json::json;
use stage::{NoteWritten, Stage, instant, mirror, soon};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Fails as the text says, until it is mended.
#[derive(Clone, Default)]
struct Moody {
    calls: Arc<AtomicUsize>,
    mended: Arc<AtomicBool>,
}

#[async_trait]
impl Handler for Moody {
    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        let NoteWritten { text, .. } = event.payload()?;
        // Written before it fails: nothing of it may stay.
        mirror(event, tx).await?;
        if self.mended.load(Ordering::SeqCst) {
            return Ok(());
        }
        match text.as_str() {
            "never" => Err(HandlerError::Permanent("this will never work".to_owned())),
            "later" => {
                self.calls.fetch_add(1, Ordering::SeqCst);
                Err(HandlerError::Temporary("not yet".to_owned()))
            }
            "third" if self.calls.fetch_add(1, Ordering::SeqCst) < 2 => {
                Err(HandlerError::Temporary("not yet".to_owned()))
            }
            "panic" => panic!("out of its mind"),
            "floor" => {
                let change = TallyChange::new().add("free", -1).floor("free", 0);
                Ok(tx.add(TallyKey::of("seats", "hall"), change)?)
            }
            _ => Ok(()),
        }
    }
}

async fn run(stage: &Stage, handler: Moody) -> ConsumerHandle {
    let running = stage.consumer(handler).start().await.expect("starts");
    soon(running.caught_up()).await.expect("catches up");
    running
}

async fn list(running: &ConsumerHandle) -> Vec<Poison> {
    running.poison(None, 100).await.expect("reads")
}

#[tokio::test]
async fn a_permanent_failure_is_set_aside_at_once_and_the_rest_goes_on() {
    let stage = Stage::new().await;
    stage.write("a", &["1", "never", "2"]).await;
    stage.write("b", &["1", "never"]).await;
    let running = run(&stage, Moody::default()).await;
    assert_eq!(stage.texts("a").await, ["1", "2"]);
    assert_eq!(stage.texts("b").await, ["1"]);
    let poison = list(&running).await;
    let brief: Vec<_> = poison.iter().map(|p| (p.subject.as_str(), p.sequence, p.attempts)).collect();
    assert_eq!(brief, [("note/a", 2, 1), ("note/b", 2, 1)]);
    assert_eq!(poison[0].reason, "this will never work");
    let rest = running.poison(Some(&poison[0].id), 100).await.expect("reads");
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].id, poison[1].id);
}

#[tokio::test]
async fn a_temporary_failure_is_tried_again() {
    let stage = Stage::new().await;
    let handler = Moody::default();
    stage.write("a", &["1", "third", "2"]).await;
    let running = run(&stage, handler.clone()).await;
    assert_eq!(stage.texts("a").await, ["1", "third", "2"]);
    assert!(list(&running).await.is_empty());
}

#[tokio::test]
async fn a_failure_that_stays_is_set_aside_after_some_tries() {
    let stage = Stage::new().await;
    stage.write("a", &["later", "1"]).await;
    let running = run(&stage, Moody::default()).await;
    let poison = list(&running).await;
    assert_eq!((poison.len(), poison[0].attempts, poison[0].reason.as_str()), (1, 3, "not yet"));
    assert_eq!(stage.texts("a").await, ["1"]);
}

#[tokio::test]
async fn a_panic_takes_only_its_own_event_down() {
    let stage = Stage::new().await;
    stage.write("a", &["1", "panic", "2"]).await;
    let running = run(&stage, Moody::default()).await;
    assert_eq!(stage.texts("a").await, ["1", "2"]);
    assert!(list(&running).await[0].reason.contains("out of its mind"));
}

#[tokio::test]
async fn what_the_store_refuses_at_commit_is_found_and_set_aside() {
    let stage = Stage::new().await;
    stage.write("a", &["1", "floor", "2", "3"]).await;
    let running = run(&stage, Moody::default()).await;
    assert_eq!(stage.texts("a").await, ["1", "2", "3"]);
    let poison = list(&running).await;
    assert_eq!((poison.len(), poison[0].attempts), (1, 3));
    assert!(poison[0].reason.contains("free"), "{}", poison[0].reason);
}

#[tokio::test]
async fn an_unreadable_event_is_set_aside() {
    let stage = Stage::new().await;
    let bare =
        NewEvent::new(stage.ids.next_uuid(), "emporia.notes", "Bare", "x", instant(), &json!({ "n": 1 }));
    let bare = &bare.expect("encodes");
    stage.notes.transact(|tx| async move { tx.emit(bare.clone()) }).await.expect("commits");
    stage.write("a", &["1"]).await;
    let running = run(&stage, Moody::default()).await;
    assert_eq!(stage.texts("a").await, ["1"]);
    assert_eq!(list(&running).await.len(), 1);
}

#[tokio::test]
async fn redriving_handles_what_was_set_aside() {
    let stage = Stage::new().await;
    let handler = Moody::default();
    stage.write("a", &["1", "never", "2"]).await;
    let running = run(&stage, handler.clone()).await;
    let id = list(&running).await[0].id.clone();
    let failed = running.redrive(&id).await;
    assert_eq!(failed, Err(HandlerError::Permanent("this will never work".to_owned())));
    assert_eq!(list(&running).await[0].attempts, 2);
    assert_eq!(stage.texts("a").await, ["1", "2"], "a failed try leaves nothing");
    handler.mended.store(true, Ordering::SeqCst);
    assert_eq!(running.redrive(&id).await, Ok(()));
    assert!(list(&running).await.is_empty());
    assert_eq!(stage.texts("a").await, ["1", "2", "never"]);
    assert!(matches!(running.redrive(&id).await, Err(HandlerError::Permanent(_))));
}

#[tokio::test]
async fn a_large_event_is_read_from_the_log_again() {
    let stage = Stage::new().await;
    let handler = Moody::default();
    let large = "x".repeat(320_000);
    stage.write("never", &["never"]).await;
    let broken = NoteWritten { note: "large".to_owned(), text: large.clone() };
    let meta = emporia_events::EventMeta::new("r", "a");
    let event = &emporia_events::envelope(&broken, &meta, &stage.ids, stage.clock.as_ref()).expect("encodes");
    stage.notes.transact(|tx| async move { tx.emit(event.clone()) }).await.expect("commits");
    let running = stage.consumer(Refusing(handler.clone())).start().await.expect("starts");
    soon(running.caught_up()).await.expect("catches up");
    let poison = list(&running).await;
    assert_eq!(poison.len(), 2);
    handler.mended.store(true, Ordering::SeqCst);
    assert_eq!(running.redrive(&poison[1].id).await, Ok(()));
    assert_eq!(stage.texts("large").await, [large]);
}

/// Refuses everything until it is mended.
struct Refusing(Moody);

#[async_trait]
impl Handler for Refusing {
    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        if self.0.mended.load(Ordering::SeqCst) {
            return mirror(event, tx).await;
        }
        Err(HandlerError::Permanent("refused".to_owned()))
    }
}
