use emporia_contracts::values::{ChannelKey, Sku};
use emporia_money::UnitPrice;
use emporia_store::{Document, Key, SpaceSchema};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("pricing").with(emporia_subgraph::audit_entries).schema(1).collection::<SkuPrices>()
}

/// What is asked for one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Offer {
    pub(crate) unit: UnitPrice,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) compare_at: Option<UnitPrice>,
}

/// A price with at least one bound: it holds in [from, until).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) offer: Offer,
}

impl Window {
    pub(crate) fn holds_at(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let before =
            |a: &Self, b: &Self| matches!((a.until, b.from), (Some(end), Some(begin)) if end <= begin);
        !before(self, other) && !before(other, self)
    }
}

/// All prices of one SKU in one channel: one document, so that no two windows can overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkuPrices {
    pub(crate) channel: ChannelKey,
    pub(crate) sku: Sku,
    pub(crate) base: Option<Offer>,
    /// In order of time, none overlapping another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) windows: Vec<Window>,
}

impl SkuPrices {
    /// A channel's prices are the children of its key: they are read together at the start, in order.
    pub(crate) fn key_of(channel: &ChannelKey, sku: &Sku) -> Key {
        Key::of(Self::COLLECTION, channel.as_str()).child(sku.as_str())
    }
}

impl Document for SkuPrices {
    const COLLECTION: &'static str = "price";

    fn key(&self) -> Key {
        Self::key_of(&self.channel, &self.sku)
    }
}
