use crate::{
    model::{Offer, SkuPrices, Window},
    source::PriceSource,
};
use emporia_contracts::{
    channels::{Channel, PriceKind},
    pricing::Price,
    values::{ChannelKey, Sku},
};
use emporia_money::UnitPrice;
use emporia_store::{Version, Versioned};
use jiff::Timestamp;
use parking_lot::RwLock;
use std::{collections::HashMap, sync::Arc};

/// A price as it was set, with its window; without bounds it is the base price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduledPrice {
    /// Per unit.
    pub unit: UnitPrice,
    /// The price before a reduction.
    pub compare_at: Option<UnitPrice>,
    /// First moment at which it holds.
    pub valid_from: Option<Timestamp>,
    /// First moment at which it no longer holds.
    pub valid_until: Option<Timestamp>,
}

/// All prices in memory, a map per channel. Setting a price locks its channel's map for as long as one entry takes;
/// nothing is copied.
#[derive(Default)]
pub(crate) struct PriceTable {
    channels: RwLock<HashMap<ChannelKey, Arc<ChannelPrices>>>,
}

struct ChannelPrices {
    kind: PriceKind,
    prices: RwLock<HashMap<Sku, Held>>,
}

/// The prices of one SKU, small: most have a base price only, and an empty box has no allocation.
struct Held {
    version: Version,
    base: Option<Offer>,
    windows: Box<[Window]>,
}

impl Held {
    fn at(&self, at: Timestamp) -> Option<(Offer, Option<Timestamp>)> {
        if let Some(window) = self.windows.iter().find(|w| w.holds_at(at)) {
            return Some((window.offer, window.until));
        }
        // The base price ends, for now, where the next window begins.
        let next = self.windows.iter().filter_map(|w| w.from).find(|from| *from > at);
        self.base.map(|base| (base, next))
    }
}

impl PriceTable {
    /// Makes room for a channel. That it is gross or net never changes.
    pub(crate) fn open(&self, channel: &Channel) {
        self.channels.write().entry(channel.key.clone()).or_insert_with(|| {
            Arc::new(ChannelPrices { kind: channel.price_kind, prices: RwLock::default() })
        });
    }

    /// Takes what the store has. A document older than what is here is left out, so the order in which writers come
    /// back from the store does not matter.
    pub(crate) fn take_in(&self, documents: impl IntoIterator<Item = Versioned<SkuPrices>>) {
        for Versioned { version, value } in documents {
            let Some(channel) = self.channel(&value.channel) else { continue };
            let mut prices = channel.prices.write();
            if prices.get(&value.sku).is_none_or(|held| held.version < version) {
                let held = Held { version, base: value.base, windows: value.windows.into_boxed_slice() };
                prices.insert(value.sku, held);
            }
        }
    }

    /// Everything that is set for a SKU: the base price first, then the windows in order of time.
    pub(crate) fn schedule(&self, channel: &ChannelKey, sku: &Sku) -> Vec<ScheduledPrice> {
        let Some(channel) = self.channel(channel) else { return vec![] };
        let prices = channel.prices.read();
        let Some(held) = prices.get(sku) else { return vec![] };
        let one = |offer: Offer, valid_from, valid_until| ScheduledPrice {
            unit: offer.unit,
            compare_at: offer.compare_at,
            valid_from,
            valid_until,
        };
        let base = held.base.map(|offer| one(offer, None, None));
        base.into_iter().chain(held.windows.iter().map(|w| one(w.offer, w.from, w.until))).collect()
    }

    fn channel(&self, key: &ChannelKey) -> Option<Arc<ChannelPrices>> {
        self.channels.read().get(key).cloned()
    }
}

impl PriceSource for PriceTable {
    fn price(&self, channel: &ChannelKey, sku: &Sku, at: Timestamp) -> Option<Price> {
        self.prices(channel, std::slice::from_ref(sku), at).pop().flatten()
    }

    fn prices(&self, channel: &ChannelKey, skus: &[Sku], at: Timestamp) -> Vec<Option<Price>> {
        let Some(channel) = self.channel(channel) else { return vec![None; skus.len()] };
        let prices = channel.prices.read();
        let price = |sku: &Sku| {
            let (offer, valid_until) = prices.get(sku)?.at(at)?;
            let Offer { unit, compare_at } = offer;
            Some(Price { sku: sku.clone(), unit, kind: channel.kind, compare_at, valid_until })
        };
        skus.iter().map(price).collect()
    }
}
