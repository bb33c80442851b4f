mod fulfilment;
mod number;
mod returned;

pub use fulfilment::{Fulfilment, FulfilmentState, LineCount};
pub(crate) use number::NumberBlock;
pub use returned::ReturnDocument;

use emporia_contracts::{
    Owner,
    channels::PriceKind,
    ids::{CartId, CheckoutId, CustomerId, FulfilmentId, OrderId, ReservationId, ReturnId},
    inventory::Allocation,
    orders::{CaptureShare, DeliveryCharge, Difference, OrderMode, OrderTender, PricedLine, Totals},
    values::{ChannelKey, CountryCode, ExternalId, LocationKey},
};
use emporia_money::{Currency, Money, MoneyError};
use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema};
use emporia_vault::{PersonId, Sealed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("orders")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<Order>()
        .unique("order_number")
        .unique("order_external_id")
        .index("orders_by_owner")
        .index("orders_by_person")
        .index("orders_by_time")
        .collection::<FurtherLines>()
        .collection::<Fulfilment>()
        .collection::<ReturnDocument>()
        .unique("return_external_id")
        .collection::<NumberBlock>()
        .with(emporia_events::consumers)
}

/// Lines in the order's own document, and in each document of further lines. A line has at most 2,000 bytes, so that
/// the order's document has room for its ledger and timeline.
pub(crate) const LINES_PER_DOCUMENT: usize = 60;

/// What happened to the units of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Given up before they were shipped.
    pub cancelled: i64,
    /// In a fulfilment, shipped or not.
    pub planned: i64,
    /// Left the house.
    pub shipped: i64,
    /// Reached the customer.
    pub delivered: i64,
    /// Came back.
    pub returned: i64,
    /// Money of the shipped units, in minor units: what a full return gives back.
    #[serde(default)]
    pub charged: i64,
    /// Share of `charged` that stands for the returned units.
    #[serde(default)]
    pub credited: i64,
}

/// A line of an order: what was bought, and what became of its units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    /// As it was priced.
    #[serde(flatten)]
    pub priced: PricedLine,
    /// What became of its units.
    #[serde(default)]
    pub units: Units,
}

impl OrderLine {
    /// Units that are neither cancelled nor in a fulfilment.
    pub fn open(&self) -> i64 {
        self.priced.quantity.units() - self.units.cancelled - self.units.planned
    }
}

/// What an entry of the ledger stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// The order's total: to be paid.
    Charge,
    /// Money taken by a payment of ours.
    Capture,
    /// Paid outside, as reported.
    Settlement,
    /// Units given up: less to be paid.
    Cancellation,
    /// Goods came back: credit.
    Return,
    /// Money given back.
    Refund,
}

/// An entry of the order's ledger. The sum of all is what is still to be paid (negative: owed to the customer).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// What it stands for.
    pub kind: LedgerKind,
    /// Signed: charges and refunds are positive, payments and credits negative.
    pub amount: Money,
    /// The payment, refund, return or fulfilment behind it; the same reference and kind is entered once.
    pub reference: String,
    /// When.
    pub at: Timestamp,
}

/// Who did what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// The event's type.
    pub event: String,
    /// Who.
    pub actor: String,
    /// In words.
    pub text: String,
}

/// An order. Lines beyond the first ones are in [`FurtherLines`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Its number for people.
    pub number: String,
    /// Asked for or reported.
    pub mode: OrderMode,
    /// The source's id, for facts.
    pub external_id: Option<ExternalId>,
    /// Hash of what was asked: the same id with other data is refused.
    pub fingerprint: String,
    /// Where it was sold.
    pub channel: ChannelKey,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// The customer, when known.
    pub customer: Option<CustomerId>,
    /// The person whose data it carries.
    pub person: Option<PersonId>,
    /// Mail and postal addresses, sealed.
    pub contact: Option<Sealed>,
    /// Language.
    pub locale: String,
    /// Country of delivery or of the store.
    pub country: CountryCode,
    /// Currency of every amount.
    pub currency: Currency,
    /// Gross or net unit prices.
    pub price_kind: PriceKind,
    /// Totals, computed once.
    pub totals: Totals,
    /// Delivery.
    pub delivery: Option<DeliveryCharge>,
    /// Evidence: version of the tax rates.
    pub rates_version: String,
    /// Number of lines in all.
    pub line_count: usize,
    /// The first lines.
    pub lines: Vec<OrderLine>,
    /// How it is paid.
    pub tenders: Vec<OrderTender>,
    /// What is allocated to it and not yet in a fulfilment.
    pub allocations: Vec<Allocation>,
    /// The reservation behind.
    pub reservation: Option<ReservationId>,
    /// The checkout that made it.
    pub checkout: Option<CheckoutId>,
    /// The cart that it was.
    pub cart: Option<CartId>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Where the goods left with the order.
    pub fulfilled_from: Option<LocationKey>,
    /// The delivery charge is captured with the first shipment.
    pub delivery_captured: bool,
    /// What was asked of each payment so far.
    pub captures: Vec<CaptureShare>,
    /// What each payment was asked to give back so far.
    #[serde(default)]
    pub refunds: Vec<CaptureShare>,
    /// Where a reported order is not what we calculate.
    #[serde(default)]
    pub differences: Vec<Difference>,
    /// Its fulfilments, in the order of their making; unknown of orders that are older than this list.
    #[serde(default)]
    pub(crate) fulfilments: Option<Vec<FulfilmentId>>,
    /// Its returns, likewise.
    #[serde(default)]
    pub(crate) returns: Option<Vec<ReturnId>>,
    /// The ledger.
    pub ledger: Vec<LedgerEntry>,
    /// The timeline.
    pub timeline: Vec<TimelineEntry>,
    /// Counts changes.
    pub revision: u32,
}

/// An order's status, derived from units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Something is still to be done.
    Open,
    /// Every unit was delivered or cancelled.
    Closed,
    /// Every unit was cancelled.
    Cancelled,
}

impl Order {
    pub(crate) fn key_of(id: OrderId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }

    /// Σ ledger.
    ///
    /// # Errors
    /// [`MoneyError`] when the sum overflows.
    pub fn outstanding(&self) -> Result<Money, MoneyError> {
        Money::sum(self.currency, self.ledger.iter().map(|entry| entry.amount))
    }

    /// Enters an amount once per kind and reference.
    pub(crate) fn enter(
        &mut self,
        kind: LedgerKind,
        amount: Money,
        reference: String,
        at: Timestamp,
    ) -> bool {
        let there = self.ledger.iter().any(|e| e.kind == kind && e.reference == reference);
        if !there {
            self.ledger.push(LedgerEntry { kind, amount, reference, at });
        }
        !there
    }

    pub(crate) fn note(&mut self, at: Timestamp, event: &str, actor: &str, text: String) {
        self.timeline.push(TimelineEntry { at, event: event.to_owned(), actor: actor.to_owned(), text });
        self.revision = self.revision.saturating_add(1);
    }

    /// Notes what happened elsewhere, unless it was noted before.
    pub(crate) fn note_once(&mut self, at: Timestamp, event: &str, actor: &str, text: String) {
        let there = self
            .timeline
            .iter()
            .any(|e| e.at == at && e.event == event && e.actor == actor && e.text == text);
        if !there {
            self.note(at, event, actor, text);
        }
    }
}

/// The index key of an owner.
pub(crate) fn owner_key(owner: &Owner) -> IndexKey {
    let (kind, id) = owner.kind_and_id();
    IndexKey::new().text(kind).text(&id)
}

/// The unique index key of an external id: unique within its channel.
pub(crate) fn external_key(channel: &ChannelKey, id: &ExternalId) -> IndexKey {
    IndexKey::new().text(channel.as_str()).text(id.as_str())
}

impl Document for Order {
    const COLLECTION: &'static str = "order";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let number = IndexKey::new().text(self.channel.as_str()).text(&self.number);
        let time = IndexKey::new().text(self.channel.as_str()).time(self.placed_at);
        let mut entries =
            vec![IndexEntry::new("order_number", number), IndexEntry::new("orders_by_time", time)];
        if let Some(id) = &self.external_id {
            entries.push(IndexEntry::new("order_external_id", external_key(&self.channel, id)));
        }
        if let Some(owner) = &self.owner {
            entries.push(IndexEntry::new("orders_by_owner", owner_key(owner).time(self.placed_at)));
        }
        if let Some(person) = &self.person {
            let key = IndexKey::new().text(&person.to_string()).time(self.placed_at);
            entries.push(IndexEntry::new("orders_by_person", key));
        }
        entries
    }
}

/// Lines of a long order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FurtherLines {
    pub(crate) order: OrderId,
    pub(crate) number: usize,
    pub(crate) lines: Vec<OrderLine>,
}

impl FurtherLines {
    pub(crate) fn key_of(order: OrderId, number: usize) -> Key {
        Key::of(Self::COLLECTION, order.to_string()).child(format!("{number:05}"))
    }
}

impl Document for FurtherLines {
    const COLLECTION: &'static str = "order-lines";

    fn key(&self) -> Key {
        Self::key_of(self.order, self.number)
    }
}
