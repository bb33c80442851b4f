use crate::{
    context::Owner,
    fault::Fault,
    ids::{CartId, CheckoutId, CustomerId, OrderId, OrderLineId, PaymentId, ReservationId, ReturnId},
    inventory::Allocation,
    orders::PricedSnapshot,
    values::{Address, ChannelKey, CountryCode, Email, ExternalId, LocationKey, Quantity, Sku},
};
use emporia_events::EventMeta;
use emporia_money::Money;
use emporia_vault::{PersonId, Sealed};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether an order was asked for or reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderMode {
    /// Asked for: availability, price and payment were checked.
    Request,
    /// Already happened elsewhere (till, marketplace, import) and is reported.
    Fact,
}

/// How something was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TenderKind {
    /// A card, by a payment of ours.
    Card,
    /// Cash.
    Cash,
    /// Settled in another system; only reported.
    External,
}

/// One tender of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderTender {
    /// How.
    pub kind: TenderKind,
    /// How much.
    pub amount: Money,
    /// Our payment, when it is one.
    pub payment_id: Option<PaymentId>,
    /// For people: `Visa •••• 4242`, or the other system's reference.
    pub label: String,
}

/// Who ordered and where it goes. Personal: sealed under the person's key wherever it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderContact {
    /// Where mail about the order goes.
    pub email: Email,
    /// Where the goods go.
    pub shipping: Option<Address>,
    /// Where the invoice goes; the shipping address when absent.
    pub billing: Option<Address>,
}

/// What a reported amount is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// A line's amount, with what our price makes it.
    Line,
    /// The total, with the sum of what was reported.
    Total,
    /// The sum of the tenders, with the sum of what was reported.
    Tenders,
}

/// Where a reported order is not what we calculate. What was reported stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// Of which line.
    pub sku: Option<Sku>,
    /// As reported.
    pub given: Money,
    /// As we calculate it.
    pub calculated: Money,
}

/// Makes an order. Idempotent by its id, and by `external_id` where there is one, for ever.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceOrder {
    /// The caller's id for it.
    pub order: OrderId,
    /// Asked for or reported.
    pub mode: OrderMode,
    /// The source's id, for facts.
    pub external_id: Option<ExternalId>,
    /// Where it was sold.
    pub channel: ChannelKey,
    /// What its number begins with.
    pub number_prefix: String,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// The customer, when known.
    pub customer: Option<CustomerId>,
    /// The person whose data it carries.
    pub person: Option<PersonId>,
    /// [`OrderContact`], sealed.
    pub contact: Option<Sealed>,
    /// The language in which the shopper bought.
    pub locale: String,
    /// Country of delivery or of the store.
    pub country: CountryCode,
    /// Lines and totals.
    pub snapshot: PricedSnapshot,
    /// How it is paid.
    pub tenders: Vec<OrderTender>,
    /// From where it is served.
    pub allocations: Vec<Allocation>,
    /// The reservation behind the allocations.
    pub reservation: Option<ReservationId>,
    /// The checkout that made it.
    pub checkout: Option<CheckoutId>,
    /// The cart that it was.
    pub cart: Option<CartId>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// For facts: the goods already left this location with the order.
    pub fulfilled_from: Option<LocationKey>,
    /// For facts: where they are not what we calculate.
    #[serde(default)]
    pub differences: Vec<Difference>,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// An order was made, now or by an earlier call with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedOrder {
    /// The order.
    pub order: OrderId,
    /// Its number for people: unique per channel.
    pub number: String,
    /// Whether an earlier call had made it.
    pub replayed: bool,
}

/// Whether returned goods can be sold again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnCondition {
    /// Back on the shelf.
    Restock,
    /// Kept, not for sale.
    Damaged,
    /// Nothing came back (a charge is refunded, goods stay with the customer).
    NoGoods,
}

/// A line of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnLine {
    /// The order's line; absent in a blind return.
    pub order_line: Option<OrderLineId>,
    /// The SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// In which condition.
    pub condition: ReturnCondition,
    /// What was given back for the line, as reported; computed from the paid share when absent (then the line must be
    /// referenced).
    pub refund: Option<Money>,
}

/// Reports a return that happened. Idempotent by `external_id` for ever. Never refused for stock; a referenced return
/// beyond what was delivered is refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordReturn {
    /// The caller's id for it.
    pub return_id: ReturnId,
    /// The source's id.
    pub external_id: ExternalId,
    /// The order; absent in a blind return.
    pub order: Option<OrderId>,
    /// Where it was brought back.
    pub channel: ChannelKey,
    /// Who brought it, when known.
    pub customer: Option<CustomerId>,
    /// To which location.
    pub location: LocationKey,
    /// What.
    pub lines: Vec<ReturnLine>,
    /// When.
    pub at: Timestamp,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// A return was recorded, now or by an earlier call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedReturn {
    /// The return.
    pub return_id: ReturnId,
    /// What is given back in all.
    pub refund: Option<Money>,
    /// Whether an earlier call had recorded it.
    pub replayed: bool,
}

/// Why an order operation is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum OrderRefusal {
    /// There is none of that id.
    #[error("there is no order {0}")]
    NotFound(String),
    /// The id was used with other data.
    #[error("{0} was already used with other data")]
    Reused(String),
    /// The request is not well formed.
    #[error("the order is not valid: {0}")]
    Invalid(String),
    /// The order's state does not allow it.
    #[error("{0}")]
    State(String),
    /// The room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An order as other services see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// The order.
    pub order: OrderId,
    /// Its number.
    pub number: String,
    /// Where it was sold.
    pub channel: ChannelKey,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// What was to be paid.
    pub total: Money,
    /// When it was placed.
    pub placed_at: Timestamp,
}

/// What others may ask of orders.
#[async_trait::async_trait]
pub trait Orders: Send + Sync {
    /// Makes an order.
    async fn place(&self, request: PlaceOrder) -> Result<PlacedOrder, OrderRefusal>;
    /// Records a return that happened.
    async fn record_return(&self, request: RecordReturn) -> Result<RecordedReturn, OrderRefusal>;
    /// The order of that id; `None` when there is none.
    async fn order(&self, order: OrderId) -> Result<Option<OrderView>, Fault>;
}
