//! Tallies: counters that the engine evaluates at commit.

use super::{Fixture, World, at_once};
use crate::{Space, StoreError, TallyChange, TallyKey};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

fn hall() -> TallyKey {
    TallyKey::of("seats", "hall").child("balcony")
}

async fn add(space: &Space, change: TallyChange) -> Result<(), StoreError> {
    let change = &change;
    space.transact(|tx| async move { tx.add(hall(), change.clone()) }).await
}

async fn values(space: &Space) -> [i64; 3] {
    let tally = space.tallies(&[hall()]).await.expect("reads").remove(0);
    ["free", "taken", "blocked"].map(|field| tally.get(field))
}

pub async fn a_tally_that_nobody_changed_is_zero(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    assert_eq!(values(&world.space).await, [0, 0, 0]);
    add(&world.space, TallyChange::new().add("taken", 2)).await.expect("commits");
    assert_eq!(values(&world.space).await, [0, 2, 0]);
    let both = world.space.tallies(&[TallyKey::of("seats", "hall"), hall()]).await.expect("reads");
    assert_eq!(both.iter().map(|tally| tally.get("taken")).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(both[1].iter().collect::<Vec<_>>(), [("free", 0), ("taken", 2), ("blocked", 0)]);
    assert_eq!(values(&world.other).await, [0, 0, 0], "another space has its own");
}

pub async fn changes_of_one_transaction_sum_up(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let summed = world.space.transact(|tx| async move {
        tx.add(hall(), TallyChange::new().add("free", 10).add("blocked", -4))?;
        // Alone this would be below the floor; the sum is not.
        tx.add(hall(), TallyChange::new().add("free", -3).floor("free", 7).add("taken", 3))?;
        tx.add(hall(), TallyChange::new().add("taken", 1))
    });
    assert_eq!(summed.await, Ok(()));
    assert_eq!(values(&world.space).await, [7, 4, -4]);
}

pub async fn a_floor_refuses_and_names_the_field(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    add(&world.space, TallyChange::new().add("free", 5)).await.expect("commits");
    let ask = TallyChange::new().add("free", -6).floor("free", 0).add("taken", 6);
    let key = Box::new(hall());
    let refused = StoreError::BelowFloor { key, field: "free".to_owned(), value: 5, change: -6, floor: 0 };
    assert_eq!(add(&world.space, ask).await, Err(refused));
    assert_eq!(values(&world.space).await, [5, 0, 0]);
    let exact = TallyChange::new().add("free", -5).floor("free", 0).add("taken", 5);
    assert_eq!(add(&world.space, exact).await, Ok(()));
    // A floor without a change is a condition; a change without a floor may go below zero.
    let condition = TallyChange::new().floor("free", 1).add("taken", 1);
    assert!(matches!(add(&world.space, condition).await, Err(StoreError::BelowFloor { .. })));
    assert_eq!(add(&world.space, TallyChange::new().add("free", -9)).await, Ok(()));
    assert_eq!(values(&world.space).await, [-9, 5, 0]);
}

pub async fn sixty_four_takers_never_take_too_much(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    add(&world.space, TallyChange::new().add("free", 100)).await.expect("commits");
    let space = world.space.clone();
    let taken = at_once(64, move |_| {
        let space = space.clone();
        async move {
            let mut taken = 0;
            for _ in 0..3 {
                match add(&space, TallyChange::new().add("free", -1).floor("free", 0).add("taken", 1)).await {
                    Ok(()) => taken += 1,
                    Err(StoreError::BelowFloor { value, .. }) => assert_eq!(value, 0),
                    Err(other) => panic!("{other}"),
                }
            }
            taken
        }
    })
    .await;
    assert_eq!(taken.iter().sum::<i32>(), 100);
    assert_eq!(values(&world.space).await, [0, 100, 0]);
}

pub async fn a_hot_tally_costs_no_repetition(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let runs = Arc::new(AtomicU32::new(0));
    let (space, counted) = (world.space.clone(), Arc::clone(&runs));
    at_once(64, move |_| {
        let (space, runs) = (space.clone(), Arc::clone(&counted));
        async move {
            let runs = &runs;
            let done = space.transact(|tx| async move {
                runs.fetch_add(1, Ordering::SeqCst);
                tx.add(hall(), TallyChange::new().add("free", 1))
            });
            done.await.expect("commits");
        }
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 64);
    assert_eq!(values(&world.space).await, [64, 0, 0]);
}

pub async fn overflow_is_refused(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let overflow = || StoreError::Overflow { key: Box::new(hall()), field: "free".to_owned() };
    add(&world.space, TallyChange::new().add("free", i64::MAX)).await.expect("commits");
    assert_eq!(add(&world.space, TallyChange::new().add("free", 1)).await, Err(overflow()));
    let sum = TallyChange::new().add("free", i64::MAX).add("free", i64::MAX);
    assert_eq!(add(&world.space, sum).await, Err(overflow()));
    let there_and_back = TallyChange::new().add("free", i64::MAX).add("free", 1).add("free", i64::MIN);
    assert_eq!(add(&world.space, there_and_back).await, Ok(()));
    assert_eq!(values(&world.space).await, [i64::MAX, 0, 0]);
}

pub async fn undeclared_tallies_and_fields_are_refused(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let field = add(&world.space, TallyChange::new().add("broken", 1)).await;
    assert!(matches!(field, Err(StoreError::Undeclared { .. })), "{field:?}");
    let kind = world.space.tallies(&[TallyKey::of("chairs", "hall")]).await;
    assert!(matches!(kind, Err(StoreError::Undeclared { .. })), "{kind:?}");
}
