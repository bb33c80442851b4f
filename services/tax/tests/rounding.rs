//! Arithmetic of tax in every place, mode, kind and currency exponent.

use emporia_contracts::{
    channels::{PriceKind, RoundingPlace, RoundingPolicy},
    values::Quantity,
};
use emporia_money::{Currency, Money, Rate, Rounding, tax_in_gross, tax_on_net};
use emporia_tax::{Taxed, assess_lines};
use proptest::prelude::*;

const PLACES: [RoundingPlace; 4] =
    [RoundingPlace::Unit, RoundingPlace::Line, RoundingPlace::RateGroup, RoundingPlace::Order];

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn whole(kind: PriceKind, amount: Money, rate: Rate, mode: Rounding) -> Money {
    match kind {
        PriceKind::Gross => tax_in_gross(amount, &[rate], mode).unwrap(),
        PriceKind::Net => tax_on_net(amount, rate, mode).unwrap(),
    }
}

fn lines(currency: Currency) -> impl Strategy<Value = Vec<Taxed>> {
    let rates = ["0", "0.07", "0.19", "0.055", "0.077", "0.2", "0.05", "0.08875"];
    let line = (-5_000..2_000_000_i64, 1..40_i64, proptest::sample::select(rates.to_vec()));
    let taxed = move |(minor, quantity, text): (i64, i64, &str)| Taxed {
        amount: Money::new(minor, currency),
        quantity: Quantity::new(quantity).unwrap(),
        rate: rate(text),
    };
    proptest::collection::vec(line.prop_map(taxed), 1..25)
}

#[derive(Debug, Clone)]
struct Case {
    kind: PriceKind,
    policy: RoundingPolicy,
    lines: Vec<Taxed>,
}

fn cases() -> impl Strategy<Value = Case> {
    let currency = proptest::sample::select(vec!["JPY", "EUR", "KWD"]);
    let kind = proptest::sample::select(vec![PriceKind::Gross, PriceKind::Net]);
    let mode = proptest::sample::select(vec![Rounding::HalfEven, Rounding::HalfUp]);
    let place = proptest::sample::select(PLACES.to_vec());
    (currency, kind, mode, place).prop_flat_map(|(currency, kind, mode, place)| {
        lines(currency.parse().unwrap()).prop_map(move |lines| Case {
            kind,
            policy: RoundingPolicy { mode, place },
            lines,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_tax_of_a_group_or_order_is_its_rounded_tax_and_no_line_is_a_minor_unit_off(case in cases()) {
        let Case { kind, policy, lines } = case;
        let taxes = assess_lines(kind, policy, &lines).unwrap();
        prop_assert_eq!(taxes.len(), lines.len());
        let currency = lines[0].amount.currency();
        let mut exact_sum = 0_i128;
        // Minor units times 10^5 times the divisor are whole for every rate here, so the check needs no fractions.
        for (line, tax) in lines.iter().zip(&taxes) {
            let thousandths = line.rate.as_decimal().mantissa()
                * 10_i128.pow(5 - line.rate.as_decimal().scale());
            let amount = i128::from(line.amount.minor());
            let (numerator, denominator) = match kind {
                PriceKind::Net => (amount * thousandths, 100_000),
                PriceKind::Gross => (amount * thousandths, 100_000 + thousandths),
            };
            let off = i128::from(tax.minor()) * denominator - numerator;
            let most = match policy.place {
                RoundingPlace::Unit => denominator * i128::from(line.quantity.units()),
                _ => denominator,
            };
            prop_assert!(off.abs() <= most, "{line:?} bears {tax}");
            if amount >= 0 {
                prop_assert!(!tax.is_negative());
                prop_assert!(kind == PriceKind::Net || tax.minor() <= line.amount.minor());
            }
            if line.rate == Rate::ZERO || amount == 0 {
                prop_assert!(tax.is_zero(), "{line:?} bears {tax}");
            }
            exact_sum += numerator * (1 << 40) / denominator;
        }
        let sum = Money::sum(currency, taxes.iter().copied()).unwrap();
        match policy.place {
            RoundingPlace::Line => for (line, tax) in lines.iter().zip(&taxes) {
                prop_assert_eq!(*tax, whole(kind, line.amount, line.rate, policy.mode));
            },
            RoundingPlace::RateGroup => for first in &lines {
                let group = || lines.iter().zip(&taxes).filter(|(line, _)| line.rate == first.rate);
                let amount = Money::sum(currency, group().map(|(line, _)| line.amount)).unwrap();
                let tax = Money::sum(currency, group().map(|(_, tax)| *tax)).unwrap();
                prop_assert_eq!(tax, whole(kind, amount, first.rate, policy.mode));
            },
            RoundingPlace::Order => {
                // Rounded once: at most half a minor unit from the exact sum.
                let off = i128::from(sum.minor()) * (1 << 40) - exact_sum;
                prop_assert!(off.abs() <= (1 << 39) + 64, "order bears {sum}");
            }
            RoundingPlace::Unit => {}
        }
    }

    #[test]
    fn one_unit_and_one_line_round_alike_everywhere(
        minor in 0..10_000_000_i64, text in proptest::sample::select(vec!["0", "0.07", "0.19", "0.077"]),
        gross in any::<bool>(), even in any::<bool>(),
    ) {
        let kind = if gross { PriceKind::Gross } else { PriceKind::Net };
        let mode = if even { Rounding::HalfEven } else { Rounding::HalfUp };
        let amount = Money::new(minor, "EUR".parse().unwrap());
        let line = [Taxed { amount, quantity: Quantity::ONE, rate: rate(text) }];
        for place in PLACES {
            let taxes = assess_lines(kind, RoundingPolicy { mode, place }, &line).unwrap();
            prop_assert_eq!(&taxes, &[whole(kind, amount, rate(text), mode)]);
        }
    }
}

fn eur(minor: i64, quantity: i64, text: &str) -> Taxed {
    let amount = Money::new(minor, "EUR".parse().unwrap());
    Taxed { amount, quantity: Quantity::new(quantity).unwrap(), rate: rate(text) }
}

fn minors(kind: PriceKind, mode: Rounding, place: RoundingPlace, lines: &[Taxed]) -> Vec<i64> {
    assess_lines(kind, RoundingPolicy { mode, place }, lines).unwrap().iter().map(|tax| tax.minor()).collect()
}

#[test]
fn places_and_modes_differ_where_they_should() {
    use {PriceKind::*, Rounding::*, RoundingPlace::*};
    // 3 × 0.13 EUR net at 19 %: a unit bears 2.47 cents, the line 7.41.
    assert_eq!(minors(Net, HalfUp, Unit, &[eur(39, 3, "0.19")]), [6]);
    assert_eq!(minors(Net, HalfUp, Line, &[eur(39, 3, "0.19")]), [7]);
    // 0.10 EUR at 5 %: half a cent.
    assert_eq!(minors(Net, HalfUp, Line, &[eur(10, 1, "0.05")]), [1]);
    assert_eq!(minors(Net, HalfEven, Line, &[eur(10, 1, "0.05")]), [0]);
    // Three lines of 0.4 cents: nothing each, one cent together, for the first of equals.
    let thrice = [eur(8, 1, "0.05"), eur(8, 1, "0.05"), eur(8, 1, "0.05")];
    assert_eq!(minors(Net, HalfUp, Line, &thrice), [0, 0, 0]);
    assert_eq!(minors(Net, HalfUp, RateGroup, &thrice), [1, 0, 0]);
    // 0.4 cents at each of two rates: nothing per group, one cent per order.
    let mixed = [eur(8, 1, "0.05"), eur(4, 1, "0.1")];
    assert_eq!(minors(Net, HalfUp, RateGroup, &mixed), [0, 0]);
    assert_eq!(minors(Net, HalfUp, Order, &mixed), [1, 0]);
    // Units that do not divide the amount: 0.10 EUR over 3 units are 4 + 3 + 3 cents.
    assert_eq!(minors(Net, HalfUp, Unit, &[eur(10, 3, "0.15")]), [1]);
    // Gross 1 ÷ 1.2 and 1 ÷ 1.05 sum to a half that neither quotient shows: 0.8333… + 6.6666… = 7.5 net.
    assert_eq!(minors(Gross, HalfEven, Order, &[eur(1, 1, "0.2"), eur(7, 1, "0.05")]).iter().sum::<i64>(), 0);
    assert_eq!(minors(Gross, HalfEven, Order, &[eur(3, 1, "0.2"), eur(7, 1, "0.05")]).iter().sum::<i64>(), 1);
}

#[test]
fn amounts_that_cannot_be_taxed_are_refused_not_wrapped() {
    let usd = Taxed { amount: Money::new(1, "USD".parse().unwrap()), ..eur(1, 1, "0") };
    for place in PLACES {
        for kind in [PriceKind::Gross, PriceKind::Net] {
            let policy = RoundingPolicy { mode: Rounding::HalfEven, place };
            assert!(assess_lines(kind, policy, &[eur(1, 1, "0"), usd]).is_err());
            assert!(assess_lines(kind, policy, &[eur(i64::MAX, 1, "0"), eur(1, 1, "0")]).is_err());
            assert!(assess_lines(PriceKind::Net, policy, &[eur(i64::MAX, 1, "10")]).is_err());
            assert_eq!(assess_lines(kind, policy, &[]), Ok(vec![]));
            // The greatest amounts that fit are still exact in sum.
            let taxes =
                assess_lines(PriceKind::Gross, policy, &[eur(i64::MAX - 9, 7, "0.19"), eur(9, 2, "0.19")]);
            assert!(taxes.is_ok(), "{place:?}: {taxes:?}");
        }
    }
}
