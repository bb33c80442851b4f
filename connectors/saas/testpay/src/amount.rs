//! Amounts as shoppers read them.

/// ISO 4217 currencies without decimals.
const WITHOUT_DECIMALS: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
];
/// ISO 4217 currencies with three decimals.
const WITH_THREE_DECIMALS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// Such as `12.99 EUR`.
pub(crate) fn display(minor: i64, currency: &str) -> String {
    let decimals = match currency {
        _ if WITHOUT_DECIMALS.contains(&currency) => 0,
        _ if WITH_THREE_DECIMALS.contains(&currency) => 3,
        _ => 2,
    };
    let unit = 10i64.pow(decimals);
    match decimals {
        0 => format!("{minor} {currency}"),
        _ => format!("{}.{:0width$} {currency}", minor / unit, minor % unit, width = decimals as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::display;

    #[test]
    fn shows_as_many_decimals_as_the_currency_has() {
        assert_eq!(display(1299, "EUR"), "12.99 EUR");
        assert_eq!(display(5, "USD"), "0.05 USD");
        assert_eq!(display(1299, "JPY"), "1299 JPY");
        assert_eq!(display(1299, "KWD"), "1.299 KWD");
    }
}
