use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A whole number of units on a line: 1 to 999,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
#[schemars(with = "u32")]
pub struct Quantity(u32);

/// The number is not a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a quantity: use a whole number from 1 to {max}", max = Quantity::MAX)]
pub struct QuantityError(pub i64);

impl Quantity {
    /// The most units that one line may have.
    pub const MAX: u32 = 999_999;
    /// One unit.
    pub const ONE: Self = Self(1);

    /// A quantity of `units`.
    ///
    /// # Errors
    /// [`QuantityError`] outside 1 to [`Quantity::MAX`].
    pub fn new(units: i64) -> Result<Self, QuantityError> {
        u32::try_from(units)
            .ok()
            .filter(|u| (1..=Self::MAX).contains(u))
            .map(Self)
            .ok_or(QuantityError(units))
    }

    /// The number of units.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number of units for arithmetic.
    pub const fn units(self) -> i64 {
        self.0 as i64
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(units: i64) -> Result<Self, QuantityError> {
        Self::new(units)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.units()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
