use crate::Currency;

/// Why an amount cannot be made or computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not an active ISO 4217 code with a minor unit.
    #[error("\"{0}\" is not a currency: use an ISO 4217 code such as EUR, USD or JPY")]
    UnknownCurrency(String),
    /// Two amounts of different currencies met.
    #[error("cannot combine {0} with {1}: convert one of them first")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit 64 bits of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// The text is not a decimal number.
    #[error("\"{0}\" is not an amount: write a decimal number such as 12.99")]
    NotANumber(String),
    /// More digits after the point than the currency has.
    #[error("\"{text}\" has too many decimals: {currency} has {exponent}")]
    TooPrecise {
        /// What was given.
        text: String,
        /// The currency.
        currency: Currency,
        /// Its digits after the point.
        exponent: u32,
    },
    /// A rate below 0 or above 10 (1,000 %).
    #[error("\"{0}\" is not a rate: write a decimal from 0 to 10 such as 0.19")]
    BadRate(String),
    /// Weights that are negative, or sum to zero while there is something to share.
    #[error("cannot share an amount over these weights: they must not be negative and not all zero")]
    BadWeights,
}
