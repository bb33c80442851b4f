//! Who works in the shop meanwhile: shoppers of every temper, and an operator.

use crate::world::STAFF;
use emporia_testkit::Dice;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// How often each card is used, of a hundred.
const CARDS: [(u64, &str); 9] = [
    (62, "4242424242424242"),
    (8, "4000000000010100"),
    (4, "4000000000010209"),
    (4, "4000000000010308"),
    (4, "4000000000010407"),
    (4, "4000000000010506"),
    (5, "4000000000010605"),
    (5, "4000000000010704"),
    (4, "4000000000000002"),
];
/// How long a stubborn shopper asks again.
const PATIENCE: Duration = Duration::from_secs(120);

const CREATE: &str = "mutation($lines: [CartLineInput!]!) { createCart(input: {lines: $lines}) { guestToken cart { id } userErrors { code } } }";
const START: &str = "mutation($cart: ID!) { startCheckout(input: {cartId: $cart, idempotencyKey: \"start\", email: \"shopper@example.com\", \
     shippingAddress: {name: \"Sam\", line1: \"Main Street 1\", city: \"Town\", postalCode: \"12345\", countryCode: \"DE\"}}) \
     { checkout { id } userErrors { code message } } }";
const DELIVER: &str = "mutation($id: ID!) { setCheckoutDelivery(input: {checkoutId: $id, deliveryOption: \"standard\"}) { userErrors { code } } }";
const PAY: &str = "mutation($id: ID!, $token: String!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: $token}) { userErrors { code } } }";
const COMPLETE: &str = "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { order { id number } userErrors { code message } } }";
const CANCEL: &str =
    "mutation($id: ID!) { cancelCheckout(input: {checkoutId: $id}) { userErrors { code } } }";
const PLACE: &str = "mutation($cart: ID!, $token: String!, $key: String!) { placeOrder(input: {cartId: $cart, email: \"shopper@example.com\", \
     shippingAddress: {name: \"Sam\", line1: \"Main Street 1\", city: \"Town\", postalCode: \"12345\", countryCode: \"DE\"}, \
     deliveryOption: \"standard\", cardToken: $token, idempotencyKey: $key}) { order { id number } userErrors { code message } } }";

/// What people saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// Orders that the shop confirmed: id and number.
    pub(crate) orders: Mutex<BTreeSet<(String, String)>>,
    /// Orders that nobody has worked on yet.
    open: Mutex<Vec<String>>,
    /// Refusals by code, and answers that did not come.
    pub(crate) refusals: Mutex<BTreeMap<String, u64>>,
    /// Pages that were shown, also while something was broken.
    pub(crate) browsed: Mutex<(u64, u64)>,
}

impl Seen {
    fn refused(&self, code: &str) {
        *self.refusals.lock().entry(code.to_owned()).or_default() += 1;
    }
}

pub(crate) struct Street<'a> {
    pub(crate) graphql: String,
    pub(crate) tokens: String,
    pub(crate) http: reqwest::Client,
    pub(crate) seen: &'a Seen,
    pub(crate) stop: &'a AtomicBool,
}

impl Street<'_> {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// One request. `None`: no answer came, or one that says that the shop cannot now.
    async fn ask(&self, query: &str, variables: &Value, header: (&str, &str)) -> Option<Value> {
        let request = self.http.post(&self.graphql).header(header.0, header.1);
        let sent = request.json(&json!({"query": query, "variables": variables})).send().await;
        let answer: Option<Value> = match sent {
            Ok(answer) => answer.json().await.ok(),
            Err(_) => None,
        };
        let Some(answer) = answer else {
            self.seen.refused("no answer");
            return None;
        };
        if let Some(error) = answer["errors"].as_array().and_then(|errors| errors.first()) {
            self.seen.refused(error["extensions"]["code"].as_str().unwrap_or("an error without code"));
            return None;
        }
        answer["data"].as_object().and_then(|data| data.values().next()).cloned()
    }

    /// Asks again until the shop answers, or patience ends.
    async fn insist(&self, query: &str, variables: &Value, header: (&str, &str)) -> Option<Value> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && self.goes_on() {
            if let Some(answer) = self.ask(query, variables, header).await {
                return Some(answer);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        None
    }

    async fn card(&self, dice: &mut Dice) -> Option<String> {
        let mut at = dice.next(100);
        let card = CARDS.iter().find(|(share, _)| {
            let found = at < *share;
            at = at.saturating_sub(*share);
            found
        });
        let card = json!({"number": card.map_or(CARDS[0].1, |c| c.1), "expMonth": 12, "expYear": 2040, "cvc": "123"});
        let sent = self.http.post(&self.tokens).json(&card).send().await.ok()?;
        let answer: Value = sent.json().await.ok()?;
        answer["token"].as_str().map(ToOwned::to_owned)
    }

    /// Buys again and again.
    pub(crate) async fn shop(&self, mut dice: Dice) {
        while self.goes_on() {
            // Without an order the next purchase is begun anew.
            self.purchase(&mut dice).await;
            tokio::time::sleep(Duration::from_millis(dice.next(400))).await;
        }
    }

    async fn purchase(&self, dice: &mut Dice) -> Option<()> {
        let lines: Vec<Value> = (0..=dice.next(2))
            .map(|n| json!({"sku": format!("MORE-{:03}", 1 + n * 60 + dice.next(60)), "quantity": 1 + dice.next(2)}))
            .collect();
        let made = self.insist(CREATE, &json!({"lines": lines}), ("emporia-channel", "eu")).await?;
        let (token, cart) = (made["guestToken"].as_str()?.to_owned(), made["cart"]["id"].clone());
        let guest = ("emporia-guest", token.as_str());
        let stubborn = dice.next(3) > 0;
        if dice.next(2) == 0 {
            let request = json!({"cart": cart, "token": self.card(dice).await?, "key": "the purchase"});
            let answer = if stubborn {
                self.insist(PLACE, &request, guest).await?
            } else {
                self.ask(PLACE, &request, guest).await?
            };
            self.note(&answer);
            return Some(());
        }
        let started = self.insist(START, &json!({"cart": cart}), guest).await?;
        let id = json!({"id": started["checkout"]["id"]});
        self.insist(DELIVER, &id, guest).await?;
        for _ in 0..3 {
            self.insist(PAY, &json!({"id": id["id"], "token": self.card(dice).await?}), guest).await?;
            let answer = match dice.next(10) {
                // Two tabs.
                0..2 => {
                    let (a, b) = tokio::join!(self.ask(COMPLETE, &id, guest), self.ask(COMPLETE, &id, guest));
                    a.or(b)
                }
                // Bought and given up in the same instant.
                2 => tokio::join!(self.ask(COMPLETE, &id, guest), self.ask(CANCEL, &id, guest)).0,
                3 => self.insist(CANCEL, &id, guest).await,
                _ if stubborn => self.insist(COMPLETE, &id, guest).await,
                _ => self.ask(COMPLETE, &id, guest).await,
            };
            let answer = answer?;
            self.note(&answer);
            if answer["userErrors"][0]["code"] != "PAYMENT_DECLINED" {
                return Some(());
            }
        }
        Some(())
    }

    fn note(&self, answer: &Value) {
        let (id, number) = (answer["order"]["id"].as_str(), answer["order"]["number"].as_str());
        if let (Some(id), Some(number)) = (id, number) {
            if self.seen.orders.lock().insert((id.to_owned(), number.to_owned())) {
                self.seen.open.lock().push(id.to_owned());
            }
        } else if let Some(code) = answer["userErrors"][0]["code"].as_str() {
            self.seen.refused(code);
        }
    }

    /// Looks at pages, whatever is broken.
    pub(crate) async fn browse(&self) {
        let listing = "{ products(category: \"all\", first: 24) { edges { node { title variants { sku price { unit { amount } } } } } } }";
        while self.goes_on() {
            let shown = self.ask(listing, &json!({}), ("emporia-channel", "eu")).await;
            {
                let mut browsed = self.seen.browsed.lock();
                browsed.0 += 1;
                browsed.1 += u64::from(shown.is_some());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ships, cancels and takes back what was ordered.
    pub(crate) async fn work(&self, mut dice: Dice) {
        let mut token = String::new();
        while self.goes_on() {
            tokio::time::sleep(Duration::from_millis(50 + dice.next(200))).await;
            let Some(order) = self.seen.open.lock().pop() else { continue };
            if self.handle(&order, &token, &mut dice).await.is_none() {
                self.seen.open.lock().push(order);
                if let Some(fresh) = self.sign_in().await {
                    token = fresh;
                }
            }
        }
    }

    async fn sign_in(&self) -> Option<String> {
        let query = "mutation($email: String!, $password: String!) { signInOperator(input: {email: $email, password: $password}) { accessToken } }";
        let account = json!({"email": STAFF.0, "password": STAFF.1});
        let answer = self.ask(query, &account, ("emporia-channel", "eu")).await?;
        Some(format!("Bearer {}", answer["accessToken"].as_str()?))
    }

    async fn handle(&self, order: &str, token: &str, dice: &mut Dice) -> Option<()> {
        let staff = ("authorization", token);
        let of = json!({"id": order});
        if dice.next(5) == 0 {
            let cancel = "mutation($id: ID!) { cancelOrder(input: {orderId: $id, reason: \"chaos\"}) { userErrors { code } } }";
            return self.ask(cancel, &of, staff).await.map(drop);
        }
        let fulfil = "mutation($id: ID!, $key: String!) { createFulfilment(input: {orderId: $id, idempotencyKey: $key}) { fulfilment { id } userErrors { code } } }";
        let made = self.ask(fulfil, &json!({"id": order, "key": format!("fulfil-{order}")}), staff).await?;
        if made["fulfilment"].is_null() {
            // Nothing is left to ship.
            return Some(());
        }
        let ship = "mutation($id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f}) { userErrors { code } } }";
        self.ask(ship, &json!({"id": order, "f": made["fulfilment"]["id"]}), staff).await?;
        if dice.next(4) > 0 {
            return Some(());
        }
        let query = "query($id: ID!) { order(id: $id) { lines { id sku kind } } }";
        let seen = self.ask(query, &of, staff).await?;
        let line = seen["lines"].as_array()?.iter().find(|line| line["sku"].is_string())?;
        let back = "mutation($id: ID!, $sku: String!, $line: ID!, $external: String!) { recordReturn(input: {orderId: $id, externalId: $external, \
                    location: \"warehouse\", lines: [{sku: $sku, orderLineId: $line, quantity: 1, condition: RESTOCK}]}) { userErrors { code } } }";
        let lines = json!({"id": order, "sku": line["sku"], "line": line["id"], "external": format!("return-of-{order}")});
        self.ask(back, &lines, staff).await.map(drop)
    }
}
