use crate::{Money, MoneyError};

/// Shares `total` over `weights` by the largest remainder method: every share is floored, then the units that are
/// missing go to the largest fractions, ties in order. The shares always sum to `total`; a negative total is shared
/// as its positive and negated.
///
/// # Errors
/// [`MoneyError::BadWeights`] when a weight is negative, or all are zero while there is something to share.
pub fn allocate(total: Money, weights: &[i64]) -> Result<Vec<Money>, MoneyError> {
    let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if weights.iter().any(|w| *w < 0) || (sum == 0 && !total.is_zero()) {
        return Err(MoneyError::BadWeights);
    }
    if sum == 0 {
        return Ok(vec![total; weights.len()]);
    }
    let whole = i128::from(total.minor()).abs();
    let mut shares: Vec<i128> = weights.iter().map(|w| whole * i128::from(*w) / sum).collect();
    let mut by_fraction: Vec<usize> = (0..weights.len()).collect();
    by_fraction.sort_by_key(|i| (std::cmp::Reverse(whole * i128::from(weights[*i]) % sum), *i));
    let missing = whole - shares.iter().sum::<i128>();
    // Fewer units are missing than there are weights with a fraction, so each gets at most one.
    for index in by_fraction.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
        shares[index] += 1;
    }
    let sign = if total.is_negative() { -1 } else { 1 };
    shares
        .into_iter()
        .map(|share| {
            i64::try_from(sign * share)
                .map(|minor| Money::new(minor, total.currency()))
                .map_err(|_| MoneyError::Overflow)
        })
        .collect()
}
