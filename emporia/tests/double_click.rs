//! Every step of a checkout asked for many times at once: from a double click, two tabs, an impatient client. It is taken
//! once, everybody hears of the same result, and nothing is held or paid twice.

use emporia_id::FixedClock;
use emporia_testkit::{Emporia, Setup, Shopper};
use emporia_testpay::{
    api::EntryType,
    cards::{Behaviour, TEST_CARDS},
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

const CARD: &str = "4242424242424242";
const CLICKS: usize = 16;

/// The same mutation many times at once; the payloads.
async fn clicks(who: &Shopper<'_>, query: &str, variables: &Value) -> Vec<Value> {
    let answers = join_all((0..CLICKS).map(|_| who.ask(query, variables.clone()))).await;
    let payload = |answer: Value| {
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap()
    };
    answers.into_iter().map(payload).collect()
}

fn codes(payloads: &[Value]) -> BTreeSet<&str> {
    payloads.iter().filter_map(|payload| payload["userErrors"][0]["code"].as_str()).collect()
}

/// The different values at a place of the payloads, without null.
fn different(payloads: &[Value], at: &str) -> BTreeSet<String> {
    payloads.iter().filter_map(|p| p.pointer(at)).filter(|v| !v.is_null()).map(Value::to_string).collect()
}

async fn held(shop: &Emporia) -> Vec<i64> {
    let ledger = shop.provider.whole_ledger().await.unwrap();
    ledger.iter().filter(|e| e.kind == EntryType::Authorise).map(|e| e.amount_minor).collect()
}

async fn stock(shop: &Emporia, sku: &str) -> Value {
    let staff = shop.operator(&["admin"]).await;
    let query = "query($s: String!) { stockLevels(skus: [$s]) { reserved allocated } }";
    staff.data(query, json!({"s": sku})).await["stockLevels"][0].take()
}

async fn ready(guest: &Shopper<'_>) -> String {
    let checkout = guest.checkout(&guest.cart_with(&[("MUG", 2)]).await, "DE").await;
    guest.deliver(&checkout).await;
    guest.pay_with(&checkout, CARD).await;
    checkout
}

#[tokio::test(flavor = "multi_thread")]
async fn one_checkout_is_started_under_one_key() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let start = "mutation($cart: ID!) { startCheckout(input: {cartId: $cart, idempotencyKey: \"start\", email: \"a@example.com\", \
                 shippingAddress: {name: \"A\", line1: \"B 1\", city: \"C\", countryCode: \"DE\"}}) { checkout { id } userErrors { code } } }";
    let started = clicks(&guest, start, &json!({"cart": cart})).await;
    assert_eq!(different(&started, "/checkout/id").len(), 1, "{started:#?}");
    assert!(codes(&started).is_empty(), "{started:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_that_is_chosen_many_times_is_charged_once() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let checkout = guest.checkout(&guest.cart_with(&[("MUG", 1)]).await, "DE").await;
    let deliver = "mutation($id: ID!) { setCheckoutDelivery(input: {checkoutId: $id, deliveryOption: \"standard\"}) \
                   { checkout { totals { total { amount } } } userErrors { code } } }";
    let chosen = clicks(&guest, deliver, &json!({"id": checkout})).await;
    assert_eq!(different(&chosen, "/checkout/totals/total/amount"), BTreeSet::from(["\"12.40\"".into()]));
    // Who comes second is told to look again.
    assert!(codes(&chosen).is_subset(&BTreeSet::from(["CART_CHANGED"])), "{chosen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_are_added_at_once_never_pay_more_than_the_total() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let checkout = guest.checkout(&guest.cart_with(&[("MUG", 1)]).await, "DE").await;
    guest.deliver(&checkout).await;
    let add = "mutation($id: ID!, $token: String!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: $token}) \
               { checkout { id } userErrors { code } } }";
    let token = guest.card(CARD).await;
    let added = clicks(&guest, add, &json!({"id": checkout, "token": token})).await;
    assert_eq!(added.iter().filter(|payload| payload["checkout"].is_object()).count(), 1, "{added:#?}");
    assert_eq!(codes(&added), BTreeSet::from(["PAYMENT_AMOUNT_MISMATCH"]));
    assert!(guest.complete(&checkout).await["order"].is_object());
    assert_eq!(held(&shop).await, [1240]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_is_clicked_many_times_is_one_order() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let checkout = ready(&guest).await;
    let complete = "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { order { id } userErrors { code } } }";
    let bought = clicks(&guest, complete, &json!({"id": checkout})).await;
    assert_eq!(different(&bought, "/order/id").len(), 1, "{bought:#?}");
    assert!(codes(&bought).is_empty(), "{bought:#?}");
    assert_eq!(held(&shop).await, [1990]);
    assert_eq!(stock(&shop, "MUG").await, json!({"reserved": 0, "allocated": 2}));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_purchases_under_one_key_are_one_order() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let (cart, token) = (guest.cart_with(&[("MUG", 2)]).await, guest.card(CARD).await);
    let place = "mutation($cart: ID!, $token: String!) { placeOrder(input: {cartId: $cart, email: \"a@example.com\", \
                 shippingAddress: {name: \"A\", line1: \"B 1\", city: \"C\", countryCode: \"DE\"}, deliveryOption: \"standard\", \
                 cardToken: $token, idempotencyKey: \"k\"}) { order { id } userErrors { code message } } }";
    let placed = clicks(&guest, place, &json!({"cart": cart, "token": token})).await;
    assert_eq!(different(&placed, "/order/id").len(), 1, "{placed:#?}");
    assert_eq!(held(&shop).await, [1990]);
    assert_eq!(stock(&shop, "MUG").await, json!({"reserved": 0, "allocated": 2}));
    // Whoever was not answered with the order asks again and gets it.
    let again = guest.data(place, json!({"cart": cart, "token": token})).await;
    assert_eq!(
        different(&placed, "/order/id"),
        BTreeSet::from([again["placeOrder"]["order"]["id"].to_string()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_is_cancelled_many_times_gives_back_once_what_it_held() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let checkout = ready(&guest).await;
    let cancel = "mutation($id: ID!) { cancelCheckout(input: {checkoutId: $id}) { checkout { state } userErrors { code } } }";
    let cancelled = clicks(&guest, cancel, &json!({"id": checkout})).await;
    assert_eq!(different(&cancelled, "/checkout/state"), BTreeSet::from(["\"CANCELLED\"".into()]));
    assert!(codes(&cancelled).is_subset(&BTreeSet::from(["STATE_NOT_ALLOWED"])), "{cancelled:#?}");
    assert_eq!(stock(&shop, "MUG").await, json!({"reserved": 0, "allocated": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn buying_and_cancelling_at_once_ends_in_one_of_them() {
    for _ in 0..4 {
        let shop = Emporia::small().await;
        let guest = shop.guest().await;
        let checkout = ready(&guest).await;
        let cancel =
            "mutation($id: ID!) { cancelCheckout(input: {checkoutId: $id}) { userErrors { code } } }";
        let (bought, _) =
            tokio::join!(guest.ask("mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { order { id } userErrors { code } } }", json!({"id": checkout})),
                         guest.ask(cancel, json!({"id": checkout})));
        let query = "query($id: ID!) { checkout(id: $id) { state } }";
        let state = guest.data(query, json!({"id": checkout})).await["checkout"]["state"].take();
        shop.caught_up().await;
        let ledger = shop.provider.whole_ledger().await.unwrap();
        let voided = ledger.iter().filter(|e| e.kind == EntryType::Void).count();
        if state == "COMPLETED" {
            assert_eq!((held(&shop).await.len(), voided), (1, 0), "{bought:#}");
            assert_eq!(stock(&shop, "MUG").await, json!({"reserved": 0, "allocated": 2}));
        } else {
            assert_eq!(state, "CANCELLED", "{bought:#}");
            assert_eq!(held(&shop).await.len(), voided, "{ledger:#?}");
            assert_eq!(stock(&shop, "MUG").await, json!({"reserved": 0, "allocated": 0}));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_that_ran_out_of_its_time_is_held_once_more_however_many_go_on_with_the_purchase() {
    let clock = Arc::new(FixedClock::at(Timestamp::now()));
    let shop = Emporia::small_with(Setup { clock: Some(clock.clone()), ..Setup::default() }).await;
    let guest = shop.guest().await;
    let complete = "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { order { id } userErrors { code } } }";
    let pending =
        TEST_CARDS.iter().find(|card| card.behaviour == Behaviour::PendingThenApprove).unwrap().digits();
    for _ in 0..4 {
        let checkout = guest.checkout(&guest.cart_with(&[("MUG", 2)]).await, "DE").await;
        guest.deliver(&checkout).await;
        guest.pay_with(&checkout, &pending).await;
        guest.ask(complete, json!({"id": checkout})).await;
        // The shopper takes longer than his goods are held, and the provider decides while he clicks.
        clock.advance(SignedDuration::from_mins(16));
        emporia_testkit::until(async || {
            let bought = clicks(&guest, complete, &json!({"id": checkout})).await;
            (different(&bought, "/order/id").len() == 1).then_some(())
        })
        .await;
        shop.caught_up().await;
    }
    let report = emporia::audit::run(&shop.platform.store, None).await.unwrap();
    assert_eq!(report.differences(), 0, "{report}");
    assert_eq!(stock(&shop, "MUG").await, json!({"reserved": 0, "allocated": 8}));
}
