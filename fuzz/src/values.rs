//! Scalars of the API: ids, money, dates, keys, addresses.

use async_graphql::{ScalarType, Value};
use emporia_contracts::{
    Place,
    ids::{
        AddressId, ApiKeyId, CartId, CategoryId, CheckoutId, CustomerId, OperatorId, OrderId, PaymentId,
        ProductId, VariantId,
    },
    values::{
        Address, ChannelKey, CountryCode, Email, ExternalId, Gtin, Locale, LocationKey, Quantity, Sku, Slug,
        TaxCategory,
    },
};
use emporia_money::{Currency, Money, Rate, Rounding, UnitPrice, allocate, tax_in_gross, tax_on_net};
use emporia_subgraph::DateTime;
use jiff::Timestamp;
use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

/// A longer refusal repeats what it refuses.
const LONGEST_REFUSAL: usize = 600;

/// A text is refused in few words by every kind of value, or is a value that is written and read back as the same.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    ids(text);
    keys(text);
    money(text);
    let _ = emporia_id::typed_code(text);
    if let Ok(DateTime(at)) = DateTime::parse(Value::String(text.to_owned())) {
        let Value::String(written) = DateTime(at).to_value() else { panic!("{at} is written as a text") };
        assert_eq!(written.parse::<Timestamp>().ok(), Some(at));
    }
    if let Ok(email) = text.parse::<Email>() {
        assert_eq!(email.as_str().parse(), Ok(email));
    }
    if let Ok(address) = serde_json::from_str::<Address>(text) {
        refused(address.checked());
    }
    if let Some(units) = text.parse::<i64>().ok().and_then(|n| refused(Quantity::new(n))) {
        assert_eq!(Quantity::new(units.units()), Ok(units));
    }
}

fn ids(text: &str) {
    same::<ProductId>(text);
    same::<VariantId>(text);
    same::<CategoryId>(text);
    same::<CartId>(text);
    same::<CheckoutId>(text);
    same::<OrderId>(text);
    same::<PaymentId>(text);
    same::<CustomerId>(text);
    same::<AddressId>(text);
    same::<OperatorId>(text);
    same::<ApiKeyId>(text);
}

fn keys(text: &str) {
    same::<Sku>(text);
    same::<Slug>(text);
    same::<Gtin>(text);
    same::<Locale>(text);
    same::<ChannelKey>(text);
    same::<LocationKey>(text);
    same::<TaxCategory>(text);
    same::<ExternalId>(text);
    same::<CountryCode>(text);
    same::<Currency>(text);
    same::<Rate>(text);
    same::<Place>(text);
}

fn money(text: &str) {
    for currency in ["EUR", "JPY", "KWD"].map(|code| code.parse::<Currency>().expect("it is a currency")) {
        if let Some(money) = refused(Money::parse(text, currency)) {
            assert_eq!(Money::parse(&money.to_decimal_string(), currency), Ok(money));
            let _ = (money.plus(money), money.minus(money), money.times(i64::MIN));
            if let Ok(parts) = allocate(money, &[3, 0, 7, i64::MAX]) {
                assert_eq!(Money::sum(currency, parts), Ok(money), "parts of {money}");
            }
            for rate in ["0.19", "10", "0.0000001"].map(|rate| rate.parse::<Rate>().expect("it is a rate")) {
                let _ = tax_on_net(money, rate, Rounding::HalfEven);
                let _ = tax_in_gross(money, &[rate, rate], Rounding::HalfEven);
            }
        }
        if let Some(price) = refused(UnitPrice::parse(text, currency)) {
            assert_eq!(UnitPrice::parse(&price.to_decimal_string(), currency), Ok(price));
            let _ = (price.times(i64::MAX, Rounding::HalfEven), price.times(-1, Rounding::HalfEven));
        }
    }
}

/// The value is written and read back as the same.
fn same<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) {
    if let Some(value) = refused(text.parse::<T>()) {
        assert_eq!(value.to_string().parse::<T>().ok(), Some(value));
    }
}

/// The value, unless it was refused in a few words.
fn refused<T>(read: Result<T, impl Display>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            let words = error.to_string();
            assert!((5..=LONGEST_REFUSAL).contains(&words.len()), "{} bytes: {words:.100}", words.len());
            None
        }
    }
}
