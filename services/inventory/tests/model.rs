//! Random histories against a naive model: one list of units, no parts, no store.

mod room;

use emporia_contracts::{
    ids::{OrderId, ReservationId},
    inventory::{Allocation, CommitRefusal, Inventory, MovementReason, ReserveRefusal},
};
use emporia_inventory::SetStockLevel;
use proptest::prelude::*;
use room::{LOCATIONS, Room, sku};
use std::collections::BTreeMap;

const SKUS: [&str; 3] = ["A", "B", "C"];

#[derive(Debug, Clone)]
enum Step {
    Reserve(Vec<(usize, i64)>),
    Again(usize),
    Commit(usize),
    Release(usize),
    Pass(i64),
    Sweep,
    Fact(usize, usize, i64),
    Count(usize, usize, i64, i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0..3usize, 1..6i64), 1..4).prop_map(Step::Reserve),
        1 => (0..20usize).prop_map(Step::Again),
        3 => (0..20usize).prop_map(Step::Commit),
        2 => (0..20usize).prop_map(Step::Release),
        1 => (1..10i64).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
        2 => (0..3usize, 0..3usize, -4..9i64).prop_map(|(s, l, n)| Step::Fact(s, l, if n == 0 { 1 } else { n })),
        1 => (0..3usize, 0..3usize, 0..9i64, 0..3i64).prop_map(|(s, l, n, k)| Step::Count(s, l, n, k)),
    ]
}

#[derive(Default)]
struct Shelf {
    on_hand: i64,
    reserved: i64,
    allocated: i64,
    safety: i64,
}

impl Shelf {
    fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.allocated - self.safety
    }
}

enum Fate {
    Held(jiff::Timestamp),
    Sold(OrderId),
    Gone,
}

struct Promise {
    id: ReservationId,
    rows: Vec<(usize, i64)>,
    allocations: Vec<Allocation>,
    fate: Fate,
}

type Shelves = BTreeMap<(String, String), Shelf>;

fn each(shelves: &mut Shelves, promise: &Promise, change: impl Fn(&mut Shelf, i64)) {
    for a in &promise.allocations {
        change(shelves.entry((a.sku.to_string(), a.location.to_string())).or_default(), a.quantity.units());
    }
}

async fn run(steps: Vec<Step>) {
    let room = Room::open().await;
    let mut shelves = Shelves::new();
    let mut promises: Vec<Promise> = vec![];
    let mut facts = 0;
    for step in steps {
        let now = room.later(0);
        match step {
            Step::Reserve(rows) => {
                let named: Vec<_> = rows.iter().map(|(s, n)| (SKUS[*s], *n)).collect();
                let wish = room.wish(&named);
                let can = (0..3).all(|s| {
                    let wanted: i64 = rows.iter().filter(|r| r.0 == s).map(|r| r.1).sum();
                    let there = LOCATIONS.iter().map(|l| {
                        shelves.get(&(SKUS[s].into(), (*l).into())).map_or(0, Shelf::available).max(0)
                    });
                    wanted <= there.sum()
                });
                match room.stock.reserve(wish.clone()).await {
                    Ok(held) => {
                        assert!(can, "promised more than there is");
                        let (allocations, fate) = (held.allocations, Fate::Held(wish.until));
                        let promise = Promise { id: wish.reservation, rows, allocations, fate };
                        each(&mut shelves, &promise, |shelf, n| shelf.reserved += n);
                        promises.push(promise);
                    }
                    Err(ReserveRefusal::Short(_)) => assert!(!can, "refused what is there"),
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Again(n) => {
                let Some(promise) = promises.get(n) else { continue };
                let named: Vec<_> = promise.rows.iter().map(|(s, n)| (SKUS[*s], *n)).collect();
                let mut wish = room.wish(&named);
                wish.reservation = promise.id;
                let answer = room.stock.reserve(wish).await;
                match promise.fate {
                    Fate::Held(until) if now < until => {
                        assert_eq!(answer.unwrap().allocations, promise.allocations)
                    }
                    Fate::Sold(_) => assert_eq!(answer.unwrap().allocations, promise.allocations),
                    _ => assert_eq!(answer.unwrap_err(), ReserveRefusal::Ended(promise.id)),
                }
            }
            Step::Commit(n) => {
                let Some(promise) = promises.get_mut(n) else { continue };
                let order = match promise.fate {
                    Fate::Sold(order) => order,
                    _ => room.ids.next(),
                };
                let answer = room.commit(promise.id, order).await;
                match promise.fate {
                    Fate::Held(until) if now < until => {
                        assert_eq!(answer.unwrap(), promise.allocations);
                        promise.fate = Fate::Sold(order);
                        each(&mut shelves, promise, |shelf, n| {
                            shelf.reserved -= n;
                            shelf.allocated += n;
                        });
                    }
                    Fate::Sold(_) => assert_eq!(answer.unwrap(), promise.allocations),
                    Fate::Held(_) => {
                        // Asked for too late, it ends at once.
                        assert_eq!(answer.unwrap_err(), CommitRefusal::NotHeld(promise.id));
                        promise.fate = Fate::Gone;
                        each(&mut shelves, promise, |shelf, n| shelf.reserved -= n);
                    }
                    Fate::Gone => assert_eq!(answer.unwrap_err(), CommitRefusal::NotHeld(promise.id)),
                }
            }
            Step::Release(n) => {
                let Some(promise) = promises.get_mut(n) else { continue };
                room.release(promise.id).await;
                if matches!(promise.fate, Fate::Held(_)) {
                    promise.fate = Fate::Gone;
                    each(&mut shelves, promise, |shelf, n| shelf.reserved -= n);
                }
            }
            Step::Pass(minutes) => room.clock.set(room.later(minutes)),
            Step::Sweep => {
                room.stock.sweep().await.unwrap();
                for promise in &mut promises {
                    // The sweep takes what is past its time; exactly at it, it may wait for the next.
                    if matches!(promise.fate, Fate::Held(until) if until < now) {
                        promise.fate = Fate::Gone;
                        each(&mut shelves, promise, |shelf, n| shelf.reserved -= n);
                    }
                }
            }
            Step::Fact(s, l, n) => {
                facts += 1;
                let rows = [(SKUS[s], n)];
                room.fact(&format!("f{facts}"), LOCATIONS[l], MovementReason::Transfer, &rows).await.unwrap();
                shelves.entry((SKUS[s].into(), LOCATIONS[l].into())).or_default().on_hand += n;
            }
            Step::Count(s, l, on_hand, safety) => {
                let (on_hand, safety) = (Some(on_hand), Some(safety));
                let setting = SetStockLevel { on_hand, safety, ..room.setting(SKUS[s], LOCATIONS[l]) };
                room.stock.set_level(setting).await.unwrap();
                let shelf = shelves.entry((SKUS[s].into(), LOCATIONS[l].into())).or_default();
                shelf.on_hand = on_hand.unwrap();
                shelf.safety = safety.unwrap();
            }
        }
        for ((name, location), shelf) in &shelves {
            let level = room.level(name, location).await;
            assert_eq!(
                (level.on_hand, level.reserved, level.allocated, level.safety, level.available),
                (shelf.on_hand, shelf.reserved, shelf.allocated, shelf.safety, shelf.available()),
                "{name} at {location}"
            );
        }
    }
    room.audit(&SKUS.map(sku)).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_history_leaves_the_numbers_that_a_naive_model_has(steps in prop::collection::vec(step(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}
