//! Schemas that change from release to release.

use super::Fixture;
use crate::{
    Document, IndexEntry, IndexKey, Key, Once, Query, SpaceSchema, Store, StoreError, TallyChange, TallyKey,
};
use emporia_id::{FixedClock, SharedClock};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// A person as the first release wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PersonV1 {
    id: String,
    name: String,
}

impl Document for PersonV1 {
    const COLLECTION: &'static str = "people";

    fn key(&self) -> Key {
        Key::of("people", self.id.as_str())
    }
}

/// As the third release has it: the name in two parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Person {
    id: String,
    first: String,
    last: String,
    rank: i64,
}

impl Document for Person {
    const COLLECTION: &'static str = "people";

    fn key(&self) -> Key {
        Key::of("people", self.id.as_str())
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("by_last", IndexKey::new().text(&self.last))]
    }
}

/// The same with another way to compute the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Reindexed(Person);

impl Document for Reindexed {
    const COLLECTION: &'static str = "people";

    fn key(&self) -> Key {
        self.0.key()
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("by_last", IndexKey::new().text(&self.0.last.to_lowercase()))]
    }
}

fn split_name(collection: &str, mut document: Value) -> Result<Value, String> {
    assert_eq!(collection, "people", "the platform's own collections take no part");
    let name = document["name"].as_str().ok_or("no name")?.to_owned();
    let (first, last) = name.split_once(' ').unwrap_or(("", name.as_str()));
    document["first"] = json!(first);
    document["last"] = json!(last);
    Ok(document)
}

fn add_rank(_: &str, mut document: Value) -> Result<Value, String> {
    document["rank"] = json!(1);
    Ok(document)
}

fn first_release() -> SpaceSchema {
    SpaceSchema::new("registry").collection::<PersonV1>().tally("seats", &["free"])
}

fn third_release() -> SpaceSchema {
    let schema = SpaceSchema::new("registry").schema(3).migrate(2, split_name).migrate(3, add_rank);
    schema.collection::<Person>().index("by_last").tally("seats", &["free"])
}

fn clock() -> SharedClock {
    Arc::new(FixedClock::at(super::sample::instant(0)))
}

async fn open(fixture: &dyn Fixture, schema: SpaceSchema) -> Result<Store, StoreError> {
    fixture.open(vec![schema], clock()).await
}

/// Opens the first release, writes people by these names, closes.
async fn written_by_the_first_release(fixture: &dyn Fixture, names: &[&str]) {
    let store = open(fixture, first_release()).await.expect("opens");
    let space = store.space("registry").expect("declared");
    for (i, name) in names.iter().enumerate() {
        let once = Once { scope: "s".into(), key: i.to_string(), fingerprint: "f".into(), keep_for: None };
        let written = space.transact_once(once, |tx| async move {
            tx.insert(&PersonV1 { id: format!("p{i:04}"), name: (*name).to_owned() })?;
            Ok::<_, StoreError>(())
        });
        written.await.expect("commits");
    }
    store.close().await;
}

async fn by_last(store: &Store, last: &str) -> Vec<String> {
    let space = store.space("registry").expect("declared");
    let query = Query::index("by_last").prefix(IndexKey::new().text(last));
    let page = space.query::<Person>(query).await.expect("reads");
    page.into_values().into_iter().map(|person| person.first).collect()
}

pub async fn documents_are_brought_forward(fixture: &dyn Fixture) {
    let names: Vec<String> = (0..230).map(|i| format!("N{i} Lovelace")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    written_by_the_first_release(fixture, &names).await;
    for _ in 0..2 {
        let store = open(fixture, third_release()).await.expect("opens");
        let space = store.space("registry").expect("declared");
        let found = space.get::<Person>(&Key::of("people", "p0007")).await.expect("reads").expect("is there");
        let expected = Person { id: "p0007".into(), first: "N7".into(), last: "Lovelace".into(), rank: 1 };
        assert_eq!(found.value, expected);
        assert_eq!(by_last(&store, "Lovelace").await.len(), 230);
        store.close().await;
    }
}

pub async fn a_new_index_is_built(fixture: &dyn Fixture) {
    let plain = SpaceSchema::new("registry").schema(3).migrate(2, split_name).migrate(3, add_rank);
    written_by_the_first_release(fixture, &["Ada Lovelace", "Alan Turing"]).await;
    // A release that had no index, then one that has it at the same schema number.
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Unindexed(Person);
    impl Document for Unindexed {
        const COLLECTION: &'static str = "people";
        fn key(&self) -> Key {
            self.0.key()
        }
    }
    let without = plain.collection::<Unindexed>().tally("seats", &["free"]);
    let store = open(fixture, without).await.expect("opens");
    let stored = store.backend().scan("registry", "people", None, 10).await.expect("reads");
    assert_eq!(
        stored.iter().map(|d| d.schema).collect::<Vec<_>>(),
        [3, 3],
        "rewritten, not only read as new"
    );
    store.close().await;
    let store = open(fixture, third_release()).await.expect("opens");
    assert_eq!(by_last(&store, "Turing").await, ["Alan"]);
}

pub async fn a_changed_index_is_built_again(fixture: &dyn Fixture) {
    written_by_the_first_release(fixture, &["Ada Lovelace", "Alan Turing"]).await;
    open(fixture, third_release()).await.expect("opens").close().await;
    let schema = SpaceSchema::new("registry").schema(3).migrate(2, split_name).migrate(3, add_rank);
    let changed = schema.collection::<Reindexed>().index("by_last").revision(2).tally("seats", &["free"]);
    let store = open(fixture, changed).await.expect("opens");
    assert_eq!(by_last(&store, "turing").await, ["Alan"]);
    assert_eq!(by_last(&store, "Turing").await, [""; 0], "the old entries are gone");
}

pub async fn an_index_cannot_become_unique_over_duplicates(fixture: &dyn Fixture) {
    // Far apart, so that no one batch of what is rewritten holds both.
    let others: Vec<String> = (0..98).map(|n| format!("Somebody Else{n}")).collect();
    let mut names = vec!["Ada Lovelace"];
    names.extend(others.iter().map(String::as_str));
    names.push("Anne Lovelace");
    written_by_the_first_release(fixture, &names).await;
    open(fixture, third_release()).await.expect("opens").close().await;
    let schema = || SpaceSchema::new("registry").schema(3).migrate(2, split_name).migrate(3, add_rank);
    let unique = schema().collection::<Person>().unique("by_last").tally("seats", &["free"]);
    let refused = open(fixture, unique).await;
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
    drop(refused);
    let store = open(fixture, third_release()).await.expect("the old release still opens");
    let space = store.space("registry").expect("declared");
    let third = Person { id: "q".into(), first: "Amy".into(), last: "Lovelace".into(), rank: 1 };
    let third = &third;
    space.transact(|tx| async move { tx.insert(third) }).await.expect("the index is not unique");
    assert_eq!(by_last(&store, "Lovelace").await.len(), 3);
}

pub async fn a_newer_schema_is_refused(fixture: &dyn Fixture) {
    written_by_the_first_release(fixture, &["Ada Lovelace"]).await;
    open(fixture, third_release()).await.expect("opens").close().await;
    let refused = open(fixture, first_release()).await.map(drop);
    let what = "space registry".to_owned();
    assert_eq!(refused, Err(StoreError::NewerSchema { what, stored: 3, known: 1 }));
}

pub async fn tallies_grow_at_the_end_only(fixture: &dyn Fixture) {
    let release =
        |fields: &[&str]| SpaceSchema::new("registry").collection::<PersonV1>().tally("seats", fields);
    let store = open(fixture, release(&["free"])).await.expect("opens");
    let space = store.space("registry").expect("declared");
    let key = || TallyKey::of("seats", "hall");
    let added = space.transact(|tx| async move { tx.add(key(), TallyChange::new().add("free", 3)) }).await;
    added.expect("commits");
    store.close().await;
    drop((store, space));
    let refused = open(fixture, release(&["taken", "free"])).await.map(drop);
    assert!(matches!(refused, Err(StoreError::BadSchema { .. })), "{refused:?}");
    let store = open(fixture, release(&["free", "taken"])).await.expect("opens");
    let space = store.space("registry").expect("declared");
    let added = space.transact(|tx| async move { tx.add(key(), TallyChange::new().add("taken", 2)) }).await;
    added.expect("commits");
    let tally = space.tallies(&[key()]).await.expect("reads").remove(0);
    assert_eq!(tally.iter().collect::<Vec<_>>(), [("free", 3), ("taken", 2)]);
}

pub async fn contradictions_are_refused(fixture: &dyn Fixture) {
    let base = || SpaceSchema::new("registry").collection::<PersonV1>();
    let contradictions = [
        SpaceSchema::new("Registry"),
        SpaceSchema::new(""),
        base().collection::<PersonV1>(),
        base().index("i").unique("i"),
        base().tally("t", &[]),
        base().tally("t", &["a", "a"]),
        base().tally("t", &["1", "2", "3", "4", "5", "6", "7", "8", "9"]),
        base().tally("t", &["a"]).tally("t", &["b"]),
        base().schema(0),
        base().schema(2),
        base().migrate(2, add_rank),
        base().schema(3).migrate(3, add_rank),
    ];
    for schema in contradictions {
        let shown = format!("{schema:?}");
        let refused = open(fixture, schema).await.map(drop);
        assert!(matches!(refused, Err(StoreError::BadSchema { .. })), "{shown}: {refused:?}");
    }
    let twice = fixture.open(vec![base(), base()], clock()).await.map(drop);
    assert!(matches!(twice, Err(StoreError::BadSchema { .. })), "{twice:?}");
}
