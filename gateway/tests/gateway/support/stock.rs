//! How much of it there is, with every way to fail.

use async_graphql::*;

use super::access::public;

pub struct Product {
    sku: ID,
    weight: Option<i32>,
}

#[Object(extends)]
impl Product {
    #[graphql(external)]
    async fn sku(&self) -> &ID {
        &self.sku
    }
    #[graphql(external)]
    async fn weight(&self) -> Option<i32> {
        self.weight
    }
    async fn in_stock(&self) -> Option<i32> {
        Some(self.sku.len() as i32 * 3)
    }
    #[graphql(requires = "weight")]
    async fn shipping_estimate(&self) -> Result<i32> {
        self.weight.map(|w| w / 10 + 5).ok_or_else(|| Error::new("weight is missing"))
    }
    /// Fails for sku-3, on purpose and with a code.
    async fn warehouse(&self) -> Result<Option<String>> {
        match self.sku.as_str() {
            "sku-3" => {
                Err(Error::new("warehouse offline").extend_with(|_, e| e.set("code", "WAREHOUSE_OFFLINE")))
            }
            _ => Ok(Some("AMS1".into())),
        }
    }
    /// Not nullable, and fails for sku-2.
    async fn restock_at(&self) -> Result<String> {
        match self.sku.as_str() {
            "sku-2" => Err(Error::new("connection to 10.0.0.7 lost")),
            _ => Ok("2026-12-01".into()),
        }
    }
}

pub struct Query;

#[Object]
impl Query {
    #[graphql(directive = public::apply())]
    async fn warehouses(&self) -> Vec<String> {
        vec!["AMS1".into(), "FRA2".into()]
    }
    #[graphql(directive = public::apply())]
    async fn breaks(&self) -> Option<String> {
        if std::hint::black_box(true) { panic!("a shelf fell down") } else { None }
    }
    #[graphql(directive = public::apply())]
    async fn hangs(&self) -> Option<String> {
        std::future::pending().await
    }
    #[graphql(directive = public::apply())]
    async fn leaks(&self) -> Result<Option<String>> {
        Err(Error::new("password of 10.0.0.7 is wrong"))
    }
    /// Stock knows nothing of sku-404.
    #[graphql(entity)]
    async fn find_product_by_sku(&self, #[graphql(key)] sku: ID, weight: Option<i32>) -> Option<Product> {
        (sku.as_str() != "sku-404").then_some(Product { sku, weight })
    }
}

pub type StockSchema = Schema<Query, EmptyMutation, EmptySubscription>;

pub fn schema() -> StockSchema {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .finish()
}
