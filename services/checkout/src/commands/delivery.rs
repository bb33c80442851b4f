//! Which delivery options fit, and what they cost.

use crate::model::DeliveryOption;
use emporia_contracts::values::{CountryCode, Locale};
use emporia_money::Money;

/// What is to be delivered.
pub(crate) struct Parcel {
    pub(crate) country: CountryCode,
    pub(crate) weight_grams: u64,
    /// Value of the goods, in the channel's price kind.
    pub(crate) value: Money,
}

/// The charge of an option for a parcel; `None` when it does not fit.
pub(crate) fn charge(option: &DeliveryOption, parcel: &Parcel) -> Option<Money> {
    let reaches = option.countries.is_empty() || option.countries.contains(&parcel.country);
    let carries = option.max_weight_grams.is_none_or(|most| parcel.weight_grams <= most);
    let rate = option
        .rates
        .iter()
        .filter(|rate| {
            rate.from.currency() == parcel.value.currency() && rate.from.minor() <= parcel.value.minor()
        })
        .max_by_key(|rate| rate.from.minor());
    rate.filter(|_| reaches && carries).map(|rate| rate.charge)
}

/// The option's name in a language, or the nearest there is.
pub(crate) fn name(option: &DeliveryOption, locale: &Locale) -> String {
    let named = locale.fallbacks().find_map(|tag| option.names.get(tag));
    named.or_else(|| option.names.values().next()).cloned().unwrap_or_else(|| option.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeliveryRate;

    #[test]
    fn the_rate_of_the_highest_value_reached_holds() {
        let eur = "EUR".parse().unwrap();
        let rate =
            |from, charge| DeliveryRate { from: Money::new(from, eur), charge: Money::new(charge, eur) };
        let option = DeliveryOption {
            key: "standard".into(),
            channel: "eu".parse().unwrap(),
            names: [("en".to_owned(), "Parcel".to_owned()), ("de".to_owned(), "Paket".to_owned())].into(),
            countries: vec!["DE".parse().unwrap()],
            max_weight_grams: Some(30_000),
            rates: vec![rate(0, 490), rate(5000, 0)],
            tax_category: "shipping".parse().unwrap(),
            days: (2, 4),
            position: 1,
        };
        let parcel = |country: &str, weight_grams, value| Parcel {
            country: country.parse().unwrap(),
            weight_grams,
            value: Money::new(value, eur),
        };
        assert_eq!(charge(&option, &parcel("DE", 100, 4999)), Some(Money::new(490, eur)));
        assert_eq!(charge(&option, &parcel("DE", 100, 5000)), Some(Money::new(0, eur)));
        assert_eq!(charge(&option, &parcel("FR", 100, 5000)), None);
        assert_eq!(charge(&option, &parcel("DE", 30_001, 5000)), None);
        assert_eq!(name(&option, &"de-CH".parse().unwrap()), "Paket");
        assert_eq!(name(&option, &"fr".parse().unwrap()), "Paket");
    }
}
