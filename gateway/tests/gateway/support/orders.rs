//! Who bought it.

use std::{
    sync::atomic::{AtomicI32, Ordering},
    time::Duration,
};

use async_graphql::*;
use futures_util::{Stream, stream};

use super::{
    access::{authenticated, requires_scopes, scope},
    catalog::{Money, euro},
};

#[derive(Enum, Copy, Clone, Eq, PartialEq)]
pub enum OrderStatus {
    Placed,
    Paid,
}

#[derive(SimpleObject, Clone)]
pub struct Product {
    pub sku: ID,
    #[graphql(external)]
    pub name: String,
}

#[derive(Clone)]
pub struct OrderLine {
    number: i32,
}

#[Object]
impl OrderLine {
    async fn quantity(&self) -> i32 {
        self.number
    }
    #[graphql(provides = "name")]
    async fn product(&self) -> Product {
        Product { sku: ID(format!("sku-{}", self.number)), name: format!("Product {}", self.number) }
    }
}

#[derive(Clone)]
pub struct Order {
    id: i32,
}

#[Object]
impl Order {
    async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
    async fn status(&self) -> OrderStatus {
        OrderStatus::Paid
    }
    async fn total(&self) -> Money {
        euro(5000)
    }
    async fn lines(&self) -> Vec<OrderLine> {
        (1..=5).map(|number| OrderLine { number }).collect()
    }
}

#[derive(InputObject)]
pub struct PlaceOrderInput {
    pub skus: Vec<ID>,
    #[graphql(default)]
    pub express: bool,
}

pub struct Query;

#[Object]
impl Query {
    #[graphql(directive = authenticated::apply())]
    async fn order(&self, id: ID) -> Option<Order> {
        id.parse().ok().map(|id| Order { id })
    }
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn orders(&self, #[graphql(default = 3)] first: i32) -> Vec<Order> {
        (1..=first).map(|id| Order { id }).collect()
    }
    #[graphql(entity)]
    async fn find_order_by_id(&self, #[graphql(key)] id: ID) -> Option<Order> {
        id.parse().ok().map(|id| Order { id })
    }
    #[graphql(entity)]
    async fn find_product_by_sku(&self, #[graphql(key)] sku: ID) -> Product {
        Product { sku, name: "stub".into() }
    }
}

#[derive(Default)]
pub struct Mutation {
    busy: AtomicI32,
}

#[Object]
impl Mutation {
    #[graphql(directive = requires_scopes::apply(scope("orders:write")))]
    async fn place_order(&self, input: PlaceOrderInput) -> Result<Order> {
        if input.skus.is_empty() {
            return Err(Error::new("an order needs lines").extend_with(|_, e| e.set("code", "EMPTY_ORDER")));
        }
        Ok(Order { id: 42 })
    }
    /// How many ran at the same time when this one started: 0 when mutations are serial.
    #[graphql(directive = requires_scopes::apply(scope("orders:write")))]
    async fn count_busy(&self) -> i32 {
        let before = self.busy.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.busy.fetch_sub(1, Ordering::SeqCst);
        before
    }
}

pub struct Subscription;

#[Subscription]
impl Subscription {
    #[graphql(directive = authenticated::apply())]
    async fn order_updated(&self) -> impl Stream<Item = Order> {
        stream::iter((1..=2).map(|id| Order { id }))
    }
}

pub type OrdersSchema = Schema<Query, Mutation, Subscription>;

pub fn schema() -> OrdersSchema {
    Schema::build(Query, Mutation::default(), Subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .finish()
}
