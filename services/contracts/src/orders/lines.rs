use crate::{
    catalog::SelectedOption,
    ids::{OrderLineId, ProductId},
    tax::LineTax,
    values::{Quantity, Sku, TaxCategory},
};
use emporia_money::{Money, UnitPrice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Goods from stock.
    Goods,
    /// A service or download: nothing to ship.
    Service,
    /// Postage as its own line, as some systems report it.
    Delivery,
    /// A fee or charge.
    Charge,
    /// A discount as its own line (negative amount), as some systems report it.
    Discount,
}

/// A priced line: everything that is shown of it later is copied here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PricedLine {
    /// The line.
    pub id: OrderLineId,
    /// What it stands for.
    pub kind: LineKind,
    /// The SKU, or the other system's code of a charge.
    pub sku: Sku,
    /// The product, when it is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Title as shown.
    pub title: String,
    /// Options as shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<SelectedOption>,
    /// Picture as shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// How many.
    pub quantity: Quantity,
    /// Per unit, in the order's price kind; may have more digits than the currency.
    pub unit_price: UnitPrice,
    /// Unit price × quantity, rounded once.
    pub amount: Money,
    /// Class of goods for tax.
    pub tax_category: TaxCategory,
    /// Net, tax and gross of the line.
    pub tax: LineTax,
}

/// What delivery costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryCharge {
    /// The delivery option's key.
    pub option: String,
    /// Its name as shown.
    pub name: String,
    /// The charge, in the order's price kind.
    pub amount: Money,
    /// Net, tax and gross of it.
    pub tax: LineTax,
}
