//! Prices per channel and SKU.

use crate::{
    channels::PriceKind,
    fault::Fault,
    values::{ChannelKey, Sku},
};
use emporia_events::EventPayload;
use emporia_money::{Money, UnitPrice};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A price as it holds at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// The SKU.
    pub sku: Sku,
    /// Per unit.
    pub unit: UnitPrice,
    /// Gross or net.
    pub kind: PriceKind,
    /// The price before a reduction, to strike through, when there is one.
    pub compare_at: Option<UnitPrice>,
    /// When it ends, when that is known.
    pub valid_until: Option<Timestamp>,
}

/// Asks for prices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PriceRequest {
    /// Which.
    pub skus: Vec<Sku>,
    /// Where.
    pub channel: ChannelKey,
    /// When.
    pub at: Timestamp,
}

/// What others may ask about prices. Answers come from memory, in microseconds.
#[async_trait::async_trait]
pub trait Pricing: Send + Sync {
    /// A price per SKU asked for, in that order; `None` where there is none at that time.
    async fn prices(&self, request: PriceRequest) -> Result<Vec<Option<Price>>, Fault>;
}

/// A price was set for a channel and SKU, with its window of validity.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceSet {
    /// The SKU.
    pub sku: Sku,
    /// The channel.
    pub channel: ChannelKey,
    /// Per unit, exact.
    pub unit: UnitPrice,
    /// Per unit, rounded to the currency, for numeric rules.
    pub price: Money,
    /// Gross or net.
    pub kind: PriceKind,
    /// First moment at which it holds.
    #[schemars(with = "Option<crate::instant::Instant>")]
    pub valid_from: Option<Timestamp>,
    /// First moment at which it no longer holds.
    #[schemars(with = "Option<crate::instant::Instant>")]
    pub valid_until: Option<Timestamp>,
    /// The unit price that it replaces, when it replaces one with the same window.
    pub previous: Option<UnitPrice>,
}

impl EventPayload for PriceSet {
    const SOURCE: &'static str = "emporia.pricing";
    const DETAIL_TYPE: &'static str = "PriceSet";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        format!("price/{}/{}", self.channel, self.sku)
    }
}
