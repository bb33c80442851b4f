//! Sales channels: where, in which currency and by which rules something is sold.

use crate::{
    fault::Fault,
    values::{ChannelKey, CountryCode, Locale, LocationKey},
};
use emporia_events::EventPayload;
use emporia_money::{Currency, Rounding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whether prices include tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// Prices include tax.
    Gross,
    /// Tax is added at the end.
    Net,
}

/// Where tax is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingPlace {
    /// Per unit, then times the quantity.
    Unit,
    /// Per line.
    Line,
    /// Once per tax rate; the lines get shares of it.
    RateGroup,
    /// Once per order; the lines get shares of it.
    Order,
}

/// How a channel rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoundingPolicy {
    /// Half-even or half-up.
    pub mode: Rounding,
    /// Where tax is rounded.
    pub place: RoundingPlace,
}

/// One sales channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelFacts {
    /// Its key, as in the header `emporia-channel`.
    pub key: ChannelKey,
    /// Its name for people.
    pub name: String,
    /// The currency of all its prices.
    pub currency: Currency,
    /// Gross or net prices.
    pub price_kind: PriceKind,
    /// The language when the request names none that we have.
    pub default_locale: Locale,
    /// Languages offered.
    pub locales: Vec<Locale>,
    /// Where it delivers; the first is assumed until an address is known.
    pub countries: Vec<CountryCode>,
    /// Rounding of lines and tax.
    pub rounding: RoundingPolicy,
    /// Locations it sells from, in order of preference.
    pub stock_pool: Vec<LocationKey>,
    /// What its order numbers begin with.
    pub order_prefix: String,
    /// IANA time zone of its days.
    pub time_zone: String,
}

/// A channel, cheap to pass on.
pub type Channel = Arc<ChannelFacts>;

/// What others may ask about channels. All answers come from memory.
#[async_trait::async_trait]
pub trait Channels: Send + Sync {
    /// The channel of that key; `None` when there is none.
    async fn channel(&self, key: ChannelKey) -> Result<Option<Channel>, Fault>;
    /// Every channel, by key.
    async fn channels(&self) -> Result<Vec<Channel>, Fault>;
}

/// A channel was made or its rules changed; `before` is absent when it is new.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelDefined {
    /// Its key.
    pub key: ChannelKey,
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// Gross or net.
    pub price_kind: PriceKind,
    /// Rounding policy.
    pub rounding: RoundingPolicy,
    /// Locations it sells from.
    pub stock_pool: Vec<LocationKey>,
}

impl EventPayload for ChannelDefined {
    const SOURCE: &'static str = "emporia.channels";
    const DETAIL_TYPE: &'static str = "ChannelDefined";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        format!("channel/{}", self.key)
    }
}
