use emporia_contracts::{
    Trouble,
    ids::{OrderId, PaymentId},
    payments::{PaymentFacts, PaymentMethod, PaymentState},
};
use emporia_events::EventMeta;
use emporia_money::Money;
use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("payments")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<Payment>()
        .index("payments_due")
        .index("payments_by_order")
        .index("payments_stuck")
        .collection::<OrderPayments>()
        .collection::<RawEvent>()
        .with(emporia_events::consumers)
}

/// What an entry of the ledger stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Money was held.
    Authorisation,
    /// Held money was taken.
    Capture,
    /// Taken money was given back.
    Refund,
    /// Held money was given up.
    Void,
}

/// An entry of a payment's ledger; entries are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it stands for.
    pub kind: EntryKind,
    /// How much.
    pub amount: Money,
    /// Idempotency key at the provider.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// Something that is to be done at the provider, noted before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) kind: EntryKind,
    pub(crate) amount: Money,
    pub(crate) key: String,
    pub(crate) reason: String,
    /// How often the provider has definitely refused it: each further try is another call there.
    #[serde(default)]
    pub(crate) refusals: u32,
    /// Who wants it, when nobody waits for it.
    #[serde(default)]
    pub(crate) meta: Option<EventMeta>,
}

impl Intent {
    /// Idempotency key at the provider: a definite refusal ends the call under the last one.
    pub(crate) fn provider_key(&self) -> String {
        match self.refusals {
            0 => self.key.clone(),
            refusals => format!("{}/{refusals}", self.key),
        }
    }
}

/// A payment: one tender with its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment.
    pub id: PaymentId,
    /// What it is for.
    pub reference: String,
    /// The order, once there is one.
    pub order: Option<OrderId>,
    /// Where it stands.
    pub state: PaymentState,
    /// Asked for.
    pub amount: Money,
    /// How; forgotten once the provider has decided.
    pub(crate) method: Option<PaymentMethod>,
    /// Where the provider sends the shopper back to.
    pub(crate) return_url: Option<String>,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// The ledger.
    pub entries: Vec<Entry>,
    /// What is noted but not known to be done.
    pub(crate) intents: Vec<Intent>,
    /// Where the shopper has to go.
    pub action_url: Option<String>,
    /// Why it was refused.
    pub decline_code: Option<String>,
    /// Brand.
    pub card_brand: Option<String>,
    /// Last four digits.
    pub card_last4: Option<String>,
    /// When the authorisation runs out.
    pub authorised_until: Option<Timestamp>,
    /// It is to be voided as soon as that is possible.
    pub(crate) give_up: Option<String>,
    /// It failed without the provider's word: another call of it may still have arrived there.
    #[serde(default)]
    pub(crate) unconfirmed: bool,
    /// When somebody should look at it.
    pub(crate) due: Option<Timestamp>,
    /// What keeps it from what is noted, while something does.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// When it began.
    pub created_at: Timestamp,
}

impl Payment {
    pub(crate) fn key_of(id: PaymentId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }

    /// Σ entries of a kind, in minor units. Every entry was checked to keep the sums within the amount.
    pub fn sum(&self, kind: EntryKind) -> i64 {
        self.entries.iter().filter(|e| e.kind == kind).map(|e| e.amount.minor()).sum()
    }

    /// Σ noted and done, in minor units.
    pub fn spoken_for(&self, kind: EntryKind) -> i64 {
        let noted = self.intents.iter().filter(|i| i.kind == kind).map(|i| i.amount.minor());
        self.sum(kind) + noted.sum::<i64>()
    }

    /// One that nobody has been asked for yet.
    pub(crate) fn new(id: PaymentId, reference: &str, amount: Money, now: Timestamp) -> Self {
        Self {
            id,
            reference: reference.to_owned(),
            order: None,
            state: PaymentState::Created,
            amount,
            method: None,
            return_url: None,
            provider_id: None,
            entries: vec![],
            intents: vec![],
            action_url: None,
            decline_code: None,
            card_brand: None,
            card_last4: None,
            authorised_until: None,
            give_up: None,
            unconfirmed: false,
            due: None,
            trouble: None,
            created_at: now,
        }
    }

    /// Whether something is to be asked of the provider: what it has not decided, what is noted, what is given up.
    pub fn wants(&self) -> bool {
        use PaymentState as S;
        let undecided = matches!(self.state, S::Created | S::Pending | S::RequiresAction);
        let given_up = self.give_up.is_some() && self.provider_id.is_some();
        let open = undecided || self.unconfirmed || !self.intents.is_empty();
        open || given_up && !matches!(self.state, S::Voided | S::Expired)
    }

    pub(crate) fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.amount.currency())
    }

    /// As others see it.
    pub fn facts(&self) -> PaymentFacts {
        // Held money that is being given up is nothing to rest on, whether or not the provider has done it yet.
        let given_up = self.give_up.is_some() && self.state == PaymentState::Authorised;
        PaymentFacts {
            payment_id: self.id,
            reference: self.reference.clone(),
            order_id: self.order,
            state: if given_up { PaymentState::Voided } else { self.state },
            amount: self.amount,
            authorised: self.money(self.sum(EntryKind::Authorisation)),
            captured: self.money(self.sum(EntryKind::Capture)),
            refunded: self.money(self.sum(EntryKind::Refund)),
            action_url: self.action_url.clone(),
            decline_code: self.decline_code.clone(),
            card_brand: self.card_brand.clone(),
            card_last4: self.card_last4.clone(),
            authorised_until: self.authorised_until,
        }
    }
}

impl Document for Payment {
    const COLLECTION: &'static str = "payment";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let trouble = self.trouble.as_ref().filter(|_| self.wants());
        let due = match trouble {
            Some(trouble) => trouble.again,
            None => self.due,
        };
        let due = due.map(|at| IndexEntry::new("payments_due", IndexKey::new().time(at)));
        let stuck = trouble.filter(|trouble| trouble.is_stuck());
        let stuck = stuck.map(|t| IndexEntry::new("payments_stuck", IndexKey::new().time(t.since)));
        let order = self.order.map(|order| {
            let key = IndexKey::new().text(&order.to_string()).time(self.created_at);
            IndexEntry::new("payments_by_order", key)
        });
        due.into_iter().chain(stuck).chain(order).collect()
    }
}

/// Which payments pay an order: those of a page of orders are found in two reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrderPayments {
    pub(crate) order: OrderId,
    pub(crate) payments: Vec<PaymentId>,
}

impl OrderPayments {
    pub(crate) fn key_of(order: OrderId) -> Key {
        Key::of(Self::COLLECTION, order.to_string())
    }
}

impl Document for OrderPayments {
    const COLLECTION: &'static str = "order-payments";

    fn key(&self) -> Key {
        Self::key_of(self.order)
    }
}

/// A verified webhook as it came: applied once, kept as evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RawEvent {
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) body: String,
    pub(crate) received_at: Timestamp,
}

impl Document for RawEvent {
    const COLLECTION: &'static str = "provider-event";

    fn key(&self) -> Key {
        Key::of(Self::COLLECTION, format!("{}/{}", self.provider, self.id))
    }
}
