//! Idempotency keys.

use super::{
    Fixture, World, at_once,
    sample::{Account, account, account_key, instant},
};
use crate::{Once, Outcome, Space, StoreError};
use jiff::SignedDuration;

fn once(key: &str, fingerprint: &str) -> Once {
    let keep_for = Some(SignedDuration::from_hours(24));
    Once { scope: "deposit".to_owned(), key: key.to_owned(), fingerprint: fingerprint.to_owned(), keep_for }
}

async fn deposit(space: &Space, once: Once, amount: i64) -> Result<Outcome<i64>, StoreError> {
    space
        .transact_once(once, |tx| async move {
            let old = tx.get::<Account>(&account_key("a")).await?.map_or(0, |a| a.balance);
            tx.put(&account("a", "x", old + amount))?;
            Ok::<_, StoreError>(old + amount)
        })
        .await
}

pub async fn the_first_result_is_given_again(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let first = deposit(&world.space, once("k", "5"), 5).await;
    assert_eq!(first, Ok(Outcome { value: 5, replayed: false }));
    assert_eq!(deposit(&world.space, once("l", "1"), 1).await, Ok(Outcome { value: 6, replayed: false }));
    assert_eq!(deposit(&world.space, once("k", "5"), 5).await, Ok(Outcome { value: 5, replayed: true }));
    let elsewhere = Once { scope: "another".to_owned(), ..once("k", "5") };
    assert_eq!(deposit(&world.space, elsewhere, 5).await, Ok(Outcome { value: 11, replayed: false }));
}

pub async fn another_request_under_the_same_key_is_refused(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    deposit(&world.space, once("k", "5"), 5).await.expect("commits");
    let reused = StoreError::IdempotencyKeyReused { scope: "deposit".to_owned(), key: "k".to_owned() };
    assert_eq!(deposit(&world.space, once("k", "6"), 6).await, Err(reused));
}

pub async fn sixty_four_callers_have_one_effect(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let space = world.space.clone();
    let results = at_once(64, move |_| {
        let space = space.clone();
        async move { deposit(&space, once("k", "5"), 5).await.expect("commits or replays") }
    })
    .await;
    assert!(results.iter().all(|outcome| outcome.value == 5));
    assert_eq!(results.iter().filter(|outcome| !outcome.replayed).count(), 1);
    let found = world.space.get::<Account>(&account_key("a")).await.expect("reads").expect("is there");
    assert_eq!(found.balance, 5);
}

pub async fn a_failure_leaves_the_key_free(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let failed = world
        .space
        .transact_once(once("k", "5"), |tx| async move {
            tx.insert(&account("a", "x", 1))?;
            Err::<i64, _>(StoreError::Ended)
        })
        .await;
    assert_eq!(failed, Err(StoreError::Ended));
    assert_eq!(deposit(&world.space, once("k", "5"), 5).await, Ok(Outcome { value: 5, replayed: false }));
}

pub async fn a_key_is_forgotten_after_its_time(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    deposit(&world.space, once("k", "5"), 5).await.expect("commits");
    deposit(&world.space, Once { keep_for: None, ..once("kept", "5") }, 5).await.expect("commits");
    world.clock.set(instant(24 * 3600 - 1));
    assert!(deposit(&world.space, once("k", "5"), 5).await.expect("replays").replayed);
    world.clock.set(instant(24 * 3600));
    assert_eq!(deposit(&world.space, once("k", "7"), 7).await, Ok(Outcome { value: 17, replayed: false }));
    assert!(deposit(&world.space, once("kept", "5"), 5).await.expect("replays").replayed);
}
