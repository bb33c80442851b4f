//! What tax lines bear: arithmetic only.

use emporia_contracts::{
    channels::{PriceKind, RoundingPlace, RoundingPolicy},
    values::Quantity,
};
use emporia_money::{Money, MoneyError, Rate, Rounding, tax_in_gross, tax_on_net};
use rust_decimal::Decimal;

/// A line whose rate is known.
#[derive(Debug, Clone, Copy)]
pub struct Taxed {
    /// The line's amount, gross or net.
    pub amount: Money,
    /// Its units.
    pub quantity: Quantity,
    /// The rate.
    pub rate: Rate,
}

/// The tax of each line, rounded where and how the policy says. All amounts must be of one currency.
///
/// # Errors
/// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
pub fn assess_lines(
    kind: PriceKind,
    policy: RoundingPolicy,
    lines: &[Taxed],
) -> Result<Vec<Money>, MoneyError> {
    let Some(first) = lines.first() else { return Ok(vec![]) };
    Money::sum(first.amount.currency(), lines.iter().map(|l| l.amount))?;
    match policy.place {
        RoundingPlace::Unit => lines.iter().map(|line| per_unit(kind, policy.mode, line)).collect(),
        RoundingPlace::Line => lines.iter().map(|l| rounded(kind, policy.mode, l.amount, l.rate)).collect(),
        RoundingPlace::RateGroup => {
            let mut taxes = vec![Money::zero(first.amount.currency()); lines.len()];
            for group in groups(lines) {
                let members: Vec<Taxed> = group.iter().filter_map(|i| lines.get(*i)).copied().collect();
                let rate = members.first().map_or(Rate::ZERO, |l| l.rate);
                let amount = Money::sum(first.amount.currency(), members.iter().map(|l| l.amount))?;
                let total = rounded(kind, policy.mode, amount, rate)?;
                for (index, share) in group.iter().zip(shares(kind, total, &members)?) {
                    if let Some(tax) = taxes.get_mut(*index) {
                        *tax = share;
                    }
                }
            }
            Ok(taxes)
        }
        RoundingPlace::Order => shares(kind, order_tax(kind, policy.mode, lines)?, lines),
    }
}

fn rounded(kind: PriceKind, mode: Rounding, amount: Money, rate: Rate) -> Result<Money, MoneyError> {
    match kind {
        PriceKind::Gross => tax_in_gross(amount, &[rate], mode),
        PriceKind::Net => tax_on_net(amount, rate, mode),
    }
}

/// The tax of one unit, times the quantity. An amount that its units do not divide is dealt out evenly: some units
/// have one minor unit more than the others.
fn per_unit(kind: PriceKind, mode: Rounding, line: &Taxed) -> Result<Money, MoneyError> {
    let (units, currency) = (line.quantity.units(), line.amount.currency());
    let (low, dearer) = (line.amount.minor().div_euclid(units), line.amount.minor().rem_euclid(units));
    let tax =
        |unit: i64, times: i64| rounded(kind, mode, Money::new(unit, currency), line.rate)?.times(times);
    // Beyond a remainder of zero the low unit is below the maximum, so one more fits.
    let high = if dearer == 0 { Money::zero(currency) } else { tax(low.saturating_add(1), dearer)? };
    tax(low, units - dearer)?.plus(high)
}

/// Lines of one rate, in order of their first line.
fn groups(lines: &[Taxed]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Rate, Vec<usize>)> = vec![];
    for (index, line) in lines.iter().enumerate() {
        match groups.iter_mut().find(|(rate, _)| *rate == line.rate) {
            Some((_, members)) => members.push(index),
            None => groups.push((line.rate, vec![index])),
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

/// Decimals of a minor unit that count. A quotient such as 1 ÷ 1.19 is cut somewhere; what is a half or a whole but for
/// that is taken as one.
const EXACT: u32 = 14;

/// The exact tax of a line in minor units.
fn exact(kind: PriceKind, line: &Taxed) -> Result<Decimal, MoneyError> {
    let (amount, rate) = (Decimal::from(line.amount.minor()), line.rate.as_decimal());
    let tax = match kind {
        PriceKind::Net => amount.checked_mul(rate),
        PriceKind::Gross => amount.checked_div(Decimal::ONE + rate).and_then(|net| amount.checked_sub(net)),
    };
    Ok(tax.ok_or(MoneyError::Overflow)?.round_dp(EXACT))
}

/// The tax of all lines, rounded once: the net is what is rounded when prices are gross, so that they stand.
fn order_tax(kind: PriceKind, mode: Rounding, lines: &[Taxed]) -> Result<Money, MoneyError> {
    let currency = lines.first().ok_or(MoneyError::BadWeights)?.amount.currency();
    let mut tax = Decimal::ZERO;
    for group in groups(lines) {
        let members = group.iter().filter_map(|i| lines.get(*i));
        let amount = Money::sum(currency, members.clone().map(|l| l.amount))?;
        let Some(rate) = members.clone().next().map(|l| l.rate) else { continue };
        let line = Taxed { amount, quantity: Quantity::ONE, rate };
        tax = tax.checked_add(exact(kind, &line)?).ok_or(MoneyError::Overflow)?;
    }
    // Cut quotients may sum to almost a half where the true sum is one.
    let tax = tax.round_dp(EXACT - 2);
    let scale = Decimal::from(10_u64.pow(currency.exponent()));
    let round = |minor: Decimal| Money::round(minor / scale, currency, mode);
    match kind {
        PriceKind::Net => round(tax),
        PriceKind::Gross => {
            let gross = Money::sum(currency, lines.iter().map(|l| l.amount))?;
            gross.minus(round(Decimal::from(gross.minor()) - tax)?)
        }
    }
}

/// Deals a rounded tax out to its lines by the largest remainder of their exact taxes, ties in order. It works for
/// amounts of either sign, which shares of a total by weight would not.
fn shares(kind: PriceKind, total: Money, lines: &[Taxed]) -> Result<Vec<Money>, MoneyError> {
    let exact = lines.iter().map(|line| exact(kind, line)).collect::<Result<Vec<_>, _>>()?;
    let whole = |tax: &Decimal| i64::try_from(tax.floor()).map_err(|_| MoneyError::Overflow);
    let mut minors = exact.iter().map(whole).collect::<Result<Vec<i64>, _>>()?;
    let given: i128 = minors.iter().map(|m| i128::from(*m)).sum();
    let missing = i128::from(total.minor()) - given;
    let mut by_remainder: Vec<usize> = (0..lines.len()).collect();
    by_remainder.sort_by_key(|i| (std::cmp::Reverse(exact.get(*i).map(|tax| tax - tax.floor())), *i));
    // Of n lines 0 to n minor units are missing. Only where sums are so large that exact taxes lose their decimals it
    // may be otherwise; then everybody gets the same, and the total still stands.
    let count = i128::try_from(lines.len()).map_err(|_| MoneyError::Overflow)?;
    let (each, more) = (missing.div_euclid(count), missing.rem_euclid(count));
    for (place, index) in (0_i128..).zip(by_remainder) {
        let Some(minor) = minors.get_mut(index) else { continue };
        let share = i128::from(*minor) + each + i128::from(place < more);
        *minor = i64::try_from(share).map_err(|_| MoneyError::Overflow)?;
    }
    Ok(minors.into_iter().map(|minor| Money::new(minor, total.currency())).collect())
}
