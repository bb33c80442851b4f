//! What may be done to prices: decisions only.

use crate::model::{Offer, SkuPrices, Window};
use emporia_contracts::{
    channels::ChannelFacts,
    pricing::PriceSet,
    values::{ChannelKey, Sku},
};
use emporia_money::{Currency, MoneyError, UnitPrice};
use jiff::{SignedDuration, Timestamp};

/// Windows that a SKU may have in a channel.
const MOST: usize = 200;
/// How long a window is kept after its end.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Sets the price of a SKU in a channel: the base price when both bounds are absent.
#[derive(Debug, Clone)]
pub struct SetPrice {
    /// The channel.
    pub channel: ChannelKey,
    /// The SKU.
    pub sku: Sku,
    /// Per unit, in the channel's currency.
    pub unit: UnitPrice,
    /// The price before a reduction, to strike through.
    pub compare_at: Option<UnitPrice>,
    /// First moment at which it holds.
    pub valid_from: Option<Timestamp>,
    /// First moment at which it no longer holds.
    pub valid_until: Option<Timestamp>,
    /// What the caller expects to replace.
    pub expected: Expected,
}

/// What the caller of [`SetPrice`] expects to replace: the base price, or the price of the window that begins at the
/// same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there.
    Anything,
    /// There is none yet.
    Nothing,
    /// This price.
    Price(UnitPrice),
}

/// What came of setting a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSetting {
    /// It is new or another one now.
    Set {
        /// The unit price that it replaced.
        previous: Option<UnitPrice>,
    },
    /// It was so already.
    Unchanged,
}

/// Why a price is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceRefusal {
    /// There is no such channel.
    #[error("there is no channel \"{0}\"")]
    UnknownChannel(ChannelKey),
    /// A channel has one currency.
    #[error("channel {channel} has prices in {expected}, not in {got}")]
    Currency {
        /// The channel.
        channel: ChannelKey,
        /// Its currency.
        expected: Currency,
        /// What was given.
        got: Currency,
    },
    /// A price is below zero.
    #[error("a price must not be negative")]
    Negative,
    /// The price to strike through is not higher.
    #[error("the price to compare with must be higher than the price")]
    CompareAt,
    /// The window ends before it begins.
    #[error("the price must end after it begins")]
    EmptyWindow,
    /// At some moment two windows would hold.
    #[error("another price with a window holds at the same time: it begins {}", .0.map_or("before all time".to_owned(), |at| at.to_string()))]
    Overlap(Option<Timestamp>),
    /// The price that is there is not the expected one.
    #[error("the price is {}, not what was expected: read it again", .0.map_or("not set".to_owned(), UnitPrice::to_decimal_string))]
    Unexpected(Option<UnitPrice>),
    /// The amount is too large.
    #[error(transparent)]
    Amount(#[from] MoneyError),
    /// There are too many windows.
    #[error("this SKU has {MOST} windows in the channel, which is as many as there may be")]
    TooMany,
}

/// Sets a price. `None` when it is so already.
pub(crate) fn set(
    before: Option<&SkuPrices>,
    channel: &ChannelFacts,
    wanted: &SetPrice,
    now: Timestamp,
) -> Result<Option<(SkuPrices, PriceSet)>, PriceRefusal> {
    for price in [Some(wanted.unit), wanted.compare_at].into_iter().flatten() {
        if price.currency() != channel.currency {
            let (channel, expected, got) = (channel.key.clone(), channel.currency, price.currency());
            return Err(PriceRefusal::Currency { channel, expected, got });
        }
        if price.amount().is_sign_negative() && !price.amount().is_zero() {
            return Err(PriceRefusal::Negative);
        }
    }
    if wanted.compare_at.is_some_and(|compare| compare.amount() <= wanted.unit.amount()) {
        return Err(PriceRefusal::CompareAt);
    }
    if matches!((wanted.valid_from, wanted.valid_until), (Some(from), Some(until)) if until <= from) {
        return Err(PriceRefusal::EmptyWindow);
    }
    let empty = || SkuPrices {
        channel: wanted.channel.clone(),
        sku: wanted.sku.clone(),
        base: None,
        windows: vec![],
    };
    let mut prices = before.cloned().unwrap_or_else(empty);
    let offer = Offer { unit: wanted.unit, compare_at: wanted.compare_at };
    let (previous, unchanged) = if wanted.valid_from.is_none() && wanted.valid_until.is_none() {
        let previous = prices.base.replace(offer);
        (previous, previous == Some(offer))
    } else {
        place(&mut prices.windows, Window { from: wanted.valid_from, until: wanted.valid_until, offer }, now)?
    };
    if unchanged {
        return Ok(None);
    }
    let previous = previous.map(|offer| offer.unit);
    let expected = match wanted.expected {
        Expected::Anything => true,
        Expected::Nothing => previous.is_none(),
        Expected::Price(price) => previous == Some(price),
    };
    if !expected {
        return Err(PriceRefusal::Unexpected(previous));
    }
    let event = PriceSet {
        sku: wanted.sku.clone(),
        channel: wanted.channel.clone(),
        unit: wanted.unit,
        price: wanted.unit.times(1, channel.rounding.mode)?,
        kind: channel.price_kind,
        valid_from: wanted.valid_from,
        valid_until: wanted.valid_until,
        previous,
    };
    Ok(Some((prices, event)))
}

/// Puts a window among the others, in place of the one that begins at the same moment. Answers the offer that was
/// there, and whether nothing changed.
fn place(
    windows: &mut Vec<Window>,
    window: Window,
    now: Timestamp,
) -> Result<(Option<Offer>, bool), PriceRefusal> {
    if windows.contains(&window) {
        return Ok((Some(window.offer), true));
    }
    let previous = windows.iter().find(|w| w.from == window.from).map(|w| w.offer);
    let long_ago = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    windows.retain(|w| w.from != window.from && w.until.is_none_or(|until| until > long_ago));
    if let Some(other) = windows.iter().find(|w| w.overlaps(&window)) {
        return Err(PriceRefusal::Overlap(other.from));
    }
    if windows.len() >= MOST {
        return Err(PriceRefusal::TooMany);
    }
    windows.push(window);
    // An absent beginning comes before every moment, as it should.
    windows.sort_by_key(|w| w.from);
    Ok((previous, false))
}
