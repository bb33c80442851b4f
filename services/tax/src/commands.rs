//! What may be done to rates: decisions only.

use crate::model::{RateSchedule, TaxRate};
use emporia_contracts::{
    tax::TaxRateDefined,
    values::{CountryCode, TaxCategory},
};

/// Rates that one country and category may have over time.
const MOST: usize = 500;

/// Why a rate is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateRefusal {
    /// The window ends before it begins.
    #[error("the rate must end after it begins")]
    EmptyWindow,
    /// At some moment two rates would hold.
    #[error(
        "\"{other}\" of {country}/{category} holds at the same time: end it first, by defining it with an end"
    )]
    Overlap {
        /// The country.
        country: CountryCode,
        /// The category.
        category: TaxCategory,
        /// The name of the rate that is there.
        other: String,
    },
    /// The name is empty, too long or has control characters.
    #[error("the name of a rate has 1 to 80 visible characters")]
    Name,
    /// There are too many rates.
    #[error("{0}/{1} has {MOST} rates, which is as many as there may be")]
    TooMany(CountryCode, TaxCategory),
}

/// Defines a rate, or corrects the one that begins at the same moment. `None` when nothing would change.
pub(crate) fn define(
    before: Option<&RateSchedule>,
    rate: &TaxRate,
) -> Result<Option<(RateSchedule, TaxRateDefined)>, RateRefusal> {
    if matches!((rate.valid_from, rate.valid_until), (Some(from), Some(until)) if until <= from) {
        return Err(RateRefusal::EmptyWindow);
    }
    let name = rate.name.trim();
    if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
        return Err(RateRefusal::Name);
    }
    let rate = TaxRate { name: name.to_owned(), ..rate.clone() };
    let known = before.map(|b| b.rates.as_slice()).unwrap_or_default();
    if known.contains(&rate) {
        return Ok(None);
    }
    let mut rates: Vec<TaxRate> = known.iter().filter(|r| r.valid_from != rate.valid_from).cloned().collect();
    if let Some(other) = rates.iter().find(|r| r.overlaps(&rate)) {
        let (country, category) = (rate.country, rate.category);
        return Err(RateRefusal::Overlap { country, category, other: other.name.clone() });
    }
    if rates.len() >= MOST {
        return Err(RateRefusal::TooMany(rate.country, rate.category));
    }
    let event = TaxRateDefined {
        country: rate.country.clone(),
        category: rate.category.clone(),
        name: rate.name.clone(),
        rate: rate.rate,
        valid_from: rate.valid_from,
        valid_until: rate.valid_until,
    };
    let (country, category) = (rate.country.clone(), rate.category.clone());
    rates.push(rate);
    // An absent beginning comes before every moment, as it should.
    rates.sort_by_key(|r| r.valid_from);
    Ok(Some((RateSchedule { country, category, rates }, event)))
}
