use emporia_contracts::{
    ids::{FulfilmentId, OrderId, OrderLineId},
    inventory::Allocation,
    values::LocationKey,
};
use emporia_store::{Document, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a fulfilment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FulfilmentState {
    /// To be picked and packed.
    Planned,
    /// Handed to the carrier.
    Shipped,
    /// With the customer.
    Delivered,
    /// Given up; its units wait for another.
    Cancelled,
}

impl FulfilmentState {
    /// Whether a fulfilment may go from here to there.
    pub fn allows(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Planned, Self::Shipped | Self::Cancelled) | (Self::Shipped, Self::Delivered)
        )
    }
}

/// Units of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCount {
    /// The line.
    pub line: OrderLineId,
    /// How many.
    pub units: i64,
}

/// What leaves one location together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// The fulfilment.
    pub id: FulfilmentId,
    /// Its order.
    pub order: OrderId,
    /// The location.
    pub location: LocationKey,
    /// What.
    pub lines: Vec<LineCount>,
    /// What of the order's allocations it uses up, at its own location as far as possible.
    #[serde(default)]
    pub allocations: Vec<Allocation>,
    /// Where it stands.
    pub state: FulfilmentState,
    /// Carrier.
    pub carrier: Option<String>,
    /// Tracking number.
    pub tracking_number: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it left.
    pub shipped_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
}

impl Fulfilment {
    pub(crate) fn key_of(order: OrderId, id: FulfilmentId) -> Key {
        Key::of(Self::COLLECTION, order.to_string()).child(id.to_string())
    }
}

impl Document for Fulfilment {
    const COLLECTION: &'static str = "fulfilment";

    fn key(&self) -> Key {
        Self::key_of(self.order, self.id)
    }
}
