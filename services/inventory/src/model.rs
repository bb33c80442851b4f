use emporia_contracts::{
    ids::{CountTaskId, MovementId, OrderId, ReservationId},
    inventory::{Allocation, Demand, MovementLine, MovementReason, StockMoved},
    values::{CountryCode, LocationKey, Sku},
};
use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema, Tally, TallyKey};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("inventory")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<Location>()
        .index("locations")
        .collection::<StockPolicy>()
        .collection::<Reservation>()
        .index("reservations_due")
        .collection::<ReservationPart>()
        .collection::<Movement>()
        .index("movements_by_sku")
        .collection::<CountTask>()
        .index("open_count_tasks")
        .collection::<LastSetting>()
        .tally(STOCK, &FIELDS)
        .with(emporia_events::consumers)
}

/// The tally of stock, by SKU and location.
pub(crate) const STOCK: &str = "stock";
const FIELDS: [&str; 6] = ["on_hand", "available", "reserved", "allocated", "damaged", "safety"];

/// The tally of a SKU at a location.
pub(crate) fn stock_key(sku: &Sku, location: &LocationKey) -> TallyKey {
    TallyKey::of(STOCK, sku.as_str()).child(location.as_str())
}

/// What kind of place a location is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocationKind {
    /// Ships to customers.
    Warehouse,
    /// Sells over the counter; may ship too.
    Store,
}

/// A place where stock is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Its key.
    pub key: LocationKey,
    /// Its name for people.
    pub name: String,
    /// Warehouse or store.
    pub kind: LocationKind,
    /// Where it is.
    pub country: CountryCode,
}

impl Location {
    pub(crate) fn key_of(key: &LocationKey) -> Key {
        Key::of(Self::COLLECTION, key.as_str())
    }
}

impl Document for Location {
    const COLLECTION: &'static str = "location";

    fn key(&self) -> Key {
        Self::key_of(&self.key)
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("locations", IndexKey::new().text(self.key.as_str()))]
    }
}

/// How a SKU's stock is treated. A SKU without one is tracked and cannot be ordered beyond what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockPolicy {
    /// The SKU.
    pub sku: Sku,
    /// Whether units are counted at all (false: services, downloads, print on demand).
    pub tracked: bool,
    /// Units per location that may be promised beyond what is available; 0 for none.
    pub backorder_limit: i64,
}

impl StockPolicy {
    /// The policy of a SKU that has none of its own.
    pub fn standard(sku: Sku) -> Self {
        Self { sku, tracked: true, backorder_limit: 0 }
    }

    pub(crate) fn key_of(sku: &Sku) -> Key {
        Key::of(Self::COLLECTION, sku.as_str())
    }
}

impl Document for StockPolicy {
    const COLLECTION: &'static str = "policy";

    fn key(&self) -> Key {
        Self::key_of(&self.sku)
    }
}

/// The stock of a SKU at a location, in units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockLevel {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationKey,
    /// Σ movements.
    pub on_hand: i64,
    /// on_hand − damaged − allocated − reserved − safety.
    pub available: i64,
    /// Held for checkouts.
    pub reserved: i64,
    /// Belongs to orders.
    pub allocated: i64,
    /// There but not for sale.
    pub damaged: i64,
    /// Kept back.
    pub safety: i64,
}

impl StockLevel {
    pub(crate) fn new(sku: Sku, location: LocationKey, tally: &Tally) -> Self {
        Self {
            sku,
            location,
            on_hand: tally.get("on_hand"),
            available: tally.get("available"),
            reserved: tally.get("reserved"),
            allocated: tally.get("allocated"),
            damaged: tally.get("damaged"),
            safety: tally.get("safety"),
        }
    }
}

/// Where a reservation stands. The `-ing` states are passages of a reservation in several parts: whoever finds one
/// takes it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub(crate) enum ReservationState {
    Reserving,
    /// An attempt that could not be had whole, or was cut off, is taken back: then it is as if it had never been.
    Undoing,
    Held,
    Committing {
        order: OrderId,
    },
    Committed {
        order: OrderId,
    },
    Releasing {
        reason: String,
    },
    Released {
        reason: String,
    },
}

/// How long it is remembered how a reservation ended: longer than any checkout that is still at work could ask.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

fn kept(until: Timestamp) -> Option<Timestamp> {
    until.saturating_add(KEPT).ok()
}

/// Stock held for somebody. Its first part is in this document, further parts in documents of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) id: ReservationId,
    /// Tells this attempt from an earlier one of the same id that was undone.
    pub(crate) attempt: Uuid,
    pub(crate) holder: String,
    pub(crate) until: Timestamp,
    #[serde(flatten)]
    pub(crate) state: ReservationState,
    pub(crate) parts: usize,
    pub(crate) allocations: Vec<Allocation>,
    /// What was asked for: the same id with another demand is another request.
    pub(crate) demand: Vec<Demand>,
}

impl Reservation {
    pub(crate) fn key_of(id: ReservationId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }
}

impl Document for Reservation {
    const COLLECTION: &'static str = "reservation";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        match self.state {
            ReservationState::Committed { .. } | ReservationState::Released { .. } => vec![],
            _ => vec![IndexEntry::new("reservations_due", IndexKey::new().time(self.until))],
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        match self.state {
            ReservationState::Committed { .. } | ReservationState::Released { .. } => kept(self.until),
            _ => None,
        }
    }
}

/// A further part of a reservation. What its allocations count as now is its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReservationPart {
    pub(crate) reservation: ReservationId,
    pub(crate) number: usize,
    pub(crate) allocations: Vec<Allocation>,
    pub(crate) counted: Counted,
    /// Until when its reservation is held.
    #[serde(default)]
    pub(crate) until: Option<Timestamp>,
}

/// As what a part's units are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Counted {
    Reserved,
    Allocated,
    Free,
}

impl ReservationPart {
    pub(crate) fn key_of(id: ReservationId, number: usize) -> Key {
        Key::of(Self::COLLECTION, id.to_string()).child(format!("{number:05}"))
    }
}

impl Document for ReservationPart {
    const COLLECTION: &'static str = "reservation-part";

    fn key(&self) -> Key {
        Self::key_of(self.reservation, self.number)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        // While its reservation is under way, a part is still counted.
        self.until.filter(|_| self.counted != Counted::Reserved).and_then(kept)
    }
}

/// An entry of the stock ledger: on hand is the sum of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// The movement.
    pub id: MovementId,
    /// What makes it unique: the same fact again is the same movement.
    pub(crate) unique: String,
    /// Where.
    pub location: LocationKey,
    /// Why.
    pub reason: MovementReason,
    /// What.
    pub lines: Vec<MovementLine>,
    /// What it belongs to.
    pub reference: String,
    /// When.
    pub at: Timestamp,
}

impl Movement {
    pub(crate) fn key_of(unique: &str) -> Key {
        Key::of(Self::COLLECTION, unique)
    }

    /// Whether allocated units left for a customer.
    pub fn is_shipment(&self) -> bool {
        self.unique.starts_with("shipped/")
    }
}

impl From<Movement> for StockMoved {
    fn from(movement: Movement) -> Self {
        Self {
            movement_id: movement.id,
            location: movement.location,
            reason: movement.reason,
            lines: movement.lines,
            reference: movement.reference,
        }
    }
}

impl Document for Movement {
    const COLLECTION: &'static str = "movement";

    fn key(&self) -> Key {
        Self::key_of(&self.unique)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let entry = |line: &MovementLine| {
            IndexEntry::new("movements_by_sku", IndexKey::new().text(line.sku.as_str()).time(self.at))
        };
        self.lines.iter().map(entry).collect()
    }
}

/// When a person last set a level. Every setting writes it, so that of two at once the second sees the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastSetting {
    pub(crate) sku: Sku,
    pub(crate) location: LocationKey,
    pub(crate) actor: String,
    pub(crate) at: Timestamp,
}

impl LastSetting {
    pub(crate) fn key_of(sku: &Sku, location: &LocationKey) -> Key {
        Key::of(Self::COLLECTION, sku.as_str()).child(location.as_str())
    }
}

impl Document for LastSetting {
    const COLLECTION: &'static str = "last-setting";

    fn key(&self) -> Key {
        Self::key_of(&self.sku, &self.location)
    }
}

/// Somebody should count this SKU there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountTask {
    /// The task.
    pub id: CountTaskId,
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationKey,
    /// On hand by the ledger when it was raised.
    pub on_hand: i64,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When a count settled it.
    pub settled_at: Option<Timestamp>,
}

impl CountTask {
    /// One task per SKU and location: raised again it is the same task.
    pub(crate) fn key_of(sku: &Sku, location: &LocationKey) -> Key {
        Key::of(Self::COLLECTION, sku.as_str()).child(location.as_str())
    }
}

impl Document for CountTask {
    const COLLECTION: &'static str = "count-task";

    fn key(&self) -> Key {
        Self::key_of(&self.sku, &self.location)
    }

    fn index(&self) -> Vec<IndexEntry> {
        match self.settled_at {
            None => vec![IndexEntry::new("open_count_tasks", IndexKey::new().time(self.raised_at))],
            Some(_) => vec![],
        }
    }
}
