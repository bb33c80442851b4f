use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a value between two minor units becomes one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// A half goes to the even neighbour (banker's rounding).
    #[default]
    HalfEven,
    /// A half goes away from zero (commercial rounding).
    HalfUp,
}

impl Rounding {
    /// Rounds to `digits` after the point.
    pub(crate) fn apply(self, value: Decimal, digits: u32) -> Decimal {
        let strategy = match self {
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        };
        value.round_dp_with_strategy(digits, strategy)
    }
}
