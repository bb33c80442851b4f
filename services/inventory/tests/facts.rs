//! What already happened, and what a person says is there.

mod room;

use emporia_contracts::inventory::{
    CountTaskRaised, MovementReason, SafetyStockSet, StockMoved, StockRefusal,
};
use emporia_inventory::{InventoryError, SetStockLevel, StockPolicy};
use room::{Room, at, each, many, sku};
use std::sync::Arc;

#[tokio::test]
async fn a_sale_beyond_what_is_there_is_recorded_and_raises_one_count_task_that_a_count_settles() {
    let room = Room::open().await;
    room.receive("shop", &[("MUG", 2)]).await;
    room.fact("till-1", "shop", MovementReason::Sale, &[("MUG", -3)]).await.unwrap();
    room.fact("till-2", "shop", MovementReason::Sale, &[("MUG", -1)]).await.unwrap();
    let level = room.level("MUG", "shop").await;
    assert_eq!((level.on_hand, level.available), (-2, -2));
    let tasks = room.stock.open_count_tasks(10).await.unwrap();
    assert_eq!(tasks.iter().map(|t| (t.sku.as_str(), t.on_hand)).collect::<Vec<_>>(), [("MUG", -1)]);
    assert_eq!(room.told::<CountTaskRaised>().await.len(), 1);
    let counted =
        SetStockLevel { on_hand: Some(5), expected_on_hand: Some(-2), ..room.setting("MUG", "shop") };
    assert_eq!(room.stock.set_level(counted).await.unwrap().on_hand, 5);
    assert!(room.stock.open_count_tasks(10).await.unwrap().is_empty());
    // Wrong again: again one.
    room.fact("till-3", "shop", MovementReason::Sale, &[("MUG", -6)]).await.unwrap();
    assert_eq!(room.stock.open_count_tasks(10).await.unwrap().len(), 1);
    room.audit(&[sku("MUG")]).await;
}

#[tokio::test]
async fn nobody_counts_what_is_not_counted() {
    let room = Room::open().await;
    let policy = StockPolicy { sku: sku("EBOOK"), tracked: false, backorder_limit: 0 };
    room.stock.set_policies(&[policy]).await.unwrap();
    room.fact("till-1", "shop", MovementReason::Sale, &[("EBOOK", -3)]).await.unwrap();
    assert!(room.stock.open_count_tasks(10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sales_of_one_moment_that_are_too_many_only_together_raise_a_count_task() {
    let room = Arc::new(Room::open().await);
    room.receive("shop", &[("MUG", 32)]).await;
    let tills: Vec<_> = (0..64)
        .map(|till| {
            let room = room.clone();
            tokio::spawn(async move {
                room.fact(&format!("till-{till}"), "shop", MovementReason::Sale, &[("MUG", -1)])
                    .await
                    .unwrap();
            })
        })
        .collect();
    for till in tills {
        till.await.unwrap();
    }
    assert_eq!(room.level("MUG", "shop").await.on_hand, -32);
    assert_eq!(room.stock.open_count_tasks(10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fact_told_64_times_at_once_moves_stock_once_however_long_it_is() {
    let room = Arc::new(Room::open().await);
    let names = many(1_114);
    let tellers: Vec<_> = (0..64)
        .map(|_| {
            let (room, names) = (room.clone(), names.clone());
            tokio::spawn(async move {
                room.fact("delivery-1", "lyon", MovementReason::Receipt, &each(&names, 2)).await.unwrap();
            })
        })
        .collect();
    for teller in tellers {
        teller.await.unwrap();
    }
    room.audit(&names.iter().map(|n| sku(n)).collect::<Vec<_>>()).await;
    assert_eq!(room.level("L1113", "lyon").await.on_hand, 2);
    let lines: usize = room.told::<StockMoved>().await.iter().map(|m| m.lines.len()).sum();
    assert_eq!(lines, 1_114);
}

#[tokio::test]
async fn a_fact_that_is_not_well_formed_or_is_told_with_other_data_is_refused() {
    let room = Room::open().await;
    let mug = |n| [("MUG", n)];
    assert!(matches!(
        room.fact("f", "moon", MovementReason::Receipt, &mug(1)).await,
        Err(StockRefusal::UnknownLocation(l)) if l == at("moon")
    ));
    for wrong in [0, i64::MAX, i64::MIN, 1_000_000_001] {
        let refused = room.fact("f", "shop", MovementReason::Receipt, &mug(wrong)).await;
        assert!(matches!(refused, Err(StockRefusal::Invalid(_))), "{wrong}");
    }
    assert!(matches!(
        room.fact("f", "shop", MovementReason::Receipt, &[]).await,
        Err(StockRefusal::Invalid(_))
    ));
    room.fact("f", "shop", MovementReason::Receipt, &mug(1)).await.unwrap();
    room.fact("f", "shop", MovementReason::Receipt, &mug(1)).await.unwrap();
    let names = many(61);
    let longer: Vec<_> = [("MUG", 1)].into_iter().chain(each(&names, 1)).collect();
    for (location, reason, lines) in [
        ("shop", MovementReason::Receipt, &mug(2)[..]),
        ("lyon", MovementReason::Receipt, &mug(1)[..]),
        ("shop", MovementReason::Transfer, &mug(1)[..]),
        ("shop", MovementReason::Receipt, &longer[..]),
    ] {
        assert!(matches!(room.fact("f", location, reason, lines).await, Err(StockRefusal::Invalid(_))));
    }
    assert_eq!(room.level("MUG", "shop").await.on_hand, 1);
    assert_eq!(room.level("L0000", "shop").await.on_hand, 0);
}

#[tokio::test]
async fn a_level_is_set_only_over_what_the_caller_had_read() {
    let room = Room::open().await;
    room.receive("shop", &[("MUG", 4)]).await;
    let set = |on_hand, safety, expected_on_hand| {
        room.stock.set_level(SetStockLevel {
            on_hand,
            safety,
            expected_on_hand,
            ..room.setting("MUG", "shop")
        })
    };
    assert!(matches!(
        set(Some(9), None, Some(3)).await,
        Err(InventoryError::VersionConflict { expected: 3, actual: 4 })
    ));
    let level = set(Some(9), Some(2), Some(4)).await.unwrap();
    assert_eq!((level.on_hand, level.safety, level.available), (9, 2, 7));
    assert_eq!(set(None, Some(0), None).await.unwrap().available, 9);
    for (on_hand, safety) in
        [(Some(-1), None), (None, Some(-1)), (Some(i64::MAX), None), (None, Some(i64::MIN))]
    {
        assert!(matches!(set(on_hand, safety, None).await, Err(InventoryError::Invalid(_))));
    }
    let nowhere = SetStockLevel { on_hand: Some(1), ..room.setting("MUG", "moon") };
    assert!(matches!(room.stock.set_level(nowhere).await, Err(InventoryError::UnknownLocation(_))));
    room.audit(&[sku("MUG")]).await;
}

#[tokio::test]
async fn units_that_are_kept_back_are_told_since_they_cannot_be_sold() {
    let room = Room::open().await;
    room.receive("shop", &[("MUG", 4)]).await;
    for safety in [3, 3, 1] {
        room.stock
            .set_level(SetStockLevel { safety: Some(safety), ..room.setting("MUG", "shop") })
            .await
            .unwrap();
    }
    let told = room.told::<SafetyStockSet>().await;
    let told: Vec<_> = told.iter().map(|e| (e.sku.as_str(), e.before, e.safety)).collect();
    assert_eq!(told, [("MUG", 0, 3), ("MUG", 3, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_counts_at_once_the_level_is_what_one_of_them_said_and_only_one_had_read_the_old_number() {
    for expected_on_hand in [None, Some(0)] {
        let room = Arc::new(Room::open().await);
        let counters: Vec<_> = (1..=64)
            .map(|n| {
                let room = room.clone();
                tokio::spawn(async move {
                    let said =
                        SetStockLevel { on_hand: Some(n), expected_on_hand, ..room.setting("MUG", "shop") };
                    room.stock.set_level(said).await.is_ok()
                })
            })
            .collect();
        let mut done = 0;
        for counter in counters {
            done += i32::from(counter.await.unwrap());
        }
        assert_eq!(done, if expected_on_hand.is_some() { 1 } else { 64 });
        assert!((1..=64).contains(&room.level("MUG", "shop").await.on_hand));
        room.audit(&[sku("MUG")]).await;
    }
}
