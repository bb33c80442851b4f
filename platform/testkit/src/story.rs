//! Helpers that read like a shopper's story.

use crate::Emporia;
use emporia_gateway::Response;
use emporia_testpay::api::CardDetails;
use futures_util::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use std::time::Duration;

/// Somebody who asks: a guest, a customer, an operator.
#[derive(Clone)]
pub struct Shopper<'a> {
    shop: &'a Emporia,
    headers: Vec<(String, String)>,
}

impl<'a> Shopper<'a> {
    pub(crate) fn guest(shop: &'a Emporia, token: &str) -> Self {
        Self { shop, headers: vec![("emporia-guest".into(), token.into())] }
    }

    pub(crate) fn signed_in(shop: &'a Emporia, token: &str) -> Self {
        Self { shop, headers: vec![("authorization".into(), format!("Bearer {token}"))] }
    }

    pub(crate) fn with_headers(shop: &'a Emporia, headers: &[(&str, &str)]) -> Self {
        Self { shop, headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect() }
    }

    /// The same, in another channel.
    #[must_use]
    pub fn in_channel(mut self, channel: &str) -> Self {
        self.headers.push(("emporia-channel".into(), channel.into()));
        self
    }

    /// Both at once: after signing in with a guest's cart.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.headers.extend(other.headers.iter().cloned());
        self
    }

    /// What the shopper sends along: for requests over HTTP.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }

    /// Asks; the whole answer.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        self.shop.ask(query, variables, &self.headers()).await
    }

    /// Asks; the answer with what the gateway tells about it.
    pub async fn respond(&self, query: &str, variables: Value) -> Response {
        self.shop.respond(query, variables, &self.headers()).await
    }

    /// Asks; the data of an answer without errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        self.shop.data(query, variables, &self.headers()).await
    }

    /// Asks when nothing is kept; how many calls of subgraphs it took.
    pub async fn calls(&self, query: &str, variables: Value) -> usize {
        self.shop.gateway.purge_all();
        let response = self.shop.respond(query, variables, &self.headers()).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        usize::try_from(response.subgraph_calls).unwrap_or(usize::MAX)
    }

    /// Subscribes; what comes, as JSON.
    pub async fn listen(&self, query: &str, variables: Value) -> BoxStream<'static, Value> {
        let stream = self.shop.stream(query, variables, &self.headers()).await;
        stream.map(|response| response.json().unwrap()).boxed()
    }

    /// Makes a cart; its id.
    pub async fn cart_with(&self, lines: &[(&str, i64)]) -> String {
        let lines: Vec<Value> =
            lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
        let query = "mutation($lines: [CartLineInput!]!) { createCart(input: {lines: $lines}) \
                     { cart { id } userErrors { code message field } } }";
        let made = self.data(query, json!({"lines": lines})).await;
        made["createCart"]["cart"]["id"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned()
    }

    /// A token for a card, from the provider.
    pub async fn card(&self, number: &str) -> String {
        let card = CardDetails { number: number.into(), exp_month: 12, exp_year: 2040, cvc: "123".into() };
        self.shop.provider.create_token(&card).await.unwrap().token
    }

    /// Begins to check out to an address of the channel's first country; the checkout's id.
    pub async fn checkout(&self, cart: &str, country: &str) -> String {
        let query = "mutation($cart: ID!, $country: String!) { startCheckout(input: {cartId: $cart, \
                     email: \"shopper@example.com\", shippingAddress: {name: \"Sam Shopper\", line1: \"Main Street 1\", \
                     city: \"Town\", postalCode: \"12345\", countryCode: $country}}) \
                     { checkout { id } userErrors { code message field } } }";
        let started = self.data(query, json!({"cart": cart, "country": country})).await;
        started["startCheckout"]["checkout"]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{started:#}"))
            .to_owned()
    }

    /// Chooses standard delivery.
    pub async fn deliver(&self, checkout: &str) -> Value {
        let query = "mutation($id: ID!) { setCheckoutDelivery(input: {checkoutId: $id, deliveryOption: \"standard\"}) \
                     { checkout { state totals { items { amount } delivery { amount } net { amount } tax { amount } \
                     total { amount currencyCode } } } userErrors { code message field } } }";
        self.data(query, json!({"id": checkout})).await["setCheckoutDelivery"].take()
    }

    /// Adds a card.
    pub async fn pay_with(&self, checkout: &str, number: &str) -> Value {
        let token = self.card(number).await;
        let query = "mutation($id: ID!, $token: String!) { addCheckoutPayment(input: {checkoutId: $id, \
                     cardToken: $token, returnUrl: \"http://localhost/return\"}) \
                     { checkout { state } userErrors { code message field } } }";
        self.data(query, json!({"id": checkout, "token": token})).await["addCheckoutPayment"].take()
    }

    /// Buys.
    pub async fn complete(&self, checkout: &str) -> Value {
        let query = "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { pending actionUrl \
                     checkout { state declineCode } shortages { sku wanted available } userErrors { code message field } \
                     order { id number status totals { total { amount currencyCode } } \
                     lines { id sku quantity gross { amount } } } } }";
        self.data(query, json!({"id": checkout})).await["completeCheckout"].take()
    }

    /// From cart to order with one card; the order.
    pub async fn buy(&self, cart: &str, card: &str) -> Value {
        let checkout = self.checkout(cart, "DE").await;
        self.deliver(&checkout).await;
        self.pay_with(&checkout, card).await;
        let mut bought = self.complete(&checkout).await;
        assert!(bought["order"].is_object(), "{bought:#}");
        bought["order"].take()
    }
}

/// Waits for a condition, ten seconds at most.
pub async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..400 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it did not happen within ten seconds");
}
