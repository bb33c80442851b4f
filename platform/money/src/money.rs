use crate::{Currency, MoneyError, Rounding};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount of money: integer minor units and a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    amount_minor: i64,
    currency: Currency,
}

impl Money {
    /// `minor` minor units (cents for EUR, yen for JPY, fils for KWD).
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { amount_minor: minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units.
    pub const fn minor(self) -> i64 {
        self.amount_minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Reads a decimal string such as `12.99`.
    ///
    /// # Errors
    /// [`MoneyError::NotANumber`], [`MoneyError::TooPrecise`], [`MoneyError::Overflow`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let decimal = crate::rate::plain_decimal(text)
            .ok_or_else(|| MoneyError::NotANumber(text.chars().take(40).collect()))?;
        let exponent = currency.exponent();
        if decimal.normalize().scale() > exponent {
            return Err(MoneyError::TooPrecise { text: text.chars().take(40).collect(), currency, exponent });
        }
        Self::round(decimal, currency, Rounding::HalfEven)
    }

    /// Rounds a decimal number of major units to minor units.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn round(major: Decimal, currency: Currency, rounding: Rounding) -> Result<Self, MoneyError> {
        let scale = Decimal::from(10u64.pow(currency.exponent()));
        let minor = major.checked_mul(scale).ok_or(MoneyError::Overflow)?;
        let minor = rounding.apply(minor, 0).to_i64().ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, currency))
    }

    /// Major units as an exact decimal.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.amount_minor, self.currency.exponent())
    }

    /// The decimal string of the API: always as many decimals as the currency has.
    pub fn to_decimal_string(self) -> String {
        self.to_decimal().to_string()
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.amount_minor.checked_add(other.amount_minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.amount_minor.checked_sub(other.amount_minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }

    /// A whole multiple.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, quantity: i64) -> Result<Self, MoneyError> {
        let minor = i128::from(self.amount_minor) * i128::from(quantity);
        Ok(Self::new(i64::try_from(minor).map_err(|_| MoneyError::Overflow)?, self.currency))
    }

    /// The sum of many; zero of `currency` when there are none.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn sum(currency: Currency, parts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        parts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// Below zero.
    pub const fn is_negative(self) -> bool {
        self.amount_minor < 0
    }

    /// Exactly zero.
    pub const fn is_zero(self) -> bool {
        self.amount_minor == 0
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}
