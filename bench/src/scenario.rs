//! What is measured: each operation as a shopper's head would do it.

use crate::seed::Article;
use clap::ValueEnum;
use emporia_testkit::{Dice, Emporia};
use serde_json::{Value, json};
use std::fmt;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    Listing,
    Detail,
    Add,
    Checkout,
    Order,
    Flash,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] =
        [Self::Listing, Self::Detail, Self::Add, Self::Checkout, Self::Order, Self::Flash];
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

/// The shop as the driver sees it: addresses, and what can be bought.
pub(crate) struct Shop {
    http: reqwest::Client,
    graphql: String,
    tokens: String,
    articles: Vec<Article>,
}

/// One client.
pub(crate) struct Visitor {
    dice: Dice,
    cart: Option<(String, String, usize)>,
}

impl Visitor {
    /// Which article next.
    fn roll(&mut self, below: usize) -> usize {
        usize::try_from(self.dice.next(below as u64)).unwrap()
    }
}

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

impl Shop {
    pub(crate) fn new(emporia: &Emporia, articles: Vec<Article>) -> Self {
        Self {
            http: reqwest::Client::builder().pool_max_idle_per_host(4096).build().unwrap(),
            graphql: format!("{}/graphql", emporia.address),
            tokens: format!("{}/v1/tokens", emporia.provider_address),
            articles,
        }
    }

    pub(crate) fn visitor(&self, number: usize) -> Visitor {
        Visitor { dice: Dice(number as u64 * 7_919), cart: None }
    }

    async fn ask(&self, query: &str, variables: Value, guest: Option<&str>) -> Result<Value, ()> {
        let mut request =
            self.http.post(&self.graphql).json(&json!({"query": query, "variables": variables}));
        if let Some(guest) = guest {
            request = request.header("emporia-guest", guest);
        }
        let answer: Value = request.send().await.map_err(drop)?.json().await.map_err(drop)?;
        if answer.get("errors").is_some() { Err(()) } else { Ok(answer) }
    }

    async fn card(&self) -> Result<String, ()> {
        let card = json!({"number": "4242424242424242", "expMonth": 12, "expYear": 2040, "cvc": "123"});
        let answer: Value = self
            .http
            .post(&self.tokens)
            .json(&card)
            .send()
            .await
            .map_err(drop)?
            .json()
            .await
            .map_err(drop)?;
        text(&answer["token"])
    }

    fn sku(&self, visitor: &mut Visitor) -> &str {
        &self.articles[visitor.roll(self.articles.len())].sku
    }

    async fn cart(&self, lines: Value) -> Result<(String, String), ()> {
        let made = self.ask(CREATE, json!({"lines": lines}), None).await?;
        let made = &made["data"]["createCart"];
        Ok((text(&made["guestToken"])?, text(&made["cart"]["id"])?))
    }

    /// One operation. An answer with errors, or without what was asked for, is a failure.
    pub(crate) async fn perform(&self, scenario: Scenario, visitor: &mut Visitor) -> Result<(), ()> {
        match scenario {
            Scenario::Listing => {
                let answer = self.ask(LISTING, json!({}), None).await?;
                let count = answer["data"]["products"]["edges"].as_array().map_or(0, Vec::len);
                if count == 24 { Ok(()) } else { Err(()) }
            }
            Scenario::Detail => {
                let slug = &self.articles[visitor.roll(self.articles.len())].slug;
                let answer = self.ask(DETAIL, json!({"slug": slug}), None).await?;
                text(&answer["data"]["product"]["id"]).map(drop)
            }
            Scenario::Add => self.add(visitor).await,
            Scenario::Checkout => self.checkout(visitor).await,
            Scenario::Order => {
                let sku = self.sku(visitor).to_owned();
                self.order(&sku, visitor).await
            }
            Scenario::Flash => self.order(&self.articles[0].sku, visitor).await,
        }
    }

    async fn add(&self, visitor: &mut Visitor) -> Result<(), ()> {
        let lines = json!([{"sku": self.sku(visitor), "quantity": 1}]);
        let (guest, cart, used) = match visitor.cart.take() {
            Some(cart) if cart.2 < 100 => cart,
            _ => {
                let (guest, cart) = self.cart(json!([])).await?;
                (guest, cart, 0)
            }
        };
        let answer = self.ask(ADD, json!({"cart": cart, "lines": lines}), Some(&guest)).await?;
        let units = answer["data"]["addCartLines"]["cart"]["units"].as_i64();
        visitor.cart = Some((guest, cart, used + 1));
        units.map(drop).ok_or(())
    }

    async fn checkout(&self, visitor: &mut Visitor) -> Result<(), ()> {
        let (guest, cart) = self.cart(json!([])).await?;
        let guest = Some(guest.as_str());
        let lines: Vec<Value> = (0..3).map(|_| json!({"sku": self.sku(visitor), "quantity": 1})).collect();
        self.ask(ADD, json!({"cart": cart, "lines": lines}), guest).await?;
        let started = self.ask(START, json!({"cart": cart}), guest).await?;
        let id = text(&started["data"]["startCheckout"]["checkout"]["id"])?;
        self.ask(OPTIONS, json!({"id": id}), guest).await?;
        self.ask(DELIVER, json!({"id": id}), guest).await?;
        let token = self.card().await?;
        self.ask(PAY, json!({"id": id, "token": token}), guest).await?;
        let bought = self.ask(COMPLETE, json!({"id": id}), guest).await?;
        text(&bought["data"]["completeCheckout"]["order"]["number"]).map(drop)
    }

    async fn order(&self, sku: &str, visitor: &mut Visitor) -> Result<(), ()> {
        let (guest, cart) = self.cart(json!([{"sku": sku, "quantity": 1}])).await?;
        let token = self.card().await?;
        let key = format!("bench-{}", visitor.roll(usize::MAX));
        let bought = self.ask(PLACE, json!({"cart": cart, "token": token, "key": key}), Some(&guest)).await?;
        text(&bought["data"]["placeOrder"]["order"]["number"]).map(drop)
    }
}

fn text(value: &Value) -> Result<String, ()> {
    value.as_str().map(ToOwned::to_owned).ok_or(())
}
