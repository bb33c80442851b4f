use crate::{Money, MoneyError, Rounding};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An exact share of something: `0.19` is 19 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Rate(Decimal);

impl Rate {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The exact decimal.
    pub const fn as_decimal(self) -> Decimal {
        self.0
    }
}

impl FromStr for Rate {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        plain_decimal(text)
            .filter(|rate| !rate.is_sign_negative() && *rate <= Decimal::TEN)
            .map(|rate| Self(rate.normalize()))
            .ok_or_else(|| MoneyError::BadRate(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Rate {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tax that is added to a net amount: net × rate, rounded.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn tax_on_net(net: Money, rate: Rate, rounding: Rounding) -> Result<Money, MoneyError> {
    let exact = net.to_decimal().checked_mul(rate.0).ok_or(MoneyError::Overflow)?;
    Money::round(exact, net.currency(), rounding)
}

/// Tax within a gross amount: gross − round(gross ÷ (1 + Σ rates)), so the gross price stands.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn tax_in_gross(gross: Money, rates: &[Rate], rounding: Rounding) -> Result<Money, MoneyError> {
    let divisor = rates.iter().fold(Decimal::ONE, |sum, rate| sum + rate.0);
    let net = gross.to_decimal().checked_div(divisor).ok_or(MoneyError::Overflow)?;
    gross.minus(Money::round(net, gross.currency(), rounding)?)
}

/// A decimal in plain notation only: optional minus, digits, optional point and digits. No exponent, underscore, plus
/// sign or space, so that one number has few spellings.
pub(crate) fn plain_decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if text.len() <= 30 && plain(whole) && plain(fraction) {
        Decimal::from_str_exact(text).ok()
    } else {
        None
    }
}
