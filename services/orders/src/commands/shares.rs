//! Shares of a line's money for some of its units.

use emporia_contracts::orders::{CaptureShare, OrderTender};
use emporia_money::{Money, MoneyError};

/// What units `from..to` of a line's `of` units are worth: the difference of two rounded running shares, so that any
/// sequence of parts sums to the whole.
///
/// # Errors
/// [`MoneyError`] when a value overflows.
pub(crate) fn share(whole: Money, of: i64, from: i64, to: i64) -> Result<Money, MoneyError> {
    let running = |units: i64| {
        // Half away from zero, in integers; units is 0 to `of`.
        let (whole, units, of) = (i128::from(whole.minor()), i128::from(units), i128::from(of.max(1)));
        let rounded = (2 * whole * units + whole.signum() * of) / (2 * of);
        i64::try_from(rounded).map_err(|_| MoneyError::Overflow)
    };
    Money::new(running(to)?, whole.currency()).minus(Money::new(running(from)?, whole.currency()))
}

/// Spreads an amount over the order's payments: each is filled up to its tender before the next.
/// What no payment of ours covers (cash, other systems) is left out.
pub(crate) fn over_payments(
    amount: Money,
    tenders: &[OrderTender],
    used: &mut Vec<CaptureShare>,
) -> Result<Vec<CaptureShare>, MoneyError> {
    let mut left = amount;
    let mut shares = vec![];
    for tender in tenders {
        let Some(payment_id) = tender.payment_id else { continue };
        let before = used
            .iter()
            .find(|u| u.payment_id == payment_id)
            .map_or(Money::zero(amount.currency()), |u| u.amount);
        let room = tender.amount.minus(before)?;
        let take = if room.minor() < left.minor() { room } else { left };
        if take.minor() <= 0 {
            continue;
        }
        left = left.minus(take)?;
        shares.push(CaptureShare { payment_id, amount: take });
        match used.iter_mut().find(|u| u.payment_id == payment_id) {
            Some(share) => share.amount = share.amount.plus(take)?,
            None => used.push(CaptureShare { payment_id, amount: take }),
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_of_a_line_sum_to_the_line(whole in -1_000_000i64..1_000_000, cuts in prop::collection::vec(0i64..9, 1..30)) {
            let eur = "EUR".parse().unwrap();
            let of: i64 = cuts.iter().sum();
            prop_assume!(of > 0);
            let whole = Money::new(whole, eur);
            let (mut at, mut sum) = (0, Money::zero(eur));
            for cut in cuts {
                let part = share(whole, of, at, at + cut).unwrap();
                prop_assert!(part.minor() * whole.minor().signum() >= 0, "no part has another sign than the whole");
                sum = sum.plus(part).unwrap();
                at += cut;
            }
            prop_assert_eq!(sum, whole);
        }
    }
}
