use emporia_contracts::{
    Owner, Trouble,
    checkout::{DeliveryOptionDefined, DeliveryRateFacts},
    ids::{CartId, CheckoutId, CustomerId, OrderId, PaymentId, ReservationId},
    inventory::Allocation,
    orders::PricedSnapshot,
    payments::PaymentMethod,
    values::{ChannelKey, CountryCode, TaxCategory},
};
use emporia_money::Money;
use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema};
use emporia_vault::{PersonId, Sealed};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a checkout is kept after it ended.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("checkout")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<Checkout>()
        .index("checkouts_due")
        .index("checkouts_by_person")
        .index("checkouts_stuck")
        .collection::<DeliveryOption>()
        .index("delivery_options")
}

/// Where a checkout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutState {
    /// Something is missing: delivery, or a new price after the cart changed.
    Draft,
    /// Priced; the shopper may buy.
    Priced,
    /// Stock is being held.
    Reserving,
    /// Stock is held; payments are under way.
    Paying,
    /// All payments are authorised; the order is being made.
    Authorised,
    /// There is an order.
    Completed,
    /// The shopper gave up, or the cart went away.
    Cancelled,
    /// The shopper did not come back.
    Expired,
}

impl CheckoutState {
    /// Whether a checkout may go from here to there.
    pub fn allows(self, to: Self) -> bool {
        use CheckoutState as S;
        matches!(
            (self, to),
            (S::Draft, S::Priced | S::Draft | S::Cancelled | S::Expired)
                | (S::Priced, S::Priced | S::Draft | S::Reserving | S::Cancelled | S::Expired)
                | (S::Reserving, S::Paying | S::Priced | S::Reserving)
                | (S::Paying, S::Authorised | S::Priced | S::Paying | S::Cancelled | S::Expired)
                | (S::Authorised, S::Completed | S::Authorised | S::Priced)
                | (S::Cancelled, S::Cancelled)
                | (S::Expired, S::Expired)
                | (S::Completed, S::Completed)
        )
    }

    /// Its name as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Priced => "priced",
            Self::Reserving => "reserving",
            Self::Paying => "paying",
            Self::Authorised => "authorised",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the saga is between the shopper's word and its result.
    pub fn under_way(self) -> bool {
        matches!(self, Self::Reserving | Self::Paying | Self::Authorised)
    }
}

/// How some of the total is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tender {
    /// The payment: its id is committed before the provider is asked.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// By which means.
    pub method: PaymentMethod,
    /// Where the provider sends the shopper back to.
    pub return_url: Option<String>,
    /// For people, once the provider told: `Visa •••• 4242`.
    pub label: Option<String>,
}

/// What is to be taken back in other rooms. It is committed together with the decision and done afterwards, by whoever
/// comes first; each part may be done twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Payments to be given up.
    pub void: Vec<PaymentId>,
    /// Reservations to be released.
    pub release: Vec<ReservationId>,
    /// The attempt whose claim of the cart is to be given up.
    pub unclaim: Option<u32>,
    /// Why, in a word.
    pub reason: String,
}

impl Undo {
    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.void.is_empty() && self.release.is_empty() && self.unclaim.is_none()
    }
}

/// One passage from a cart to an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkout {
    /// The checkout.
    pub id: CheckoutId,
    /// The cart.
    pub cart: CartId,
    /// The revision of the cart that was priced.
    pub cart_revision: u32,
    /// Whose it is.
    pub owner: Owner,
    /// The customer, when signed in.
    pub customer: Option<CustomerId>,
    /// Whose data it carries.
    pub person: PersonId,
    /// Mail and postal addresses, sealed.
    pub contact: Sealed,
    /// Country of delivery.
    pub country: CountryCode,
    /// Where.
    pub channel: ChannelKey,
    /// Language.
    pub locale: String,
    /// One id through all that this checkout causes.
    pub correlation_id: String,
    /// The chosen delivery option.
    pub delivery_option: Option<String>,
    /// What is bought at which price.
    pub snapshot: Option<PricedSnapshot>,
    /// The reservation, from the moment it is asked for.
    pub reservation: Option<ReservationId>,
    /// From where it will be served.
    pub allocations: Vec<Allocation>,
    /// How it is paid.
    pub tenders: Vec<Tender>,
    /// The order that it becomes: its id is committed before it is made.
    pub order: Option<OrderId>,
    /// The order's number, once there is one.
    pub order_number: Option<String>,
    /// Why the last payment failed.
    pub decline_code: Option<String>,
    /// Where it stands.
    pub state: CheckoutState,
    /// Counts changes of this document: a step is taken from what was read, or not at all.
    pub revision: u32,
    /// Counts the shopper's attempts to buy.
    pub attempt: u32,
    /// When the present attempt began.
    pub attempt_began: Option<Timestamp>,
    /// What a decision that is committed still has to do in other rooms.
    #[serde(default)]
    pub undo: Undo,
    /// When somebody should look at it: to take it on, or to let it expire.
    pub due: Timestamp,
    /// What keeps it from going on, while something does.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// When it began.
    pub started_at: Timestamp,
}

impl Checkout {
    pub(crate) fn key_of(id: CheckoutId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }

    /// Whether it has ended and nothing is left to take back.
    pub fn is_done(&self) -> bool {
        use CheckoutState as S;
        matches!(self.state, S::Completed | S::Cancelled | S::Expired) && self.undo.is_done()
    }

    /// What is to be paid, once it is priced.
    pub fn total(&self) -> Option<Money> {
        self.snapshot.as_ref().map(|s| s.totals.total)
    }
}

impl Document for Checkout {
    const COLLECTION: &'static str = "checkout";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let person = IndexKey::new().text(&self.person.to_string()).time(self.started_at);
        let mut entries = vec![IndexEntry::new("checkouts_by_person", person)];
        if self.is_done() {
            return entries;
        }
        let index = match &self.trouble {
            Some(trouble) => match trouble.again {
                Some(again) => IndexEntry::new("checkouts_due", IndexKey::new().time(again)),
                None => IndexEntry::new("checkouts_stuck", IndexKey::new().time(trouble.since)),
            },
            None => {
                // What a decision still has to take back is due at once.
                let due = if self.undo.is_done() { self.due } else { self.started_at };
                IndexEntry::new("checkouts_due", IndexKey::new().time(due))
            }
        };
        entries.push(index);
        entries
    }

    fn expires_at(&self) -> Option<Timestamp> {
        // What ended is kept for a while, for whoever comes back to an old page; its order is kept by orders.
        self.due.saturating_add(KEPT).ok().filter(|_| self.is_done())
    }
}

/// What delivery costs from some value of goods on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRate {
    /// The least value of the goods, in the channel's price kind.
    pub from: Money,
    /// The charge, in the channel's price kind.
    pub charge: Money,
}

/// A way to deliver, as a channel offers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryOption {
    /// Its key in the channel: `standard`, `express`.
    pub key: String,
    /// The channel.
    pub channel: ChannelKey,
    /// Its name by language.
    pub names: std::collections::BTreeMap<String, String>,
    /// Where it goes; everywhere the channel delivers when empty.
    pub countries: Vec<CountryCode>,
    /// The most that a parcel may weigh, in grams.
    pub max_weight_grams: Option<u64>,
    /// Charges by value of goods, the least value first.
    pub rates: Vec<DeliveryRate>,
    /// Class of the charge for tax.
    pub tax_category: TaxCategory,
    /// Working days from order to door, at least and at most.
    pub days: (u8, u8),
    /// Order in the list.
    pub position: u16,
}

impl DeliveryOption {
    /// As the event tells it.
    pub(crate) fn defined(&self) -> DeliveryOptionDefined {
        let rate = |rate: &DeliveryRate| DeliveryRateFacts { from: rate.from, charge: rate.charge };
        DeliveryOptionDefined {
            channel: self.channel.clone(),
            key: self.key.clone(),
            countries: self.countries.clone(),
            max_weight_grams: self.max_weight_grams,
            rates: self.rates.iter().map(rate).collect(),
            min_days: self.days.0,
            max_days: self.days.1,
        }
    }
}

impl Document for DeliveryOption {
    const COLLECTION: &'static str = "delivery-option";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, self.channel.as_str()).child(self.key.clone())
    }

    fn index(&self) -> Vec<IndexEntry> {
        let key = IndexKey::new().text(self.channel.as_str()).int(i64::from(self.position)).text(&self.key);
        vec![IndexEntry::new("delivery_options", key)]
    }
}
