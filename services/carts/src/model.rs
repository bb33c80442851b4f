use emporia_contracts::{
    Owner,
    carts::{CartFacts, CartLineFacts},
    ids::{CartId, CartLineId, CheckoutId, OrderId},
    values::{ChannelKey, Quantity, Sku},
};
use emporia_money::UnitPrice;
use emporia_store::{Document, IndexEntry, IndexKey, Key, SpaceSchema};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("carts")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<Cart>()
        .index("carts_by_owner")
        .index("carts_due")
}

/// Lines that a cart may have.
pub(crate) const MOST_LINES: usize = 500;
/// When a cart with lines that nobody touches counts as abandoned.
pub(crate) const ABANDONED_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// When a cart that nobody touches ends.
pub(crate) const EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Where a cart stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CartState {
    /// It can be edited.
    Active,
    /// A checkout is buying it: nobody edits it.
    Claimed {
        /// Which.
        by: CheckoutId,
        /// Which attempt of it.
        attempt: u32,
    },
    /// It lives on in another.
    Merged {
        /// Which.
        into: CartId,
    },
    /// Nobody came back.
    Expired,
    /// It became an order.
    Ordered {
        /// Which.
        order: OrderId,
    },
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// The line.
    pub id: CartLineId,
    /// The SKU; one line per SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// The unit price that the shopper saw when the line was last changed.
    pub seen_price: Option<UnitPrice>,
}

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// The cart.
    pub id: CartId,
    /// Whose it is.
    pub owner: Owner,
    /// Where it is filled.
    pub channel: ChannelKey,
    /// Its lines, in the order in which they were added.
    pub lines: Vec<CartLine>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: CartState,
    /// The checkout that was opened last.
    pub checkout: Option<CheckoutId>,
    /// Counts edits of the lines.
    pub revision: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited, or ended.
    pub updated_at: Timestamp,
    /// Whether its abandonment was told.
    pub abandoned: bool,
}

impl Cart {
    pub(crate) fn key_of(id: CartId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }

    /// Units of all lines.
    pub fn units(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity.units()).sum()
    }

    pub(crate) fn facts(&self) -> CartFacts {
        CartFacts {
            id: self.id,
            owner: self.owner.clone(),
            channel: self.channel.clone(),
            lines: self.line_facts(),
            revision: self.revision,
            ordered: match self.state {
                CartState::Ordered { order } => Some(order),
                _ => None,
            },
        }
    }

    pub(crate) fn line_facts(&self) -> Vec<CartLineFacts> {
        let fact = |l: &CartLine| CartLineFacts { id: l.id, sku: l.sku.clone(), quantity: l.quantity };
        self.lines.iter().map(fact).collect()
    }

    /// When somebody should look at it next.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let wait = if self.abandoned || self.lines.is_empty() { EXPIRES_AFTER } else { ABANDONED_AFTER };
        match self.state {
            CartState::Active => self.updated_at.saturating_add(wait).ok(),
            _ => None,
        }
    }
}

/// The index key of an owner.
pub(crate) fn owner_key(owner: &Owner) -> IndexKey {
    let (kind, id) = owner.kind_and_id();
    IndexKey::new().text(kind).text(&id)
}

impl Document for Cart {
    const COLLECTION: &'static str = "cart";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let mut entries: Vec<IndexEntry> = self
            .due()
            .into_iter()
            .map(|due| IndexEntry::new("carts_due", IndexKey::new().time(due)))
            .collect();
        if matches!(self.state, CartState::Active | CartState::Claimed { .. }) {
            let key = owner_key(&self.owner).text(self.channel.as_str()).time(self.created_at);
            entries.push(IndexEntry::new("carts_by_owner", key));
        }
        entries
    }

    fn expires_at(&self) -> Option<Timestamp> {
        // What ended is kept for a while, for whoever comes back to an old page.
        match self.state {
            CartState::Active | CartState::Claimed { .. } => None,
            _ => self.updated_at.saturating_add(EXPIRES_AFTER).ok(),
        }
    }
}
