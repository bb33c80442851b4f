use emporia_money::{
    Currency, Money, MoneyError, Rate, Rounding, UnitPrice, allocate, tax_in_gross, tax_on_net,
};
use proptest::prelude::*;

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

#[test]
fn exponents_of_zero_two_and_three_digits_are_real() {
    for (text, code, minor) in [
        ("12.99", "EUR", 1299),
        ("1299", "JPY", 1299),
        ("1.299", "KWD", 1299),
        ("-0.5", "USD", -50),
        ("7", "KWD", 7000),
    ] {
        assert_eq!(Money::parse(text, currency(code)).unwrap().minor(), minor);
    }
    assert_eq!(Money::new(5, currency("KWD")).to_decimal_string(), "0.005");
    assert_eq!(Money::new(-1299, currency("JPY")).to_decimal_string(), "-1299");
    assert!(matches!(Money::parse("1.5", currency("JPY")), Err(MoneyError::TooPrecise { .. })));
    assert_eq!(Money::parse("1.500", currency("EUR")).unwrap().minor(), 150);
}

#[test]
fn only_plain_decimals_are_amounts() {
    let nines = "9".repeat(29);
    for bad in
        ["", "-", ".", "1.", ".5", "1e3", "+1", " 1", "1_0", "١", "0x1", "NaN", "1,5", "--1", nines.as_str()]
    {
        assert!(Money::parse(bad, currency("EUR")).is_err(), "{bad}");
    }
}

#[test]
fn unknown_currencies_are_refused() {
    for bad in ["", "eur", "EURO", "XXX", "XAU", "E", "€"] {
        assert!(bad.parse::<Currency>().is_err(), "{bad}");
    }
    assert_eq!(Currency::all().map(Currency::code).filter(|c| c.len() == 3).count(), Currency::all().count());
    assert!(
        Currency::all().zip(Currency::all().skip(1)).all(|(a, b)| a.code() < b.code()),
        "sorted for the search"
    );
}

#[test]
fn currencies_do_not_mix_and_overflow_is_an_error() {
    let (eur, usd) = (currency("EUR"), currency("USD"));
    assert!(matches!(Money::new(1, eur).plus(Money::new(1, usd)), Err(MoneyError::CurrencyMismatch(..))));
    assert!(matches!(Money::new(i64::MAX, eur).plus(Money::new(1, eur)), Err(MoneyError::Overflow)));
    assert!(matches!(Money::new(i64::MAX, eur).times(2), Err(MoneyError::Overflow)));
    assert!(UnitPrice::parse("99999999999999999999", eur).is_err());
}

#[test]
fn a_unit_price_is_rounded_once_per_line() {
    let eur = currency("EUR");
    let price = UnitPrice::parse("0.125", eur).unwrap();
    assert_eq!(price.times(1, Rounding::HalfEven).unwrap().minor(), 12);
    assert_eq!(price.times(1, Rounding::HalfUp).unwrap().minor(), 13);
    assert_eq!(price.times(8, Rounding::HalfEven).unwrap().minor(), 100);
    assert_eq!(price.to_decimal_string(), "0.125");
    assert_eq!(UnitPrice::parse("2.5", eur).unwrap().to_decimal_string(), "2.50");
}

proptest! {
    #[test]
    fn shares_sum_to_the_whole_and_are_fair(total in -1_000_000_000i64..1_000_000_000, weights in prop::collection::vec(0i64..1_000_000, 1..50)) {
        prop_assume!(weights.iter().any(|w| *w > 0));
        let eur = currency("EUR");
        let shares = allocate(Money::new(total, eur), &weights).unwrap();
        prop_assert_eq!(shares.iter().map(|s| s.minor()).sum::<i64>(), total);
        let sum: i64 = weights.iter().sum();
        for (share, weight) in shares.iter().zip(&weights) {
            let exact = total as f64 * *weight as f64 / sum as f64;
            prop_assert!((share.minor() as f64 - exact).abs() < 1.0 + 1e-6, "{} for {exact}", share.minor());
        }
    }

    #[test]
    fn gross_is_net_plus_tax_in_every_currency(minor in -1_000_000_000i64..1_000_000_000, percent in 0u32..60, which in 0usize..160, half_up: bool) {
        let code = Currency::all().nth(which % Currency::all().count()).unwrap();
        let rounding = if half_up { Rounding::HalfUp } else { Rounding::HalfEven };
        let rate: Rate = format!("0.{percent:02}").parse().unwrap();
        let gross = Money::new(minor, code);
        let tax = tax_in_gross(gross, &[rate], rounding).unwrap();
        let net = gross.minus(tax).unwrap();
        prop_assert_eq!(net.plus(tax).unwrap(), gross);
        prop_assert!((tax_on_net(net, rate, rounding).unwrap().minor() - tax.minor()).abs() <= 1);
        prop_assert!(tax.minor().signum() * minor.signum() >= 0);
    }

    #[test]
    fn text_and_back_is_the_same(minor: i64, which in 0usize..160) {
        let code = Currency::all().nth(which % Currency::all().count()).unwrap();
        let money = Money::new(minor, code);
        prop_assert_eq!(Money::parse(&money.to_decimal_string(), code).unwrap(), money);
        prop_assert_eq!(serde_json::from_str::<Money>(&serde_json::to_string(&money).unwrap()).unwrap(), money);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = (Money::parse(&text, currency("EUR")), text.parse::<Rate>(), text.parse::<Currency>());
    }
}
