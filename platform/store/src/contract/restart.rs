//! Closing and opening again.

use super::{
    Fixture, World,
    sample::{Account, Note, account, account_key, emit, note},
};
use crate::{Children, IndexKey, Position, Query, StoreError, TallyChange, TallyKey, Version};

fn hall() -> TallyKey {
    TallyKey::of("seats", "hall")
}

async fn write(world: &World, balance: i64) -> Version {
    let landed = world.space.transact_versioned(|tx| async move {
        tx.overwrite(&Account { number: Some("7".to_owned()), ..account("a", "ada", balance) })?;
        tx.overwrite(&note("book", "1"))?;
        tx.add(hall(), TallyChange::new().add("free", 1))?;
        emit(&tx, "s", "account/a", 1)
    });
    landed.await.expect("commits").version.expect("something was written")
}

pub async fn everything_is_there_after_opening_again(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let version = write(&world, 1).await;
    let world = world.reopen(fixture).await;
    let found = world.space.get::<Account>(&account_key("a")).await.expect("reads").expect("is there");
    assert_eq!((found.version, found.balance), (version, 1));
    let query = Query::index("by_owner").prefix(IndexKey::new().text("ada"));
    assert_eq!(world.space.query::<Account>(query).await.expect("reads").items.len(), 1);
    assert_eq!(world.space.children::<Note>(Children::of("book")).await.expect("reads").items.len(), 1);
    assert_eq!(world.space.tallies(&[hall()]).await.expect("reads")[0].get("free"), 1);
    let taken = world.space.transact(|tx| async move {
        tx.insert(&Account { number: Some("7".to_owned()), ..account("b", "bob", 1) })
    });
    assert!(matches!(taken.await, Err(StoreError::Duplicate { .. })));
}

pub async fn counters_go_on_after_opening_again(fixture: &dyn Fixture) {
    let mut world = World::open(fixture).await;
    let mut last = Version::NEW;
    for round in 1..=3 {
        let version = write(&world, round).await;
        assert!(version > last);
        last = version;
        world = world.reopen(fixture).await;
    }
    let log = world.space.log();
    let mut watch = world.store.watch(&log).expect("there is the log");
    watch.beyond(Position::ZERO).await.expect("knows of the events from before");
    let batch = world.store.read_log(&log, Position::ZERO, 10, None).await.expect("reads");
    assert_eq!(batch.records.iter().map(|r| r.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(batch.records.windows(2).all(|pair| pair[0].position < pair[1].position));
}

pub async fn a_closed_store_says_so(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let mut watch = world.store.watch(&world.space.log()).expect("there is the log");
    world.store.close().await;
    assert_eq!(watch.beyond(Position::ZERO).await, Err(StoreError::Closed));
    assert_eq!(world.space.get::<Account>(&account_key("a")).await, Err(StoreError::Closed));
    let written = world.space.transact(|tx| async move { tx.overwrite(&account("a", "x", 1)) }).await;
    assert_eq!(written, Err(StoreError::Closed));
    world.store.close().await;
}
