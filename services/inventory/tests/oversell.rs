//! No unit is sold twice, whoever comes at once.

mod room;

use emporia_contracts::{
    ids::{OrderId, ReservationId},
    inventory::{Inventory, Reserve, ReserveRefusal, Shortage},
};
use room::{Room, each, many, sku};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_1000_units_at_three_locations_64_buyers_get_exactly_1000_and_every_number_stays_right() {
    let room = Arc::new(Room::open().await);
    for (location, units) in [("berlin", 500), ("lyon", 300), ("shop", 200)] {
        room.receive(location, &[("HOT", units)]).await;
    }
    let names = many(119);
    for part in each(&names, 1_000_000).chunks(60) {
        room.receive("lyon", part).await;
    }
    let buyers = (0..64i64).map(|buyer| {
        let (room, names) = (room.clone(), names.clone());
        tokio::spawn(async move {
            let mut sold = 0;
            for round in 0..40 {
                let units = 1 + (buyer + round) % 5;
                let mut rows = vec![("HOT", units)];
                // Every eighth basket has 120 lines: more than one transaction may touch.
                if (buyer + round) % 8 == 0 {
                    rows.extend(each(&names, 1));
                }
                let wish = room.wish(&rows);
                match room.stock.reserve(wish.clone()).await {
                    Ok(_) if round % 3 == 0 => room.release(wish.reservation).await,
                    Ok(_) => {
                        let order: OrderId = room.ids.next();
                        let units_of = |a: &[emporia_contracts::inventory::Allocation]| -> i64 {
                            a.iter().filter(|a| a.sku == sku("HOT")).map(|a| a.quantity.units()).sum()
                        };
                        let allocations = room.commit(wish.reservation, order).await.unwrap();
                        assert_eq!(units_of(&allocations), units);
                        sold += units;
                    }
                    Err(ReserveRefusal::Short(_)) => {}
                    Err(ReserveRefusal::Fault(fault)) => assert!(fault.transient, "{fault}"),
                    Err(error) => panic!("{error}"),
                }
            }
            sold
        })
    });
    let mut sold = 0;
    for buyer in buyers.collect::<Vec<_>>() {
        sold += buyer.await.unwrap();
    }
    // What is left over is bought unit by unit.
    while let Ok(held) = room.reserve(&[("HOT", 1)]).await {
        room.commit(held.reservation, room.ids.next()).await.unwrap();
        sold += 1;
    }
    assert_eq!(sold, 1000);
    let skus: Vec<_> = names.iter().map(|n| sku(n)).chain([sku("HOT")]).collect();
    room.audit(&skus).await;
    for location in room::LOCATIONS {
        let level = room.level("HOT", location).await;
        assert_eq!((level.available, level.reserved), (0, 0));
    }
}

#[tokio::test]
async fn a_shortage_in_the_last_part_of_a_long_basket_leaves_nothing_held() {
    let room = Room::open().await;
    let names = many(200);
    room.receive("lyon", &each(&names, 5)).await;
    // Planned for, then gone: another buyer takes the last SKU between the plan and the last part.
    room.reserve(&[("L0199", 5)]).await.unwrap();
    let refused = room.reserve(&each(&names, 1)).await.unwrap_err();
    assert_eq!(refused, ReserveRefusal::Short(vec![Shortage { sku: sku("L0199"), wanted: 1, available: 0 }]));
    room.audit(&names.iter().map(|n| sku(n)).collect::<Vec<_>>()).await;
    assert_eq!(room.level("L0000", "lyon").await.available, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_long_baskets_that_race_for_a_last_line_each_has_all_of_it_or_nothing() {
    let room = Arc::new(Room::open().await);
    let names = many(130);
    room.receive("lyon", &each(&names[..129], 1000)).await;
    room.receive("lyon", &[("L0129", 5)]).await;
    let racers: Vec<_> = (0..16)
        .map(|_| {
            let (room, names) = (room.clone(), names.clone());
            tokio::spawn(async move { room.reserve(&each(&names, 1)).await })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(held) => {
                assert_eq!(held.allocations.len(), 130);
                won += 1;
            }
            Err(ReserveRefusal::Short(short)) => assert_eq!(short[0].sku, sku("L0129")),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won, 5);
    room.audit(&names.iter().map(|n| sku(n)).collect::<Vec<_>>()).await;
    assert_eq!(room.level("L0000", "lyon").await.reserved, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reservation_asked_for_64_times_at_once_is_one_even_when_it_takes_the_last_unit() {
    for lines in [1, 200] {
        let room = Arc::new(Room::open().await);
        let names = many(lines);
        room.receive("lyon", &each(&names, 1)).await;
        let wish = room.wish(&each(&names, 1));
        let callers: Vec<_> = (0..64)
            .map(|_| {
                let (room, wish) = (room.clone(), wish.clone());
                tokio::spawn(async move { room.stock.reserve(wish).await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap().unwrap().allocations.len(), lines);
        }
        room.audit(&names.iter().map(|n| sku(n)).collect::<Vec<_>>()).await;
        assert_eq!(room.level("L0000", "lyon").await.reserved, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commit_release_and_sweep_that_race_for_the_same_reservations_end_each_in_one_way() {
    let room = Arc::new(Room::open().await);
    let names = many(100);
    room.receive("lyon", &each(&names, 1000)).await;
    let mut wishes: Vec<(Reserve, OrderId)> = vec![];
    for n in 0..24 {
        // Half of them have two parts.
        let rows = if n % 2 == 0 { each(&names, 1) } else { vec![("L0000", 2)] };
        let wish = room.wish(&rows);
        room.stock.reserve(wish.clone()).await.unwrap();
        wishes.push((wish, room.ids.next()));
    }
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let (room, wishes) = (room.clone(), wishes.clone());
            tokio::spawn(async move {
                let mut committed: Vec<ReservationId> = vec![];
                if task == 40 {
                    room.clock.set(room.later(15));
                }
                for (wish, order) in &wishes {
                    match task % 4 {
                        0 | 1 => committed
                            .extend(room.commit(wish.reservation, *order).await.map(|_| wish.reservation)),
                        2 => room.release(wish.reservation).await,
                        _ => drop(room.stock.sweep().await.unwrap()),
                    }
                }
                committed
            })
        })
        .collect();
    let mut committed = std::collections::BTreeSet::new();
    for task in tasks {
        committed.extend(task.await.unwrap());
    }
    room.clock.set(room.later(1));
    while room.stock.sweep().await.unwrap() > 0 {}
    room.audit(&names.iter().map(|n| sku(n)).collect::<Vec<_>>()).await;
    let units = |wish: &Reserve| -> i64 { wish.demand.iter().map(|d| d.quantity.units()).sum() };
    let sold: i64 =
        wishes.iter().filter(|(w, _)| committed.contains(&w.reservation)).map(|(w, _)| units(w)).sum();
    let (mut allocated, mut reserved) = (0, 0);
    for name in &names {
        let level = room.level(name, "lyon").await;
        allocated += level.allocated;
        reserved += level.reserved;
    }
    assert_eq!((allocated, reserved), (sold, 0));
}
