use crate::money::GraphMoney;
use async_graphql::SimpleObject;
use emporia_contracts::orders::{TaxTotal, Totals};

/// Totals of an order, computed once.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(shareable)]
pub struct OrderTotals {
    /// Σ lines, in the order's price kind.
    items: GraphMoney,
    /// Delivery charge, in the order's price kind.
    delivery: GraphMoney,
    /// Σ net.
    net: GraphMoney,
    /// Σ tax.
    tax: GraphMoney,
    /// What is to be paid.
    total: GraphMoney,
    /// Net and tax per rate.
    taxes: Vec<OrderTaxTotal>,
}

/// Net and tax of one rate.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(shareable)]
pub struct OrderTaxTotal {
    /// The rate's name.
    name: String,
    /// As a decimal: "0.19".
    rate: String,
    /// What it was applied to.
    net: GraphMoney,
    /// The tax.
    tax: GraphMoney,
}

impl From<&Totals> for OrderTotals {
    fn from(t: &Totals) -> Self {
        let tax = |t: &TaxTotal| OrderTaxTotal {
            name: t.name.clone(),
            rate: t.rate.to_string(),
            net: t.net.into(),
            tax: t.tax.into(),
        };
        Self {
            items: t.items.into(),
            delivery: t.delivery.into(),
            net: t.net.into(),
            tax: t.tax.into(),
            total: t.total.into(),
            taxes: t.taxes.iter().map(tax).collect(),
        }
    }
}
