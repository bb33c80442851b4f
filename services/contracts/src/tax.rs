//! Tax: which rate holds where and when, and what it makes of the lines of an order.

use crate::{
    channels::{PriceKind, RoundingPolicy},
    fault::Fault,
    values::{CountryCode, Quantity, TaxCategory},
};
use emporia_events::EventPayload;
use emporia_money::{Money, Rate};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A line to be taxed: goods or a delivery charge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxableLine {
    /// Class of goods.
    pub category: TaxCategory,
    /// Units, for rounding per unit; 1 for charges.
    pub quantity: Quantity,
    /// The line's amount after discounts, in the kind of the request.
    pub amount: Money,
}

/// Asks what tax a set of lines bears.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssessTax {
    /// Place of taxation: ship-to, or the store for pickup and till.
    pub country: CountryCode,
    /// Moment of taxation.
    pub at: Timestamp,
    /// Whether amounts include tax.
    pub kind: PriceKind,
    /// How the channel rounds.
    pub rounding: RoundingPolicy,
    /// The lines.
    pub lines: Vec<TaxableLine>,
}

/// The tax of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineTax {
    /// Without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
    /// With tax: net + tax, exactly.
    pub gross: Money,
    /// The rate.
    pub rate: Rate,
    /// The rate's name, such as `DE standard`.
    pub name: String,
}

/// The tax of all lines, in the order asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxAssessment {
    /// Per line.
    pub lines: Vec<LineTax>,
    /// Version of the rates: evidence that is kept with the order.
    pub rates_version: String,
}

/// Why lines cannot be taxed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TaxRefusal {
    /// No rate of that category holds there at that time.
    #[error("no tax rate for category {category} in {country}: define one")]
    NoRate {
        /// The country.
        country: CountryCode,
        /// The category.
        category: TaxCategory,
    },
    /// The amounts are too large or of several currencies.
    #[error("cannot compute tax: {0}")]
    Amounts(String),
    /// The tax room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What others may ask about tax. Own rates answer from memory; a tax provider may stand behind the same trait.
#[async_trait::async_trait]
pub trait Tax: Send + Sync {
    /// Assesses lines. Pure: the same request gives the same answer.
    async fn assess(&self, request: AssessTax) -> Result<TaxAssessment, TaxRefusal>;
}

/// A tax rate was defined.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaxRateDefined {
    /// The country.
    pub country: CountryCode,
    /// The category.
    pub category: TaxCategory,
    /// The rate's name.
    pub name: String,
    /// The rate.
    pub rate: Rate,
    /// First moment at which it holds.
    #[schemars(with = "Option<crate::instant::Instant>")]
    pub valid_from: Option<Timestamp>,
    /// First moment at which it no longer holds.
    #[schemars(with = "Option<crate::instant::Instant>")]
    pub valid_until: Option<Timestamp>,
}

impl EventPayload for TaxRateDefined {
    const SOURCE: &'static str = "emporia.tax";
    const DETAIL_TYPE: &'static str = "TaxRateDefined";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        format!("tax-rate/{}/{}", self.country, self.category)
    }
}
