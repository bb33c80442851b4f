use super::{GraphLineKind, ProductVariant};
use crate::model::OrderLine as Line;
use async_graphql::{ID, Object, SimpleObject};
use emporia_subgraph::{GraphMoney, decimal_price};

/// A line of an order.
pub struct OrderLine(pub(crate) Line);

#[Object]
impl OrderLine {
    /// The line.
    async fn id(&self) -> ID {
        self.0.priced.id.to_string().into()
    }

    /// What it stands for.
    async fn kind(&self) -> GraphLineKind {
        self.0.priced.kind.into()
    }

    /// SKU, or the other system's code of a charge.
    async fn sku(&self) -> &str {
        self.0.priced.sku.as_str()
    }

    /// The variant as it is now; absent for what is not from our catalogue.
    async fn variant(&self) -> Option<ProductVariant> {
        self.0.priced.product_id.map(|_| ProductVariant { sku: self.0.priced.sku.to_string() })
    }

    /// Title as it was shown.
    async fn title(&self) -> &str {
        &self.0.priced.title
    }

    /// Options as they were shown.
    async fn options(&self) -> Vec<OrderLineOption> {
        let option = |o: &emporia_contracts::catalog::SelectedOption| OrderLineOption {
            name: o.name.clone(),
            value: o.value.clone(),
        };
        self.0.priced.options.iter().map(option).collect()
    }

    /// Picture as it was shown.
    async fn image_url(&self) -> Option<&str> {
        self.0.priced.image_url.as_deref()
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        i32::try_from(self.0.priced.quantity.get()).unwrap_or(i32::MAX)
    }

    /// Per unit, in the order's price kind.
    async fn unit_price(&self) -> GraphMoney {
        decimal_price(self.0.priced.unit_price)
    }

    /// Unit price × quantity, rounded once.
    async fn amount(&self) -> GraphMoney {
        self.0.priced.amount.into()
    }

    /// Without tax.
    async fn net(&self) -> GraphMoney {
        self.0.priced.tax.net.into()
    }

    /// Tax.
    async fn tax(&self) -> GraphMoney {
        self.0.priced.tax.tax.into()
    }

    /// With tax.
    async fn gross(&self) -> GraphMoney {
        self.0.priced.tax.gross.into()
    }

    /// Tax rate as a decimal: "0.19".
    async fn tax_rate(&self) -> String {
        self.0.priced.tax.rate.to_string()
    }

    /// Units given up before they were shipped.
    async fn cancelled(&self) -> i32 {
        count(self.0.units.cancelled)
    }

    /// Units that left the house.
    async fn shipped(&self) -> i32 {
        count(self.0.units.shipped)
    }

    /// Units that reached the customer.
    async fn delivered(&self) -> i32 {
        count(self.0.units.delivered)
    }

    /// Units that came back.
    async fn returned(&self) -> i32 {
        count(self.0.units.returned)
    }
}

pub(super) fn count(units: i64) -> i32 {
    i32::try_from(units).unwrap_or(i32::MAX)
}

/// A choice that made the variant.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderLineOption {
    /// The option: "Colour".
    name: String,
    /// What was chosen: "Red".
    value: String,
}
