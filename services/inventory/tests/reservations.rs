//! The life of a reservation.

mod room;

use emporia_contracts::inventory::{
    CommitRefusal, Inventory, ReservationCommitted, ReservationReleased, ReserveRefusal, StockReserved,
};
use emporia_inventory::StockPolicy;
use room::{Room, at, cut_off, each, many, sku};

#[tokio::test]
async fn the_same_id_gives_the_same_answer_and_another_demand_is_refused() {
    let room = Room::open().await;
    room.receive("berlin", &[("MUG", 3)]).await;
    let wish = room.wish(&[("MUG", 1), ("MUG", 1)]);
    let first = room.stock.reserve(wish.clone()).await.unwrap();
    assert_eq!(room.stock.reserve(wish.clone()).await.unwrap(), first);
    assert_eq!(room.restarted().reserve(wish.clone()).await.unwrap(), first);
    let order = room.ids.next();
    let allocations = room.commit(wish.reservation, order).await.unwrap();
    assert_eq!(room.commit(wish.reservation, order).await.unwrap(), allocations);
    assert_eq!(room.stock.reserve(wish.clone()).await.unwrap(), first);
    let mut other = wish;
    other.demand.pop();
    let refused = room.stock.reserve(other).await.unwrap_err();
    assert!(matches!(refused, ReserveRefusal::Fault(f) if !f.transient));
    assert_eq!(
        (room.told::<StockReserved>().await.len(), room.told::<ReservationCommitted>().await.len()),
        (1, 1)
    );
    room.audit(&[sku("MUG")]).await;
}

#[tokio::test]
async fn a_release_that_overtakes_its_reservation_buries_the_id() {
    let room = Room::open().await;
    room.receive("berlin", &[("MUG", 3)]).await;
    let wish = room.wish(&[("MUG", 1)]);
    room.release(wish.reservation).await;
    room.release(wish.reservation).await;
    assert_eq!(room.stock.reserve(wish.clone()).await.unwrap_err(), ReserveRefusal::Ended(wish.reservation));
    let refused = room.commit(wish.reservation, room.ids.next()).await.unwrap_err();
    assert_eq!(refused, CommitRefusal::NotHeld(wish.reservation));
    assert_eq!(room.level("MUG", "berlin").await.available, 3);
    assert!(room.told::<ReservationReleased>().await.is_empty());
}

#[tokio::test]
async fn past_its_time_a_reservation_is_neither_committed_nor_answered_and_is_given_back_once() {
    let room = Room::open().await;
    room.receive("berlin", &[("MUG", 3)]).await;
    let wish = room.wish(&[("MUG", 2)]);
    room.stock.reserve(wish.clone()).await.unwrap();
    room.clock.set(wish.until);
    assert_eq!(
        room.commit(wish.reservation, room.ids.next()).await.unwrap_err(),
        CommitRefusal::NotHeld(wish.reservation)
    );
    assert_eq!(room.stock.reserve(wish.clone()).await.unwrap_err(), ReserveRefusal::Ended(wish.reservation));
    let late = room.wish(&[("MUG", 1)]);
    room.clock.set(late.until);
    assert_eq!(room.stock.reserve(late.clone()).await.unwrap_err(), ReserveRefusal::Ended(late.reservation));
    assert_eq!(room.stock.sweep().await.unwrap(), 0, "whoever came too late has ended it for all");
    room.audit(&[sku("MUG")]).await;
    assert_eq!(room.level("MUG", "berlin").await.available, 3);
    assert_eq!(room.told::<ReservationReleased>().await.len(), 1);
    room.reserve(&[("MUG", 2)]).await.unwrap();
    room.clock.set(room.later(60));
    assert_eq!(room.stock.sweep().await.unwrap(), 1);
    assert_eq!(room.stock.sweep().await.unwrap(), 0);
    assert_eq!(room.level("MUG", "berlin").await.available, 3);
}

#[tokio::test]
async fn how_a_reservation_ended_is_remembered_for_90_days_and_then_swept_away() {
    let room = Room::open().await;
    let rows: Vec<String> = (0..200).map(|n| format!("L{n:04}")).collect();
    let long: Vec<(&str, i64)> = rows.iter().map(|name| (&**name, 1)).collect();
    room.receive("berlin", &long).await;
    room.receive("berlin", &[("MUG", 3)]).await;
    let (sold, order) = (room.reserve(&long).await.unwrap(), room.ids.next());
    room.commit(sold.reservation, order).await.unwrap();
    let given_back = room.wish(&[("MUG", 1)]);
    room.stock.reserve(given_back.clone()).await.unwrap();
    room.release(given_back.reservation).await;
    let never_held = room.wish(&[("MUG", 1)]);
    room.release(never_held.reservation).await;
    room.clock.advance(jiff::SignedDuration::from_hours(89 * 24));
    assert_eq!(room.commit(sold.reservation, order).await.unwrap().len(), 200);
    room.clock.advance(jiff::SignedDuration::from_hours(2 * 24));
    assert_eq!(
        room.commit(sold.reservation, order).await.unwrap_err(),
        CommitRefusal::NotHeld(sold.reservation)
    );
    let swept = room.store.sweep().await.unwrap();
    assert!(swept >= 5, "three reservations and two further parts: {swept}");
    assert_eq!(room.level("MUG", "berlin").await.available, 3);
    assert_eq!(room.level("L0007", "berlin").await.allocated, 1);
}

#[tokio::test]
async fn what_is_committed_is_neither_released_nor_swept_nor_given_to_another_order() {
    let room = Room::open().await;
    room.receive("berlin", &[("MUG", 3)]).await;
    let held = room.reserve(&[("MUG", 2)]).await.unwrap();
    room.commit(held.reservation, room.ids.next()).await.unwrap();
    room.release(held.reservation).await;
    room.clock.set(room.later(60));
    assert_eq!(room.stock.sweep().await.unwrap(), 0);
    let refused = room.commit(held.reservation, room.ids.next()).await.unwrap_err();
    assert_eq!(refused, CommitRefusal::NotHeld(held.reservation));
    let level = room.level("MUG", "berlin").await;
    assert_eq!((level.allocated, level.reserved, level.available), (2, 0, 1));
}

#[tokio::test]
async fn wherever_a_long_reservation_is_cut_off_it_is_taken_back_or_made_anew() {
    let names = many(250);
    let skus: Vec<_> = names.iter().map(|n| sku(n)).collect();
    let mut between = 0;
    for waits in 0..60 {
        let room = Room::open().await;
        room.receive("lyon", &each(&names, 10)).await;
        let wish = room.wish(&each(&names, 1));
        let ended = cut_off(room.stock.reserve(wish.clone()), waits).await;
        let held = async |name| room.level(name, "lyon").await.reserved;
        between += held("L0000").await - held("L0249").await;
        // A sweep comes again; here it comes once, so the write that was under way has to have landed: the writer takes
        // them in turn. A caller who asks again must cope with either.
        if waits % 2 == 0 {
            assert_eq!(room.restarted().reserve(wish.clone()).await.unwrap().allocations.len(), 250);
            assert_eq!(room.commit(wish.reservation, room.ids.next()).await.unwrap().len(), 250);
        } else {
            room.receive("shop", &[("OTHER", 1)]).await;
            room.clock.set(room.later(16));
            while room.restarted().sweep().await.unwrap() > 0 {}
            assert_eq!(room.level("L0000", "lyon").await.available, 10);
        }
        room.audit(&skus).await;
        if ended {
            break;
        }
    }
    assert!(between > 0, "no cut fell between the parts");
}

#[tokio::test]
async fn wherever_a_long_commit_or_release_is_cut_off_the_sweep_or_the_next_call_finishes_it() {
    let names = many(250);
    let skus: Vec<_> = names.iter().map(|n| sku(n)).collect();
    let mut between = 0;
    for waits in 0..60 {
        let room = Room::open().await;
        room.receive("lyon", &each(&names, 10)).await;
        let (sold, freed) = (room.wish(&each(&names, 1)), room.wish(&each(&names, 2)));
        let order = room.ids.next();
        for wish in [&sold, &freed] {
            room.stock.reserve(wish.clone()).await.unwrap();
        }
        // Cut off before the first write it did not happen at all; from there on it happens wholly.
        let committed = cut_off(room.commit(sold.reservation, order), waits).await;
        let ended = cut_off(room.release(freed.reservation), waits).await && committed;
        let reserved = async |name| room.level(name, "lyon").await.reserved;
        between += i32::from(reserved("L0000").await != reserved("L0249").await);
        if waits % 2 == 0 {
            assert_eq!(room.commit(sold.reservation, order).await.unwrap().len(), 250);
            room.release(freed.reservation).await;
        } else {
            room.receive("shop", &[("OTHER", 1)]).await;
            room.clock.set(room.later(16));
            while room.restarted().sweep().await.unwrap() > 0 {}
        }
        room.audit(&skus).await;
        let level = room.level("L0249", "lyon").await;
        assert_eq!(level.reserved, 0);
        assert_eq!(level.allocated, i64::try_from(room.told::<ReservationCommitted>().await.len()).unwrap());
        let told = room.told::<ReservationReleased>().await;
        assert!(told.iter().all(|released| released.allocations.len() == 250), "the event tells all of it");
        if ended {
            break;
        }
    }
    assert!(between > 0, "no cut fell between the parts");
}

#[tokio::test]
async fn a_backorder_promises_up_to_its_limit_per_location_and_an_untracked_sku_without_end() {
    let room = Room::open().await;
    room.receive("berlin", &[("POSTER", 1)]).await;
    let policy =
        |name: &str, tracked, backorder_limit| StockPolicy { sku: sku(name), tracked, backorder_limit };
    room.stock.set_policies(&[policy("POSTER", true, 2), policy("EBOOK", false, 0)]).await.unwrap();
    let held = room.reserve(&[("POSTER", 7), ("EBOOK", 500)]).await.unwrap();
    let short = room.reserve(&[("POSTER", 1)]).await.unwrap_err();
    assert!(matches!(short, ReserveRefusal::Short(s) if s[0].available == 0));
    room.reserve(&[("EBOOK", 999_999)]).await.unwrap();
    let answer = emporia_contracts::inventory::AvailabilityRequest {
        skus: vec![sku("EBOOK"), sku("POSTER"), sku("NONE")],
        pool: room::LOCATIONS.iter().map(|l| at(l)).collect(),
    };
    let answer = room.stock.availability(answer).await.unwrap();
    let seen: Vec<_> = answer.iter().map(|a| (a.sku.as_str(), a.available, a.tracked, a.backorder)).collect();
    assert_eq!(seen, [("EBOOK", 0, false, false), ("POSTER", 0, true, true), ("NONE", 0, true, false)]);
    room.release(held.reservation).await;
    room.audit(&[sku("POSTER"), sku("EBOOK")]).await;
}

#[tokio::test]
async fn a_policy_that_becomes_strict_holds_for_the_next_reservation() {
    let room = Room::open().await;
    let policy = |tracked| StockPolicy { sku: sku("GAME"), tracked, backorder_limit: 0 };
    room.stock.set_policies(&[policy(false)]).await.unwrap();
    room.reserve(&[("GAME", 3)]).await.unwrap();
    room.stock.set_policies(&[policy(true)]).await.unwrap();
    assert!(matches!(room.reserve(&[("GAME", 1)]).await, Err(ReserveRefusal::Short(_))));
    room.audit(&[sku("GAME")]).await;
}
