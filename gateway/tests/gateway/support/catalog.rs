//! What there is to buy.

use std::time::Duration;

use async_graphql::*;
use futures_util::{Stream, StreamExt, stream};

use super::{
    CallerName,
    access::{authenticated, cache_control, public, requires_scopes, scope},
};

#[derive(Enum, Copy, Clone, Eq, PartialEq)]
pub enum ProductKind {
    Simple,
    Bundle,
}

#[derive(SimpleObject, Clone)]
#[graphql(shareable)]
pub struct Money {
    pub amount: String,
    pub currency_code: String,
}

pub fn euro(minor: i32) -> Money {
    Money { amount: format!("{}.{:02}", minor / 100, minor % 100), currency_code: "EUR".into() }
}

#[derive(SimpleObject, Clone)]
pub struct Picture {
    pub url: String,
    pub width: i32,
    pub licence: String,
}

#[derive(SimpleObject, Clone)]
pub struct Film {
    pub url: String,
    pub seconds: i32,
    #[graphql(directive = authenticated::apply())]
    pub licence: String,
}

// Clippy reads the second `ty` as a repetition of the first.
#[allow(clippy::duplicated_attributes)]
#[derive(Interface, Clone)]
#[graphql(field(name = "url", ty = "&String"), field(name = "licence", ty = "&String"))]
pub enum Asset {
    Picture(Picture),
    Film(Film),
}

#[derive(Clone)]
pub struct Product {
    pub number: i32,
}

#[Object]
impl Product {
    async fn sku(&self) -> ID {
        ID(format!("sku-{}", self.number))
    }
    #[graphql(shareable)]
    async fn name(&self) -> String {
        format!("Product {}", self.number)
    }
    async fn kind(&self) -> ProductKind {
        if self.number % 2 == 0 { ProductKind::Bundle } else { ProductKind::Simple }
    }
    async fn weight(&self) -> Option<i32> {
        Some(self.number * 100)
    }
    async fn price(&self) -> Money {
        euro(999 + self.number)
    }
    async fn assets(&self) -> Vec<Asset> {
        let n = self.number;
        let picture = Picture { url: format!("/{n}.jpg"), width: 800, licence: "CC0".into() };
        let film = Film { url: format!("/{n}.mp4"), seconds: 12, licence: "house".into() };
        vec![Asset::Picture(picture), Asset::Film(film)]
    }
    #[graphql(directive = requires_scopes::apply(scope("prices:read")))]
    async fn margin(&self) -> Option<i32> {
        Some(40)
    }
    #[graphql(inaccessible)]
    async fn purchase_cost(&self) -> i32 {
        1
    }
    /// Replaced by `price`.
    #[graphql(deprecation = "use price")]
    async fn list_price(&self) -> String {
        "9.99".into()
    }
}

fn by_sku(sku: &str) -> Option<Product> {
    sku.strip_prefix("sku-")?.parse().ok().map(|number| Product { number })
}

#[derive(SimpleObject)]
pub struct ProductConnection {
    pub nodes: Vec<Product>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "camelCase")]
pub struct EchoInput {
    text: String,
    int: Option<i32>,
    float: Option<f64>,
    flag: Option<bool>,
    id: Option<ID>,
    kind: Option<ProductKind>,
    list: Option<Vec<i32>>,
    nested: Option<Box<EchoInput>>,
    #[graphql(default = 7)]
    lucky: i32,
}

impl EchoInput {
    fn shown(&self) -> String {
        let kind = self
            .kind
            .map(|k| async_graphql::Name::new(if k == ProductKind::Simple { "SIMPLE" } else { "BUNDLE" }));
        let nested = self.nested.as_ref().map(|n| n.shown());
        format!(
            "text={} int={:?} float={:?} flag={:?} id={:?} kind={:?} list={:?} nested={:?} lucky={}",
            self.text,
            self.int,
            self.float,
            self.flag,
            self.id.as_ref().map(|i| i.as_str()),
            kind.as_ref().map(|k| k.as_str()),
            self.list,
            nested,
            self.lucky,
        )
    }
}

#[derive(OneofObject)]
pub enum Pick {
    Sku(ID),
    Number(i32),
}

pub struct Query;

#[Object]
impl Query {
    #[graphql(directive = public::apply())]
    async fn product(&self, sku: ID) -> Option<Product> {
        by_sku(&sku)
    }
    #[graphql(directive = public::apply(), directive = cache_control::apply(60))]
    async fn products(&self, #[graphql(default = 10)] first: i32) -> Vec<Product> {
        (1..=first).map(|number| Product { number }).collect()
    }
    #[graphql(directive = public::apply())]
    async fn product_connection(&self, first: i32) -> ProductConnection {
        ProductConnection { nodes: (1..=first).map(|number| Product { number }).collect() }
    }
    #[graphql(directive = public::apply())]
    async fn echo(&self, input: EchoInput) -> String {
        input.shown()
    }
    #[graphql(directive = public::apply())]
    async fn numbers(&self, list: Option<Vec<Option<i32>>>, id: Option<ID>, float: Option<f64>) -> String {
        format!("{list:?} {:?} {float:?}", id.as_ref().map(|i| i.as_str()))
    }
    #[graphql(directive = public::apply())]
    async fn pick(&self, by: Pick) -> String {
        match by {
            Pick::Sku(sku) => format!("sku {}", sku.as_str()),
            Pick::Number(number) => format!("number {number}"),
        }
    }
    #[graphql(directive = public::apply())]
    async fn who_asks(&self, context: &Context<'_>) -> Option<String> {
        context.data_opt::<CallerName>().map(|n| n.0.clone())
    }
    #[graphql(entity)]
    async fn find_product_by_sku(&self, #[graphql(key)] sku: ID) -> Option<Product> {
        by_sku(&sku)
    }
}

pub struct Subscription;

#[Subscription]
impl Subscription {
    /// Three prices, then the end.
    #[graphql(directive = public::apply())]
    async fn price_changed(&self, sku: ID) -> impl Stream<Item = Product> {
        let first = by_sku(&sku).map_or(1, |p| p.number);
        stream::iter((0..3).map(move |i| Product { number: first + i }))
    }
    /// Never ends.
    #[graphql(directive = public::apply())]
    async fn ticks(&self) -> impl Stream<Item = i32> {
        stream::iter(0..).then(|n| async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            n
        })
    }
    /// As fast as it is read.
    #[graphql(directive = public::apply())]
    async fn flood(&self, counter: String) -> impl Stream<Item = String> {
        stream::iter(0..).map(move |n: u64| {
            FLOOD.store(n, std::sync::atomic::Ordering::SeqCst);
            counter.clone()
        })
    }
    /// One event, then silence until nobody listens.
    #[graphql(directive = public::apply())]
    async fn watched(&self) -> impl Stream<Item = i32> {
        let dropped = super::OnDrop(&WATCHED_DROPPED);
        stream::iter([1]).chain(stream::pending()).map(move |n| {
            let _ = &dropped;
            n
        })
    }
    /// Breaks at the second event.
    #[graphql(directive = public::apply())]
    async fn fragile(&self) -> impl Stream<Item = i32> {
        stream::iter(1..).map(|n| if n == 2 { panic!("fragile") } else { n })
    }
}

/// Whether nobody listens to `watched` any more.
pub static WATCHED_DROPPED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// How many events `flood` has made.
pub static FLOOD: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

pub type CatalogSchema = Schema<Query, EmptyMutation, Subscription>;

pub fn schema() -> CatalogSchema {
    Schema::build(Query, EmptyMutation, Subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .finish()
}
