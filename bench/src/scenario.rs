//! What is measured: each operation as a shopper's head would do it.

use crate::{seed::Article, wire::Wire};
use clap::ValueEnum;
use emporia::platform::Platform;
use emporia_contracts::{
    checkout::{Checkout as _, FactLine, OrderFact},
    context::system_meta,
    orders::LineKind,
    values::Quantity,
};
use emporia_money::UnitPrice;
use emporia_testkit::{Dice, Emporia};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use std::{
    fmt,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

/// Times a visitor adds to one cart before he takes another.
const ADDS: usize = 100;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    Listing,
    Detail,
    Add,
    Checkout,
    Order,
    Flash,
    Fact,
}

impl Scenario {
    pub(crate) const ALL: [Self; 7] =
        [Self::Listing, Self::Detail, Self::Add, Self::Checkout, Self::Order, Self::Flash, Self::Fact];
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

/// The shop as the driver sees it: addresses, and what can be bought.
pub(crate) struct Shop {
    platform: Platform,
    graph: SocketAddr,
    provider: SocketAddr,
    articles: Vec<Article>,
    facts: AtomicU64,
}

/// One client, with its connections.
pub(crate) struct Visitor {
    dice: Dice,
    cart: Option<(String, String, usize)>,
    graph: Wire,
    provider: Wire,
}

impl Visitor {
    /// Which article next.
    fn roll(&mut self, below: usize) -> usize {
        usize::try_from(self.dice.next(below as u64)).unwrap()
    }
}

/// What was wrong with an answer.
pub(crate) type Failure = String;

const LISTING: &str = "query Listing($after: String) { products(category: \"all\", first: 24, after: $after) { edges { cursor node { id slug title \
     variants { sku price { unit { amount currencyCode } } availability { inStock quantity } } } } pageInfo { hasNextPage endCursor } } }";
const DETAIL: &str = "query Detail($slug: String!) { product(slug: $slug) { id title description variants { sku title \
     options { name value } price { unit { amount currencyCode } compareAt { amount } } availability { inStock quantity } } } }";
const CREATE: &str = "mutation Create($lines: [CartLineInput!]!) { createCart(input: {lines: $lines}) { guestToken cart { id } userErrors { code } } }";
const ADD: &str = "mutation Add($cart: ID!, $lines: [CartLineInput!]!) { addCartLines(input: {cartId: $cart, lines: $lines}) \
     { cart { units subtotal { amount } } userErrors { code } } }";
const START: &str = "mutation Start($cart: ID!) { startCheckout(input: {cartId: $cart, email: \"bench@example.com\", shippingAddress: {name: \"Bench\", \
     line1: \"Street 1\", city: \"Town\", postalCode: \"12345\", countryCode: \"DE\"}}) { checkout { id } userErrors { code } } }";
const OPTIONS: &str =
    "query Options($id: ID!) { checkout(id: $id) { deliveryOptions { key charge { amount } } } }";
const DELIVER: &str = "mutation Deliver($id: ID!) { setCheckoutDelivery(input: {checkoutId: $id, deliveryOption: \"standard\"}) \
     { checkout { totals { total { amount } } } userErrors { code } } }";
const PAY: &str = "mutation Pay($id: ID!, $token: String!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: $token}) { checkout { state } userErrors { code } } }";
const COMPLETE: &str = "mutation Complete($id: ID!) { completeCheckout(input: {checkoutId: $id}) { order { id number } userErrors { code } } }";
const PLACE: &str = "mutation Place($cart: ID!, $token: String!, $key: String!) { placeOrder(input: {cartId: $cart, email: \"bench@example.com\", \
     shippingAddress: {name: \"Bench\", line1: \"Street 1\", city: \"Town\", postalCode: \"12345\", countryCode: \"DE\"}, \
     deliveryOption: \"standard\", cardToken: $token, idempotencyKey: $key}) { order { id number } userErrors { code } } }";

/// An answer of the graph, as far as it is looked at.
#[derive(serde::Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<IgnoredAny>,
}

/// A page of products: that they are there is enough.
#[derive(serde::Deserialize)]
struct Listed {
    products: Edges,
}

#[derive(serde::Deserialize)]
struct Edges {
    edges: Vec<IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct Shown {
    product: Option<Identified>,
}

#[derive(serde::Deserialize)]
struct Identified {
    #[serde(rename = "id")]
    _id: String,
}

impl Shop {
    pub(crate) fn new(emporia: &Emporia, articles: Vec<Article>) -> Self {
        let address = |url: &str| url.trim_start_matches("http://").parse().unwrap();
        Self {
            platform: emporia.platform.clone(),
            graph: address(&emporia.address),
            provider: address(&emporia.provider_address),
            articles,
            facts: AtomicU64::default(),
        }
    }

    pub(crate) fn visitor(&self, number: usize) -> Visitor {
        Visitor {
            dice: Dice(number as u64 * 7_919),
            cart: None,
            graph: Wire::new(self.graph),
            provider: Wire::new(self.provider),
        }
    }

    /// Asks the graph. An answer with errors is a failure.
    async fn ask<T: DeserializeOwned>(
        &self,
        wire: &mut Wire,
        query: &str,
        variables: Value,
        guest: Option<&str>,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(&json!({"query": query, "variables": variables})).unwrap();
        let answer = wire.post("/graphql", guest, &body).await.map_err(|e| e.to_string())?;
        let whole = || String::from_utf8_lossy(answer).into_owned();
        match serde_json::from_slice::<Answer<T>>(answer) {
            Ok(Answer { data: Some(data), errors }) if errors.is_empty() => Ok(data),
            _ => Err(whole()),
        }
    }

    async fn card(&self, wire: &mut Wire) -> Result<String, Failure> {
        let card = br#"{"number": "4242424242424242", "expMonth": 12, "expYear": 2040, "cvc": "123"}"#;
        let answer = wire.post("/v1/tokens", None, card).await.map_err(|e| e.to_string())?;
        text(&serde_json::from_slice::<Value>(answer).map_err(|e| e.to_string())?, "/token")
    }

    fn sku(&self, visitor: &mut Visitor) -> &str {
        &self.articles[visitor.roll(self.articles.len())].sku
    }

    async fn cart(&self, visitor: &mut Visitor, lines: Value) -> Result<(String, String), Failure> {
        let made: Value = self.ask(&mut visitor.graph, CREATE, json!({"lines": lines}), None).await?;
        Ok((text(&made, "/createCart/guestToken")?, text(&made, "/createCart/cart/id")?))
    }

    /// One operation. An answer with errors, or without what was asked for, is a failure.
    pub(crate) async fn perform(&self, scenario: Scenario, visitor: &mut Visitor) -> Result<(), Failure> {
        match scenario {
            Scenario::Listing => {
                let listed: Listed = self.ask(&mut visitor.graph, LISTING, json!({}), None).await?;
                let count = listed.products.edges.len();
                if count == 24 { Ok(()) } else { Err(format!("{count} products")) }
            }
            Scenario::Detail => {
                let slug = &self.articles[visitor.roll(self.articles.len())].slug;
                let shown: Shown = self.ask(&mut visitor.graph, DETAIL, json!({"slug": slug}), None).await?;
                shown.product.map(drop).ok_or_else(|| format!("no product {slug}"))
            }
            Scenario::Add => self.add(visitor).await,
            Scenario::Checkout => self.checkout(visitor).await,
            Scenario::Order => {
                let sku = self.sku(visitor).to_owned();
                self.order(&sku, visitor).await
            }
            Scenario::Flash => self.order(&self.articles[0].sku, visitor).await,
            Scenario::Fact => self.fact(visitor).await,
        }
    }

    async fn add(&self, visitor: &mut Visitor) -> Result<(), Failure> {
        let lines = json!([{"sku": self.sku(visitor), "quantity": 1}]);
        let (guest, cart, used) = match visitor.cart.take() {
            Some(cart) if cart.2 < ADDS => cart,
            _ => {
                let (guest, cart) = self.cart(visitor, json!([])).await?;
                (guest, cart, 0)
            }
        };
        let variables = json!({"cart": cart, "lines": lines});
        let answer: Value = self.ask(&mut visitor.graph, ADD, variables, Some(&guest)).await?;
        visitor.cart = Some((guest, cart, used + 1));
        match answer.pointer("/addCartLines/cart/units").and_then(Value::as_i64) {
            Some(_) => Ok(()),
            None => Err(answer.to_string()),
        }
    }

    async fn checkout(&self, visitor: &mut Visitor) -> Result<(), Failure> {
        let (guest, cart) = self.cart(visitor, json!([])).await?;
        let lines: Vec<Value> = (0..3).map(|_| json!({"sku": self.sku(visitor), "quantity": 1})).collect();
        let (wire, guest) = (&mut visitor.graph, Some(guest.as_str()));
        let _: IgnoredAny = self.ask(wire, ADD, json!({"cart": cart, "lines": lines}), guest).await?;
        let started: Value = self.ask(wire, START, json!({"cart": cart}), guest).await?;
        let id = text(&started, "/startCheckout/checkout/id")?;
        let _: IgnoredAny = self.ask(wire, OPTIONS, json!({"id": id}), guest).await?;
        let _: IgnoredAny = self.ask(wire, DELIVER, json!({"id": id}), guest).await?;
        let token = self.card(&mut visitor.provider).await?;
        let _: IgnoredAny = self.ask(wire, PAY, json!({"id": id, "token": token}), guest).await?;
        let bought: Value = self.ask(wire, COMPLETE, json!({"id": id}), guest).await?;
        text(&bought, "/completeCheckout/order/number").map(drop)
    }

    async fn order(&self, sku: &str, visitor: &mut Visitor) -> Result<(), Failure> {
        let (guest, cart) = self.cart(visitor, json!([{"sku": sku, "quantity": 1}])).await?;
        let token = self.card(&mut visitor.provider).await?;
        let key = format!("bench-{}", visitor.roll(usize::MAX));
        let variables = json!({"cart": cart, "token": token, "key": key});
        let bought: Value = self.ask(&mut visitor.graph, PLACE, variables, Some(&guest)).await?;
        text(&bought, "/placeOrder/order/number").map(drop)
    }

    /// An order that already happened, of five lines.
    async fn fact(&self, visitor: &mut Visitor) -> Result<(), Failure> {
        let number = self.facts.fetch_add(1, Ordering::Relaxed);
        let euro = "EUR".parse().unwrap();
        let line = |sku: &str| FactLine {
            kind: LineKind::Goods,
            sku: sku.parse().unwrap(),
            title: "An article".into(),
            quantity: Quantity::new(1).unwrap(),
            unit_price: UnitPrice::parse("9.90", euro).unwrap(),
        };
        let fact = OrderFact {
            external_id: format!("till-{number}").parse().unwrap(),
            channel: "eu".parse().unwrap(),
            customer: None,
            person: None,
            country: "DE".parse().unwrap(),
            lines: (0..5).map(|_| line(self.sku(visitor))).collect(),
            total: None,
            tenders: vec![],
            fulfilled_from: None,
            placed_at: self.platform.store.clock().now(),
            meta: system_meta("bench", "fact", None),
        };
        self.platform.checkout.record(fact).await.map(drop).map_err(|refusal| refusal.to_string())
    }
}

fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(ToOwned::to_owned).ok_or_else(|| value.to_string())
}
