//! Stock: what is where, what is promised, what moved.

use crate::{
    fault::Fault,
    ids::{CountTaskId, MovementId, OrderId, ReservationId},
    values::{ExternalId, LocationKey, Quantity, Sku},
};
use emporia_events::{EventMeta, EventPayload};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a channel can sell of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// The SKU.
    pub sku: Sku,
    /// Units available to promise over the pool; never below zero.
    pub available: i64,
    /// Whether stock is counted at all.
    pub tracked: bool,
    /// Whether it may be ordered beyond what is available.
    pub backorder: bool,
}

impl Availability {
    /// Whether so many units can be promised.
    pub fn covers(&self, quantity: Quantity) -> bool {
        !self.tracked || self.backorder || self.available >= quantity.units()
    }
}

/// Asks what can be sold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AvailabilityRequest {
    /// Which.
    pub skus: Vec<Sku>,
    /// From which locations, in order of preference.
    pub pool: Vec<LocationKey>,
}

/// Units of a SKU that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Demand {
    /// The SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// Units of a SKU promised from one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allocation {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationKey,
    /// How many.
    pub quantity: Quantity,
}

/// Asks to hold stock for a while. Idempotent by the reservation's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reserve {
    /// The caller's id for it.
    pub reservation: ReservationId,
    /// What; several entries of one SKU are summed.
    pub demand: Vec<Demand>,
    /// From where, in order of preference.
    pub pool: Vec<LocationKey>,
    /// Until when.
    pub until: Timestamp,
    /// For whom, as events tell it: `checkout/chk_…`.
    pub holder: String,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Stock is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The reservation.
    pub reservation: ReservationId,
    /// From where. The sourcing plan is what is reserved. Untracked SKUs go with the rest when one location serves all,
    /// else from the pool's first location.
    pub allocations: Vec<Allocation>,
    /// Until when.
    pub until: Timestamp,
}

/// A SKU of which there is not enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shortage {
    /// The SKU.
    pub sku: Sku,
    /// Units wanted.
    pub wanted: i64,
    /// Units that can be promised.
    pub available: i64,
}

/// Why stock is not held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ReserveRefusal {
    /// Nothing was reserved, since these are short.
    #[error("not enough stock of {} SKUs", .0.len())]
    Short(Vec<Shortage>),
    /// The reservation of that id was released or has expired, or `until` has passed: use a new id.
    #[error("reservation {0} has ended")]
    Ended(ReservationId),
    /// The room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Turns a reservation into an allocation to an order. Idempotent by the reservation's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommitReservation {
    /// The reservation.
    pub reservation: ReservationId,
    /// The order that it is for.
    pub order: OrderId,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Why a reservation cannot be committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CommitRefusal {
    /// It is past its time, was released, or never was: reserve again under a new id.
    #[error("reservation {0} is not held any more")]
    NotHeld(ReservationId),
    /// The room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Gives held stock back. Idempotent; releasing what is not held (or never was) does nothing, but makes sure that a
/// late `reserve` of the same id is refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseReservation {
    /// The reservation.
    pub reservation: ReservationId,
    /// Why, in a word.
    pub reason: String,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Why stock moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MovementReason {
    /// Goods came in.
    Receipt,
    /// Goods left for a customer.
    Sale,
    /// A customer brought goods back.
    Return,
    /// Lost, broken, given away.
    WriteOff,
    /// A count found another number.
    Count,
    /// From one location to another.
    Transfer,
}

/// One line of a movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MovementLine {
    /// The SKU.
    pub sku: Sku,
    /// Units in (positive) or out (negative).
    pub delta: i64,
}

/// Reports what already happened to stock at one location. Never refused for stock: it may drive stock below zero and
/// then raises a count task. Idempotent by `external_id` for ever.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockFact {
    /// The source's id of the fact.
    pub external_id: ExternalId,
    /// Where.
    pub location: LocationKey,
    /// Why.
    pub reason: MovementReason,
    /// What.
    pub lines: Vec<MovementLine>,
    /// When it happened.
    pub at: Timestamp,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Why a stock fact is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StockRefusal {
    /// There is no such location.
    #[error("there is no location \"{0}\"")]
    UnknownLocation(LocationKey),
    /// The fact is not well formed.
    #[error("the stock fact is not valid: {0}")]
    Invalid(String),
    /// The room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What others may ask of stock.
#[async_trait::async_trait]
pub trait Inventory: Send + Sync {
    /// Availability per SKU asked for, in that order. An indication: only a reservation decides.
    async fn availability(&self, request: AvailabilityRequest) -> Result<Vec<Availability>, Fault>;
    /// Holds stock, all or nothing.
    async fn reserve(&self, request: Reserve) -> Result<Reserved, ReserveRefusal>;
    /// Allocates held stock to an order.
    async fn commit(&self, request: CommitReservation) -> Result<Vec<Allocation>, CommitRefusal>;
    /// Gives held stock back.
    async fn release(&self, request: ReleaseReservation) -> Result<(), Fault>;
    /// Records what already happened.
    async fn record(&self, request: StockFact) -> Result<(), StockRefusal>;
}

macro_rules! event {
    ($name:ident, |$this:ident| $subject:expr) => {
        impl EventPayload for $name {
            const SOURCE: &'static str = "emporia.inventory";
            const DETAIL_TYPE: &'static str = stringify!($name);
            const SCHEMA: u32 = 1;

            fn subject(&self) -> String {
                let $this = self;
                $subject
            }
        }
    };
}

/// Stock is held for somebody.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// For whom.
    pub holder: String,
    /// From where.
    pub allocations: Vec<Allocation>,
    /// Until when.
    #[schemars(with = "crate::instant::Instant")]
    pub until: Timestamp,
}
event!(StockReserved, |e| format!("reservation/{}", e.reservation_id));

/// Held stock now belongs to an order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReservationCommitted {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// The order.
    pub order_id: OrderId,
    /// From where.
    pub allocations: Vec<Allocation>,
}
event!(ReservationCommitted, |e| format!("reservation/{}", e.reservation_id));

/// Held stock was given back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReservationReleased {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// `expired`, `cancelled`, `edited` …
    pub reason: String,
    /// To where.
    pub allocations: Vec<Allocation>,
}
event!(ReservationReleased, |e| format!("reservation/{}", e.reservation_id));

/// Stock moved at one location.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockMoved {
    /// The movement.
    pub movement_id: MovementId,
    /// The location.
    pub location: LocationKey,
    /// Why.
    pub reason: MovementReason,
    /// What.
    pub lines: Vec<MovementLine>,
    /// What it belongs to: `order/ord_…`, an external id …
    pub reference: String,
}
event!(StockMoved, |e| format!("location/{}", e.location));

/// Another number of units is kept back from sale at one location: what is available changed by the difference.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SafetyStockSet {
    /// The location.
    pub location: LocationKey,
    /// The SKU.
    pub sku: Sku,
    /// Units kept back from now on.
    pub safety: i64,
    /// Units kept back before.
    pub before: i64,
}
event!(SafetyStockSet, |e| format!("stock/{}/{}", e.location, e.sku));

/// A ledger says something that cannot be true on the shelf: somebody should count.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountTaskRaised {
    /// The task.
    pub count_task_id: CountTaskId,
    /// The location.
    pub location: LocationKey,
    /// The SKU.
    pub sku: Sku,
    /// On hand by the ledger.
    pub on_hand: i64,
}
event!(CountTaskRaised, |e| format!("stock/{}/{}", e.location, e.sku));
