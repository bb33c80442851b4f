//! Transactions: all or nothing, conflicts, repetition.

use super::{
    Fixture, World, at_once,
    sample::{Account, account, account_key, emit},
};
use crate::{Position, Space, StoreError, Tally, TallyChange, TallyKey, Version, limits};
use async_trait::async_trait;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

fn seats() -> TallyKey {
    TallyKey::of("seats", "hall")
}

async fn balance(space: &Space, id: &str) -> Option<i64> {
    space.get::<Account>(&account_key(id)).await.expect("reads").map(|a| a.balance)
}

async fn tally(space: &Space) -> Tally {
    space.tallies(&[seats()]).await.expect("reads").remove(0)
}

async fn events(world: &World) -> usize {
    let log = world.space.log();
    world.store.read_log(&log, Position::ZERO, 1_000, None).await.expect("reads").records.len()
}

/// Changes an account as most services do: read, decide, write.
async fn deposit(space: &Space, id: &str, amount: i64) -> Result<(), StoreError> {
    space
        .transact(|tx| async move {
            let old = tx.get::<Account>(&account_key(id)).await?.map_or(0, |a| a.balance);
            tx.put(&account(id, "x", old + amount))
        })
        .await
}

pub async fn documents_tallies_and_events_commit_together(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let landed = world.space.transact_versioned(|tx| async move {
        tx.insert(&account("a", "x", 1))?;
        tx.insert(&account("b", "x", 2))?;
        tx.add(seats(), TallyChange::new().add("free", 10))?;
        emit(&tx, "emporia.bank", "account/a", 1)?;
        Ok::<_, StoreError>("done")
    });
    let landed = landed.await.expect("commits");
    assert_eq!(landed.value, "done");
    let keys = ["a", "b"].map(account_key);
    let found = world.space.get_many::<Account>(&keys).await.expect("reads");
    assert!(found.iter().flatten().all(|a| Some(a.version) == landed.version), "{found:?}");
    assert_eq!(tally(&world.space).await.get("free"), 10);
    assert_eq!(events(&world).await, 1);
}

pub async fn a_refusal_applies_nothing(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let refused = world.space.transact(|tx| async move {
        tx.insert(&account("a", "x", 1))?;
        emit(&tx, "emporia.bank", "account/a", 1)?;
        tx.add(TallyKey::of("seats", "attic"), TallyChange::new().add("free", 5))?;
        tx.add(seats(), TallyChange::new().add("free", -1).floor("free", 0))
    });
    assert!(matches!(refused.await, Err(StoreError::BelowFloor { .. })));
    let own_error: Result<(), StoreError> = world
        .space
        .transact(|tx| async move {
            tx.insert(&account("a", "x", 1))?;
            Err(StoreError::Closed)
        })
        .await;
    assert_eq!(own_error, Err(StoreError::Closed));
    assert_eq!(balance(&world.space, "a").await, None);
    assert_eq!(events(&world).await, 0);
    let attic = world.space.tallies(&[TallyKey::of("seats", "attic")]).await.expect("reads");
    assert_eq!(attic[0].get("free"), 0);
    // What comes next is numbered as if nothing had happened.
    let next = world.space.transact(|tx| async move { emit(&tx, "emporia.bank", "account/a", 2) }).await;
    next.expect("commits");
    let log = world.space.log();
    let batch = world.store.read_log(&log, Position::ZERO, 10, None).await.expect("reads");
    assert_eq!(batch.records[0].sequence, 1);
}

pub async fn a_refused_transaction_does_not_spoil_its_neighbours(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let space = world.space.clone();
    let results = at_once(64, move |i| {
        let space = space.clone();
        async move {
            let id = &format!("a{i}");
            space
                .transact(|tx| async move {
                    tx.insert(&account(id, "x", 1))?;
                    emit(&tx, "emporia.bank", "all", i as u64)?;
                    let floor = if i % 2 == 0 { 0 } else { 1_000 };
                    tx.add(seats(), TallyChange::new().add("free", 1).floor("free", floor))
                })
                .await
        }
    })
    .await;
    for (i, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), i % 2 == 0, "{result:?}");
        assert_eq!(balance(&world.space, &format!("a{i}")).await.is_some(), i % 2 == 0);
    }
    assert_eq!(tally(&world.space).await.get("free"), 32);
    assert_eq!(events(&world).await, 32);
}

pub async fn a_lost_race_runs_the_closure_again(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    deposit(&world.space, "a", 100).await.expect("commits");
    let runs = AtomicU32::new(0);
    let (space, runs) = (&world.space, &runs);
    let done = space
        .transact(|tx| async move {
            let old = tx.get::<Account>(&account_key("a")).await?.map_or(0, |a| a.balance);
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                deposit(space, "a", 10).await?;
            }
            tx.put(&account("a", "x", old + 1))
        })
        .await;
    assert_eq!(done, Ok(()));
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(balance(space, "a").await, Some(121));
}

pub async fn sixty_four_writers_of_one_document_all_count(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let space = world.space.clone();
    let results = at_once(64, move |_| {
        let space = space.clone();
        async move {
            for _ in 0..3 {
                deposit(&space, "a", 1).await?;
            }
            Ok::<_, StoreError>(())
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(balance(&world.space, "a").await, Some(192));
}

pub async fn readings_guard_against_write_skew(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    for round in 0..20 {
        for id in ["a", "b"] {
            let reset = world.space.transact(|tx| async move { tx.overwrite(&account(id, "x", 60)) });
            reset.await.expect("commits");
        }
        // Each may take 100 only while both together have it; both at once would overdraw.
        let space = world.space.clone();
        let taken = at_once(2, move |i| {
            let space = space.clone();
            async move {
                let own = if i == 0 { "a" } else { "b" };
                space
                    .transact(|tx| async move {
                        let both = tx.get_many::<Account>(&["a", "b"].map(account_key)).await?;
                        let total: i64 = both.iter().flatten().map(|a| a.balance).sum();
                        let old = both.into_iter().flatten().find(|a| a.id == own).map_or(0, |a| a.balance);
                        if total < 100 {
                            return Ok(false);
                        }
                        tx.put(&account(own, "x", old - 100))?;
                        Ok::<_, StoreError>(true)
                    })
                    .await
                    .expect("commits")
            }
        })
        .await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "round {round}");
    }
}

pub async fn a_reading_stays_the_same_within_a_transaction(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    deposit(&world.space, "a", 1).await.expect("commits");
    let space = &world.space;
    let seen = space.transact(|tx| async move {
        let first = tx.get::<Account>(&account_key("a")).await?;
        deposit(space, "a", 1).await?;
        let second = tx.get::<Account>(&account_key("a")).await?;
        assert_eq!(first, second);
        Ok::<_, StoreError>(())
    });
    seen.await.expect("reads");
}

pub async fn a_closure_that_always_loses_gives_up(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let runs = AtomicU32::new(0);
    let (space, runs) = (&world.space, &runs);
    let lost = space
        .transact(|tx| async move {
            runs.fetch_add(1, Ordering::SeqCst);
            tx.get::<Account>(&account_key("a")).await?;
            deposit(space, "a", 1).await?;
            tx.put(&account("a", "x", 0))
        })
        .await;
    let attempts = limits::ATTEMPTS;
    assert_eq!(lost, Err(StoreError::Contention { key: Box::new(account_key("a")), attempts }));
    assert_eq!(runs.load(Ordering::SeqCst), attempts);
    assert!(StoreError::Contention { key: Box::new(account_key("a")), attempts }.is_retryable());
}

pub async fn nothing_written_is_nothing_committed(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let landed = world.space.transact_versioned(|tx| async move {
        assert_eq!(tx.get::<Account>(&account_key("a")).await?, None);
        Ok::<_, StoreError>(7)
    });
    let landed = landed.await.expect("reads");
    assert_eq!((landed.value, landed.version), (7, None));
}

#[async_trait]
trait Teller: Send + Sync {
    async fn pay_in(&self, id: String, amount: i64) -> Result<Version, StoreError>;
}

#[async_trait]
impl Teller for Space {
    async fn pay_in(&self, id: String, amount: i64) -> Result<Version, StoreError> {
        let id = &id;
        let landed = self.transact_versioned(|tx| async move {
            let old = tx.get::<Account>(&account_key(id)).await?.map_or(0, |a| a.balance);
            tx.put(&account(id, "x", old + amount))
        });
        Ok::<_, StoreError>(landed.await?.version.unwrap_or(Version::NEW))
    }
}

pub async fn a_transaction_runs_inside_async_traits(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let teller: Arc<dyn Teller> = Arc::new(world.space.clone());
    let paid = tokio::spawn(async move { teller.pay_in("a".to_owned(), 5).await });
    assert!(paid.await.expect("does not panic").is_ok());
    assert_eq!(balance(&world.space, "a").await, Some(5));
}

pub async fn a_handle_is_dead_after_its_transaction(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let kept = world.space.transact(|tx| async move { Ok::<_, StoreError>(tx) }).await.expect("reads");
    assert_eq!(kept.insert(&account("a", "x", 1)), Err(StoreError::Ended));
    assert_eq!(kept.get::<Account>(&account_key("a")).await, Err(StoreError::Ended));
}
