use crate::{Currency, Money, MoneyError, Rounding, rate::plain_decimal};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The price of one unit: may carry more digits than the currency (0.001 EUR for a screw). It is rounded once, when
/// it is multiplied into a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitPrice {
    #[schemars(with = "String")]
    amount: Decimal,
    currency: Currency,
}

/// Digits after the point that a unit price may have.
const MAX_SCALE: u32 = 8;

impl UnitPrice {
    /// Reads a decimal string of major units with at most eight decimals.
    ///
    /// # Errors
    /// [`MoneyError::NotANumber`], [`MoneyError::TooPrecise`], [`MoneyError::Overflow`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let amount =
            plain_decimal(text).ok_or_else(|| MoneyError::NotANumber(text.chars().take(40).collect()))?;
        Self::new(amount, currency)
    }

    /// A unit price from a decimal of major units.
    ///
    /// # Errors
    /// [`MoneyError::TooPrecise`], [`MoneyError::Overflow`].
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let amount = amount.normalize();
        if amount.scale() > MAX_SCALE {
            return Err(MoneyError::TooPrecise { text: amount.to_string(), currency, exponent: MAX_SCALE });
        }
        let price = Self { amount, currency };
        price.times(1, Rounding::HalfEven)?;
        Ok(price)
    }

    /// Major units, exact.
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The line's amount: `quantity` units, rounded once.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn times(self, quantity: i64, rounding: Rounding) -> Result<Money, MoneyError> {
        let exact = self.amount.checked_mul(Decimal::from(quantity)).ok_or(MoneyError::Overflow)?;
        Money::round(exact, self.currency, rounding)
    }

    /// The price with at least the currency's own number of decimals: `2.50`, `0.001`.
    pub fn to_decimal_string(self) -> String {
        let mut amount = self.amount;
        if amount.scale() < self.currency.exponent() {
            amount.rescale(self.currency.exponent());
        }
        amount.to_string()
    }
}

impl From<Money> for UnitPrice {
    fn from(money: Money) -> Self {
        Self { amount: money.to_decimal().normalize(), currency: money.currency() }
    }
}
