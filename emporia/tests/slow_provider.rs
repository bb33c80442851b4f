//! A payment provider that is slow, breaks off or is down: shoppers who pay wait or are told so, all others do not
//! notice.

use emporia_id::FixedClock;
use emporia_testkit::{Emporia, Setup, Shopper, until};
use emporia_testpay::api::{EntryType, FaultsRequest};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const CARD: &str = "4242424242424242";

/// A guest with a checkout to which only the last word is missing.
async fn ready<'a>(shop: &'a Emporia, sku: &str) -> (Shopper<'a>, String) {
    let guest = shop.guest().await;
    let checkout = guest.checkout(&guest.cart_with(&[(sku, 1)]).await, "DE").await;
    guest.deliver(&checkout).await;
    guest.pay_with(&checkout, CARD).await;
    (guest, checkout)
}

async fn latency(shop: &Emporia, milliseconds: u64) {
    shop.provider
        .set_faults(&FaultsRequest { latency_ms: milliseconds, ..FaultsRequest::default() })
        .await
        .unwrap();
}

async fn level(staff: &Shopper<'_>, sku: &str) -> Value {
    let query =
        "query($s: String!) { stockLevels(skus: [$s]) { location onHand available reserved allocated } }";
    staff.data(query, json!({"s": sku})).await["stockLevels"][0].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_purchases_that_wait_for_the_provider_keep_nobody_else_waiting() {
    let shop = Emporia::small().await;
    let mut buyers = vec![];
    for _ in 0..20 {
        buyers.push(ready(&shop, "BOOK").await);
    }
    latency(&shop, 3_000).await;
    let begun = Instant::now();
    let buying = join_all(buyers.iter().map(|(guest, checkout)| guest.complete(checkout)));
    let browsing = async {
        let (mut answers, mut slowest) = (0, Duration::ZERO);
        while begun.elapsed() < Duration::from_millis(2_800) {
            let asked = Instant::now();
            let guest = shop.guest().await;
            let cart = guest.cart_with(&[("MUG", 1)]).await;
            guest.data("{ products(first: 6) { nodes { variants { price { unit { amount } } availability { inStock } } } } }", json!({})).await;
            guest
                .data("query($id: ID!) { cart(id: $id) { subtotal { amount } } }", json!({"id": cart}))
                .await;
            slowest = slowest.max(asked.elapsed());
            answers += 1;
        }
        (answers, slowest)
    };
    let (bought, (answers, slowest)) = tokio::join!(buying, browsing);
    eprintln!(
        "{answers} shoppers browsed meanwhile, the slowest for {slowest:?}; all bought after {:?}",
        begun.elapsed()
    );
    assert!(bought.iter().all(|b| b["order"].is_object()), "{bought:#?}");
    assert!(begun.elapsed() >= Duration::from_secs(3), "the provider was not slow");
    assert!(begun.elapsed() < Duration::from_secs(9), "they waited beside each other: {:?}", begun.elapsed());
    assert!(answers >= 10, "{answers} shoppers browsed");
    assert!(slowest < Duration::from_millis(1_500), "{slowest:?}");
    let ledger = shop.provider.whole_ledger().await.unwrap();
    assert_eq!(ledger.iter().filter(|e| e.kind == EntryType::Authorise).count(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_provider_is_down_nothing_is_owed_and_the_stock_is_held_until_its_time_is_over() {
    let clock = Arc::new(FixedClock::at(Timestamp::now()));
    let shop = Emporia::small_with(Setup { clock: Some(clock.clone()), ..Setup::default() }).await;
    let staff = shop.operator(&["admin"]).await;
    let (guest, checkout) = ready(&shop, "LAST-ONE").await;
    shop.stop_provider().await;
    let told = guest.complete(&checkout).await;
    assert_eq!(told["userErrors"][0]["code"], "PAYMENT_UNAVAILABLE", "{told:#}");
    assert!(told["order"].is_null());
    assert_eq!(told["checkout"]["state"], "PRICED");
    // Browsing and filling carts go on; so does the hold.
    let other = shop.guest().await;
    other.cart_with(&[("MUG", 1)]).await;
    assert_eq!(level(&staff, "LAST-ONE").await["reserved"], 1);
    // He does not come back: after the hold the goods are for sale again.
    clock.advance(SignedDuration::from_mins(16));
    shop.platform.inventory.sweep().await.unwrap();
    let staff = shop.operator(&["admin"]).await;
    let free = level(&staff, "LAST-ONE").await;
    assert_eq!((&free["reserved"], &free["available"]), (&json!(0), &json!(1)), "{free:#}");
    shop.start_provider().await;
    assert!(shop.provider.whole_ledger().await.unwrap().is_empty(), "nothing was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_provider_came_back_the_same_checkout_buys() {
    let shop = Emporia::small().await;
    let (guest, checkout) = ready(&shop, "LAST-ONE").await;
    shop.stop_provider().await;
    assert!(guest.complete(&checkout).await["userErrors"][0]["code"].is_string());
    shop.start_provider().await;
    // Nothing has become of his card: he only has to ask again.
    let bought = guest.complete(&checkout).await;
    assert!(bought["order"].is_object(), "{bought:#}");
    let ledger = shop.provider.whole_ledger().await.unwrap();
    assert_eq!(ledger.len(), 1, "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_on_its_way_is_found_again_and_paid_once() {
    let shop = Emporia::small().await;
    let staff = shop.operator(&["admin"]).await;
    let (guest, checkout) = ready(&shop, "MUG").await;
    // The provider does the work, then the line breaks.
    shop.provider.set_faults(&FaultsRequest { drop_next: 1, ..FaultsRequest::default() }).await.unwrap();
    guest.complete(&checkout).await;
    let order = until(async || {
        let found = guest.complete(&checkout).await;
        found["order"]["id"].as_str().map(ToOwned::to_owned)
    })
    .await;
    let ledger = shop.provider.whole_ledger().await.unwrap();
    assert_eq!(ledger.iter().filter(|e| e.kind == EntryType::Authorise).count(), 1, "{ledger:#?}");
    shop.caught_up().await;
    let query = "query($id: ID!) { order(id: $id) { payments { state } } }";
    let seen = staff.data(query, json!({"id": order})).await;
    assert_eq!(seen["order"]["payments"], json!([{"state": "AUTHORISED"}]));
    let stock = level(&staff, "MUG").await;
    assert_eq!((&stock["reserved"], &stock["allocated"]), (&json!(0), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_for_a_moment_takes_nothing_twice() {
    let shop = Emporia::small().await;
    let (guest, checkout) = ready(&shop, "MUG").await;
    shop.provider.set_faults(&FaultsRequest { fail_next: 2, ..FaultsRequest::default() }).await.unwrap();
    let first = guest.complete(&checkout).await;
    assert!(first["order"].is_null(), "{first:#}");
    until(async || guest.complete(&checkout).await["order"].is_object().then_some(())).await;
    let ledger = shop.provider.whole_ledger().await.unwrap();
    assert_eq!(ledger.len(), 1, "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipment_while_the_provider_is_down_is_captured_when_it_is_back() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let order = guest.buy(&guest.cart_with(&[("MUG", 1)]).await, CARD).await;
    shop.stop_provider().await;
    let fulfil = "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } } }";
    let made = staff.data(fulfil, json!({"id": order["id"]})).await;
    let ship = "mutation($id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f}) { fulfilment { state } userErrors { message } } }";
    let shipped =
        staff.data(ship, json!({"id": order["id"], "f": made["createFulfilment"]["fulfilment"]["id"]})).await;
    assert_eq!(shipped["shipFulfilment"]["fulfilment"]["state"], "SHIPPED");
    shop.start_provider().await;
    let query =
        "query($id: ID!) { order(id: $id) { outstanding { amount } payments { captured { amount } } } }";
    until(async || {
        let seen = staff.data(query, json!({"id": order["id"]})).await;
        (seen["order"]["outstanding"]["amount"] == "0.00").then_some(())
    })
    .await;
    let ledger = shop.provider.whole_ledger().await.unwrap();
    assert_eq!(ledger.iter().filter(|e| e.kind == EntryType::Capture).count(), 1, "{ledger:#?}");
}
