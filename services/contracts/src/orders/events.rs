use crate::{
    ids::{
        CartId, CheckoutId, CustomerId, FulfilmentId, OrderId, OrderLineId, PaymentId, ReservationId,
        ReturnId,
    },
    inventory::Allocation,
    orders::{OrderMode, OrderTender, PricedLine, PricedSnapshot, ReturnCondition},
    values::{ChannelKey, CountryCode, ExternalId, LocationKey, Quantity, Sku},
};
use emporia_events::EventPayload;
use emporia_money::Money;
use emporia_vault::{PersonId, Sealed};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! order_event {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The order.
            pub order_id: OrderId,
            /// Its number.
            pub number: String,
            $($(#[$fmeta])* pub $field: $type,)*
        }

        impl EventPayload for $name {
            const SOURCE: &'static str = "emporia.orders";
            const DETAIL_TYPE: &'static str = stringify!($name);
            const SCHEMA: u32 = 1;

            fn subject(&self) -> String {
                format!("order/{}", self.order_id)
            }
        }
    };
}

/// Lines in one event: so many always fit the limit of an event's size, since a line has at most 2,000 bytes.
pub const LINES_PER_EVENT: usize = 100;

/// Units of one order line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineUnits {
    /// The line.
    pub line_id: OrderLineId,
    /// The SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

order_event!(
    /// An order was placed, or reported.
    OrderPlaced {
        /// Asked for or reported.
        mode: OrderMode,
        /// The source's id, for facts.
        external_id: Option<ExternalId>,
        /// Where it was sold.
        channel: ChannelKey,
        /// The customer, when known.
        customer_id: Option<CustomerId>,
        /// The person whose data it carries.
        person_id: Option<PersonId>,
        /// Mail address and postal addresses, sealed under the person's key.
        contact: Option<Sealed>,
        /// The language in which the shopper bought.
        locale: String,
        /// Country of delivery or of the store.
        country: CountryCode,
        /// Lines and totals. An order of more than [`LINES_PER_EVENT`] lines has only its first ones here.
        snapshot: PricedSnapshot,
        /// How many lines follow in `OrderLinesPlaced`.
        further_lines: usize,
        /// How it is paid.
        tenders: Vec<OrderTender>,
        /// From where it is served.
        allocations: Vec<Allocation>,
        /// The reservation behind the allocations.
        reservation_id: Option<ReservationId>,
        /// The checkout that made it.
        checkout_id: Option<CheckoutId>,
        /// The cart that it was.
        cart_id: Option<CartId>,
        /// When it was placed.
        #[schemars(with = "crate::instant::Instant")]
        placed_at: Timestamp,
        /// The goods left this location with the order.
        fulfilled_from: Option<LocationKey>,
        /// What to capture at once, per payment: all of it when nothing has to be shipped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        captures: Vec<CaptureShare>,
    }
);
order_event!(
    /// Further lines of an order that is too long for one event; they follow `OrderPlaced` in the same transaction.
    OrderLinesPlaced {
        /// The lines.
        lines: Vec<PricedLine>,
        /// When the order was placed.
        #[schemars(with = "crate::instant::Instant")]
        placed_at: Timestamp,
        /// The goods left this location with the order.
        fulfilled_from: Option<LocationKey>,
        /// How many lines came before these.
        offset: usize,
    }
);
order_event!(
    /// Units that had not been shipped were cancelled.
    OrderLinesCancelled {
        /// Which.
        lines: Vec<LineUnits>,
        /// What to give back to stock.
        allocations: Vec<Allocation>,
        /// How much less is to be paid.
        amount: Money,
        /// Why.
        reason: String,
        /// Payments of which nothing more will be captured: what they still hold is to be given up.
        void_payments: Vec<PaymentId>,
    }
);
order_event!(
    /// A location is to serve these units.
    FulfilmentCreated {
        /// The fulfilment.
        fulfilment_id: FulfilmentId,
        /// The location.
        location: LocationKey,
        /// What.
        lines: Vec<LineUnits>,
    }
);
order_event!(
    /// Units left a location.
    FulfilmentShipped {
        /// The fulfilment.
        fulfilment_id: FulfilmentId,
        /// The location.
        location: LocationKey,
        /// What.
        lines: Vec<LineUnits>,
        /// Carrier.
        carrier: Option<String>,
        /// Tracking number.
        tracking_number: Option<String>,
        /// What to capture now: the share of these units (and of delivery with the first), per payment.
        captures: Vec<CaptureShare>,
        /// The order's allocations that these units use up: at this location, or at another one that was planned first.
        /// Empty for goods that were never allocated.
        #[serde(default)]
        allocations: Vec<Allocation>,
        /// Payments of which nothing more will be captured: what they still hold is to be given up.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        void_payments: Vec<PaymentId>,
    }
);
order_event!(
    /// Units reached the customer.
    FulfilmentDelivered {
        /// The fulfilment.
        fulfilment_id: FulfilmentId,
        /// What.
        lines: Vec<LineUnits>,
    }
);
order_event!(
    /// A planned fulfilment was given up; its units wait for another.
    FulfilmentCancelled {
        /// The fulfilment.
        fulfilment_id: FulfilmentId,
        /// What.
        lines: Vec<LineUnits>,
    }
);
order_event!(
    /// A payment of ours changed what is still to be paid, or what is known of it.
    OrderPaymentNoted {
        /// The payment.
        payment_id: PaymentId,
        /// What it did, in words.
        text: String,
        /// Still to be paid; negative when we owe.
        outstanding: Money,
    }
);
order_event!(
    /// Nothing is left to do.
    OrderClosed {}
);

/// What to take from one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaptureShare {
    /// The payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
}

/// A line of a return, with what is given back for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnedLine {
    /// The order's line; absent in a blind return.
    pub order_line_id: Option<OrderLineId>,
    /// The SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// In which condition.
    pub condition: ReturnCondition,
    /// What is given back.
    pub refund: Money,
}

/// A return was recorded.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnRecorded {
    /// The return.
    pub return_id: ReturnId,
    /// The source's id.
    pub external_id: ExternalId,
    /// The order; absent in a blind return.
    pub order_id: Option<OrderId>,
    /// Where.
    pub channel: ChannelKey,
    /// Who, when known.
    pub customer_id: Option<CustomerId>,
    /// To which location.
    pub location: LocationKey,
    /// What.
    pub lines: Vec<ReturnedLine>,
    /// What is given back per payment of ours; the rest is settled where it was reported.
    pub refunds: Vec<CaptureShare>,
    /// When.
    #[schemars(with = "crate::instant::Instant")]
    pub at: Timestamp,
}

impl EventPayload for ReturnRecorded {
    const SOURCE: &'static str = "emporia.orders";
    const DETAIL_TYPE: &'static str = "ReturnRecorded";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        match self.order_id {
            Some(order) => format!("order/{order}"),
            None => format!("return/{}", self.return_id),
        }
    }
}
