//! A place keeps what a store wrote, and tells what is in it.

use emporia_id::SystemClock;
use emporia_store::{Document, Key, SpaceSchema};
use emporia_teststore::Place;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";

    fn key(&self) -> Key {
        Key::of("notes", "only")
    }
}

fn schema() -> Vec<SpaceSchema> {
    vec![SpaceSchema::new("notes").collection::<Note>()]
}

#[tokio::test]
async fn what_a_store_wrote_is_there_after_a_restart_and_found_in_whichever_case() {
    let place = Place::new();
    let note = &Note { text: "Written by Ada".into() };
    let store = place.open(Arc::new(SystemClock), schema()).await;
    store.space("notes").unwrap().transact(|tx| async move { tx.overwrite(note) }).await.unwrap();
    store.close().await;
    drop(store);
    let again = place.open(Arc::new(SystemClock), schema()).await;
    let found = again.space("notes").unwrap().get::<Note>(&note.key()).await.unwrap().unwrap();
    assert_eq!(found.value, *note);
    assert!(place.holds("WRITTEN by ada"));
    assert!(!place.holds("written by bob"));
}

#[tokio::test]
async fn two_places_know_nothing_of_each_other() {
    let (one, other) = (Place::new(), Place::new());
    let note = &Note { text: "x".into() };
    let store = one.open(Arc::new(SystemClock), schema()).await;
    store.space("notes").unwrap().transact(|tx| async move { tx.overwrite(note) }).await.unwrap();
    let store = other.open(Arc::new(SystemClock), schema()).await;
    assert_eq!(store.space("notes").unwrap().get::<Note>(&note.key()).await, Ok(None));
}
