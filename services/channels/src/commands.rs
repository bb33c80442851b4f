//! What may be done to a channel: decisions only.

use emporia_contracts::channels::{ChannelDefined, ChannelFacts};
use jiff::tz::TimeZoneDatabase;

/// Why a channel is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelRefusal {
    /// Prices and orders rest on it.
    #[error("the currency and price kind of channel {0} cannot change: make a new channel")]
    CurrencyFixed(String),
    /// A list that needs an entry has none.
    #[error("channel {0}: {1} must not be empty")]
    Empty(String, &'static str),
    /// The name is not fit to be shown.
    #[error("channel {0}: the name has 1 to 120 characters and no control characters")]
    Name(String),
    /// The default language is not among those offered.
    #[error("channel {0}: the default language is not among its languages")]
    DefaultLocale(String),
    /// The order prefix has the wrong form.
    #[error("channel {0}: the order prefix is 1 to 10 capital letters and digits")]
    OrderPrefix(String),
    /// No such time zone.
    #[error("channel {0}: there is no time zone \"{1}\"; use an IANA name such as Europe/Berlin")]
    TimeZone(String, String),
}

/// Defines a channel anew or changes its rules. `None` when nothing would change.
pub(crate) fn define(
    before: Option<&ChannelFacts>,
    channel: &ChannelFacts,
) -> Result<Option<ChannelDefined>, ChannelRefusal> {
    let name = || channel.key.to_string();
    if before.is_some_and(|b| (b.currency, b.price_kind) != (channel.currency, channel.price_kind)) {
        return Err(ChannelRefusal::CurrencyFixed(name()));
    }
    for (what, empty) in [
        ("the list of countries", channel.countries.is_empty()),
        ("the list of languages", channel.locales.is_empty()),
    ] {
        if empty {
            return Err(ChannelRefusal::Empty(name(), what));
        }
    }
    let shown = &channel.name;
    if shown.trim().is_empty() || shown.chars().count() > 120 || shown.chars().any(char::is_control) {
        return Err(ChannelRefusal::Name(name()));
    }
    if !channel.locales.contains(&channel.default_locale) {
        return Err(ChannelRefusal::DefaultLocale(name()));
    }
    let prefix = &channel.order_prefix;
    if !(1..=10).contains(&prefix.len())
        || !prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    {
        return Err(ChannelRefusal::OrderPrefix(name()));
    }
    if !known_time_zone(&channel.time_zone) {
        return Err(ChannelRefusal::TimeZone(name(), channel.time_zone.clone()));
    }
    if before == Some(channel) {
        return Ok(None);
    }
    Ok(Some(ChannelDefined {
        key: channel.key.clone(),
        name: channel.name.clone(),
        currency: channel.currency,
        price_kind: channel.price_kind,
        rounding: channel.rounding,
        stock_pool: channel.stock_pool.clone(),
    }))
}

/// By the IANA database that is built in, in the database's own spelling: others read the name too, and not all of them
/// look past its case.
fn known_time_zone(name: &str) -> bool {
    let zone = TimeZoneDatabase::bundled().get(name);
    zone.is_ok_and(|zone| zone.iana_name() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_is_one_that_there_is() {
        for name in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            assert!(known_time_zone(name), "{name}");
        }
        for name in ["", "Europe/Nowhere", "europe/berlin", "Europe/../Berlin", "CET+1"] {
            assert!(!known_time_zone(name), "{name}");
        }
    }
}
