use crate::{
    channels::PriceKind,
    orders::{DeliveryCharge, PricedLine},
};
use emporia_money::{Currency, Money, MoneyError, Rate};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Net and tax of one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaxTotal {
    /// The rate's name.
    pub name: String,
    /// The rate.
    pub rate: Rate,
    /// What it was applied to.
    pub net: Money,
    /// The tax.
    pub tax: Money,
}

/// The totals of an order. They are computed once, from its parts, and read everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Σ amounts of the lines, in the order's price kind.
    pub items: Money,
    /// The delivery charge, in the order's price kind.
    pub delivery: Money,
    /// Σ net.
    pub net: Money,
    /// Σ tax.
    pub tax: Money,
    /// What is to be paid: Σ gross.
    pub total: Money,
    /// Net and tax per rate, in order of first appearance.
    pub taxes: Vec<TaxTotal>,
}

/// Priced lines, delivery and totals as they were at one moment. It is stored with the checkout and the order and
/// shown everywhere; nobody computes it a second time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PricedSnapshot {
    /// Currency of every amount.
    pub currency: Currency,
    /// Gross or net unit prices.
    pub kind: PriceKind,
    /// The lines.
    pub lines: Vec<PricedLine>,
    /// Delivery, when there is one.
    pub delivery: Option<DeliveryCharge>,
    /// The totals.
    pub totals: Totals,
    /// Evidence: version of the tax rates.
    pub rates_version: String,
    /// When it was computed.
    #[schemars(with = "crate::instant::Instant")]
    pub priced_at: Timestamp,
}

/// Why parts do not make a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A sum is too large or mixes currencies.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A part's net and tax are not its gross, or its amount is neither of them.
    #[error("the parts of {0} do not sum up")]
    Inconsistent(String),
}

impl PricedSnapshot {
    /// Makes a snapshot of parts and computes its totals.
    ///
    /// # Errors
    /// [`SnapshotError`] when a part is not consistent in itself, or a sum overflows.
    pub fn new(
        currency: Currency,
        kind: PriceKind,
        lines: Vec<PricedLine>,
        delivery: Option<DeliveryCharge>,
        rates_version: String,
        priced_at: Timestamp,
    ) -> Result<Self, SnapshotError> {
        let totals = Totals::of(currency, kind, &lines, delivery.as_ref())?;
        Ok(Self { currency, kind, lines, delivery, totals, rates_version, priced_at })
    }
}

impl Totals {
    fn of(
        currency: Currency,
        kind: PriceKind,
        lines: &[PricedLine],
        delivery: Option<&DeliveryCharge>,
    ) -> Result<Self, SnapshotError> {
        let zero = Money::zero(currency);
        let mut totals =
            Self { items: zero, delivery: zero, net: zero, tax: zero, total: zero, taxes: vec![] };
        for line in lines {
            totals.items = totals.items.plus(line.amount)?;
        }
        if let Some(delivery) = delivery {
            totals.delivery = totals.delivery.plus(delivery.amount)?;
        }
        let parts = lines
            .iter()
            .map(|line| (line.amount, &line.tax, line.sku.as_str()))
            .chain(delivery.map(|d| (d.amount, &d.tax, "delivery")));
        for (amount, tax, name) in parts {
            let stands = match kind {
                PriceKind::Gross => tax.gross,
                PriceKind::Net => tax.net,
            };
            if tax.net.plus(tax.tax)? != tax.gross || amount != stands {
                return Err(SnapshotError::Inconsistent(name.to_owned()));
            }
            totals.net = totals.net.plus(tax.net)?;
            totals.tax = totals.tax.plus(tax.tax)?;
            totals.total = totals.total.plus(tax.gross)?;
            match totals.taxes.iter_mut().find(|t| t.name == tax.name && t.rate == tax.rate) {
                Some(sum) => {
                    sum.net = sum.net.plus(tax.net)?;
                    sum.tax = sum.tax.plus(tax.tax)?;
                }
                None => totals.taxes.push(TaxTotal {
                    name: tax.name.clone(),
                    rate: tax.rate,
                    net: tax.net,
                    tax: tax.tax,
                }),
            }
        }
        Ok(totals)
    }
}
