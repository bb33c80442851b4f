//! A stock room on a real store, for tests.
#![allow(dead_code, reason = "each test file uses its part")]

use emporia_contracts::{
    channels::{Channel, ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    ids::{OrderId, ReservationId},
    inventory::{
        Allocation, CommitRefusal, CommitReservation, Demand, Inventory, MovementLine, MovementReason,
        ReleaseReservation, ReservationCommitted, ReservationReleased, Reserve, ReserveRefusal, Reserved,
        StockFact, StockMoved, StockRefusal, StockReserved,
    },
    orders::{FulfilmentShipped, OrderLinesCancelled, ReturnCondition, ReturnRecorded},
    values::{LocationKey, Quantity, Sku},
};
use emporia_events::{Consumer, ConsumerHandle, Envelope, EventMeta, EventPayload, envelope};
use emporia_id::{FixedClock, Ids};
use emporia_inventory::{
    InventoryService, Location, LocationKind, SetStockLevel, StockFollowsOrders, StockLevel, space,
};
use emporia_money::Rounding;
use emporia_store::{Position, SpaceSchema, Store};
use emporia_teststore::Place;
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, pin::pin, sync::Arc, task::Poll};

pub const NOW: &str = "2026-11-24T12:00:00Z";
pub const LOCATIONS: [&str; 3] = ["berlin", "lyon", "shop"];

pub struct Room {
    pub store: Store,
    pub stock: InventoryService,
    pub clock: Arc<FixedClock>,
    pub ids: Ids,
    place: Place,
}

impl Room {
    pub async fn open() -> Self {
        let place = Place::new();
        let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
        // `orders` only speaks here: what it says is what stock follows.
        let schemas = vec![space(), SpaceSchema::new("orders").schema(1)];
        let store = place.open(clock.clone(), schemas).await;
        let ids = Ids::seeded(clock.clone(), 7);
        let stock = InventoryService::new(store.space("inventory").unwrap(), ids.clone());
        for key in LOCATIONS {
            let kind = if key == "shop" { LocationKind::Store } else { LocationKind::Warehouse };
            let country = "DE".parse().unwrap();
            stock
                .define_location(Location { key: at(key), name: key.to_uppercase(), kind, country })
                .await
                .unwrap();
        }
        Self { store, stock, clock, ids, place }
    }

    /// A service over the same store that remembers nothing, as after a restart.
    pub fn restarted(&self) -> InventoryService {
        InventoryService::new(self.store.space("inventory").unwrap(), self.ids.clone())
    }

    pub fn later(&self, minutes: i64) -> Timestamp {
        use emporia_id::Clock;
        self.clock.now() + SignedDuration::from_mins(minutes)
    }

    pub async fn receive(&self, location: &str, rows: &[(&str, i64)]) {
        let id: ReservationId = self.ids.next();
        self.fact(&format!("receipt-{id}"), location, MovementReason::Receipt, rows).await.unwrap();
    }

    pub async fn fact(
        &self,
        id: &str,
        location: &str,
        reason: MovementReason,
        rows: &[(&str, i64)],
    ) -> Result<(), StockRefusal> {
        let lines = rows.iter().map(|(name, delta)| MovementLine { sku: sku(name), delta: *delta }).collect();
        let fact = StockFact {
            external_id: id.parse().unwrap(),
            location: at(location),
            reason,
            lines,
            at: NOW.parse().unwrap(),
            meta: meta(),
        };
        self.stock.record(fact).await
    }

    pub fn wish(&self, rows: &[(&str, i64)]) -> Reserve {
        Reserve {
            reservation: self.ids.next(),
            demand: rows.iter().map(|(name, n)| demand(name, *n)).collect(),
            pool: LOCATIONS.iter().map(|l| at(l)).collect(),
            until: self.later(15),
            holder: "checkout/test".into(),
            meta: meta(),
        }
    }

    pub async fn reserve(&self, rows: &[(&str, i64)]) -> Result<Reserved, ReserveRefusal> {
        self.stock.reserve(self.wish(rows)).await
    }

    pub async fn commit(
        &self,
        reservation: ReservationId,
        order: OrderId,
    ) -> Result<Vec<Allocation>, CommitRefusal> {
        self.stock.commit(CommitReservation { reservation, order, meta: meta() }).await
    }

    pub async fn release(&self, reservation: ReservationId) {
        let request = ReleaseReservation { reservation, reason: "cancelled".into(), meta: meta() };
        self.stock.release(request).await.unwrap();
    }

    pub async fn level(&self, name: &str, location: &str) -> StockLevel {
        self.stock.levels(&[sku(name)], &[at(location)]).await.unwrap().remove(0)
    }

    pub fn setting(&self, name: &str, location: &str) -> SetStockLevel {
        SetStockLevel {
            sku: sku(name),
            location: at(location),
            on_hand: None,
            safety: None,
            expected_on_hand: None,
            meta: meta(),
        }
    }

    /// Lets orders say something.
    pub async fn says(&self, payload: &impl EventPayload) {
        let orders = self.store.space("orders").unwrap();
        orders
            .transact(
                |tx| async move { tx.emit(envelope(payload, &meta(), &self.ids, self.clock.as_ref())?) },
            )
            .await
            .unwrap();
    }

    pub async fn follow(&self) -> ConsumerHandle {
        let space = self.store.space("inventory").unwrap();
        let handler = StockFollowsOrders(self.stock.clone());
        Consumer::new("stock-follows-orders", Arc::new(self.store.clone()), space, handler)
            .start()
            .await
            .unwrap()
    }

    /// Everything again from the beginning.
    pub async fn rewind(&self, consumer: &ConsumerHandle) {
        consumer.rewind(&self.store.log_of("orders"), Position::default()).await.unwrap();
        consumer.caught_up().await.unwrap();
    }

    pub async fn events(&self) -> Vec<Envelope> {
        let log = self.store.log_of("inventory");
        let (mut after, mut found) = (Position::default(), vec![]);
        loop {
            let batch = self.store.read_log(&log, after, 1000, None).await.unwrap();
            if batch.next <= after {
                return found;
            }
            found.extend(batch.records.iter().map(|r| Envelope::from_record(r).unwrap()));
            after = batch.next;
        }
    }

    pub async fn told<P: EventPayload>(&self) -> Vec<P> {
        self.events().await.iter().filter(|e| e.is::<P>()).map(|e| e.payload().unwrap()).collect()
    }

    /// Every row's numbers are what the events tell: on hand is the sum of movements; reserved, allocated and damaged
    /// are what is left of reservations and returns; available is what remains.
    pub async fn audit(&self, skus: &[Sku]) {
        let mut rows: BTreeMap<(Sku, LocationKey), Row> = BTreeMap::new();
        for event in self.events().await {
            let mut add = |a: &Allocation, change: &dyn Fn(&mut Row, i64)| {
                change(rows.entry((a.sku.clone(), a.location.clone())).or_default(), a.quantity.units());
            };
            if event.is::<StockReserved>() {
                let told = event.payload::<StockReserved>().unwrap();
                told.allocations.iter().for_each(|a| add(a, &|row, n| row.reserved += n));
            } else if event.is::<ReservationReleased>() {
                let told = event.payload::<ReservationReleased>().unwrap();
                told.allocations.iter().for_each(|a| add(a, &|row, n| row.reserved -= n));
            } else if event.is::<ReservationCommitted>() {
                let told = event.payload::<ReservationCommitted>().unwrap();
                told.allocations.iter().for_each(|a| {
                    add(a, &|row, n| {
                        row.reserved -= n;
                        row.allocated += n;
                    });
                });
            } else if event.is::<StockMoved>() {
                let told = event.payload::<StockMoved>().unwrap();
                for line in told.lines {
                    rows.entry((line.sku, told.location.clone())).or_default().on_hand += line.delta;
                }
            } else if event.is::<OrderLinesCancelled>() {
                let told = event.payload::<OrderLinesCancelled>().unwrap();
                told.allocations.iter().for_each(|a| add(a, &|row, n| row.allocated -= n));
            } else if event.is::<FulfilmentShipped>() {
                let told = event.payload::<FulfilmentShipped>().unwrap();
                told.allocations.iter().for_each(|a| add(a, &|row, n| row.allocated -= n));
            } else if event.is::<ReturnRecorded>() {
                let told = event.payload::<ReturnRecorded>().unwrap();
                for line in told.lines.iter().filter(|l| l.condition == ReturnCondition::Damaged) {
                    let row = rows.entry((line.sku.clone(), told.location.clone())).or_default();
                    row.damaged += line.quantity.units();
                }
            }
        }
        let pool: Vec<LocationKey> = LOCATIONS.iter().map(|l| at(l)).collect();
        for level in self.stock.levels(skus, &pool).await.unwrap() {
            let row = rows.get(&(level.sku.clone(), level.location.clone())).copied().unwrap_or_default();
            let is = Row {
                on_hand: level.on_hand,
                reserved: level.reserved,
                allocated: level.allocated,
                damaged: level.damaged,
            };
            assert_eq!(is, row, "{} at {}", level.sku, level.location);
            let left = level.on_hand - level.damaged - level.allocated - level.reserved - level.safety;
            assert_eq!(level.available, left, "{} at {}", level.sku, level.location);
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Row {
    on_hand: i64,
    reserved: i64,
    allocated: i64,
    damaged: i64,
}

/// Runs a future until it has waited `waits` times, then drops it, as a crash or a closed connection does. Answers
/// whether it came to its end before.
pub async fn cut_off<F: Future>(future: F, waits: usize) -> bool {
    let (mut future, mut waited) = (pin!(future), 0);
    std::future::poll_fn(|cx| {
        // Of the budget that the runtime gives a task (128 steps) one is left, so that the future waits at each answer
        // of the store, however quick that is.
        for _ in 0..127 {
            let _ = pin!(tokio::task::consume_budget()).poll(cx);
        }
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if waited == waits => Poll::Ready(false),
            Poll::Pending => {
                waited += 1;
                Poll::Pending
            }
        }
    })
    .await
}

pub fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

pub fn sku(name: &str) -> Sku {
    name.parse().unwrap()
}

pub fn at(key: &str) -> LocationKey {
    key.parse().unwrap()
}

pub fn demand(name: &str, units: i64) -> Demand {
    Demand { sku: sku(name), quantity: Quantity::new(units).unwrap() }
}

/// SKUs of a long basket.
pub fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("L{n:04}")).collect()
}

pub fn each(names: &[String], units: i64) -> Vec<(&str, i64)> {
    names.iter().map(|name| (name.as_str(), units)).collect()
}

pub fn channel() -> Channel {
    Arc::new(ChannelFacts {
        key: "eu".parse().unwrap(),
        name: "Europe".into(),
        currency: "EUR".parse().unwrap(),
        price_kind: PriceKind::Gross,
        default_locale: "en".parse().unwrap(),
        locales: vec!["en".parse().unwrap()],
        countries: vec!["DE".parse().unwrap()],
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: LOCATIONS.iter().map(|l| at(l)).collect(),
        order_prefix: "E".into(),
        time_zone: "UTC".into(),
    })
}
