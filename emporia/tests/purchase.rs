//! Purchases through the whole platform, as shoppers make them.

use emporia_testkit::Emporia;
use emporia_testpay::{
    api::{DeclineCode, EntryType},
    cards::{Behaviour, TEST_CARDS},
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_buys_sees_the_order_and_nobody_else_does() {
    let shop = Emporia::small().await;
    let (guest, stranger) = (shop.guest().await, shop.guest().await);
    let cart = guest.cart_with(&[("SHIRT-RED", 2), ("BOOK", 1)]).await;
    let order = guest.buy(&cart, "4242424242424242").await;
    // 2 × 19.99 + 12.00 + 4.90 delivery.
    assert_eq!(order["totals"]["total"]["amount"], "56.88");
    let query = "query($id: ID!) { order(id: $id) { number email shippingAddress { city } } }";
    let mine = guest.data(query, json!({"id": order["id"]})).await;
    assert_eq!(mine["order"]["email"], "shopper@example.com");
    assert!(stranger.data(query, json!({"id": order["id"]})).await["order"].is_null());
    let query = "query($id: ID!) { cart(id: $id) { state } }";
    assert_eq!(guest.data(query, json!({"id": cart})).await["cart"]["state"], "ORDERED");
    assert!(stranger.data(query, json!({"id": cart})).await["cart"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_twice_at_once_gives_one_order_and_one_payment() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let checkout = guest.checkout(&cart, "DE").await;
    guest.deliver(&checkout).await;
    guest.pay_with(&checkout, "4242424242424242").await;
    let (a, b, c) =
        tokio::join!(guest.complete(&checkout), guest.complete(&checkout), guest.complete(&checkout));
    assert!(a["order"]["id"].is_string(), "{a:#}");
    assert_eq!((&a["order"]["id"], &a["order"]["id"]), (&b["order"]["id"], &c["order"]["id"]));
    let ledger = shop.provider.whole_ledger().await.unwrap();
    assert_eq!(ledger.len(), 1, "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_checkouts_of_one_cart_make_one_order() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let (first, second) = (guest.checkout(&cart, "DE").await, guest.checkout(&cart, "DE").await);
    for checkout in [&first, &second] {
        guest.deliver(checkout).await;
        guest.pay_with(checkout, "4242424242424242").await;
    }
    let (a, b) = tokio::join!(guest.complete(&first), guest.complete(&second));
    let orders = [&a, &b].iter().filter(|r| r["order"].is_object()).count();
    assert_eq!(orders, 1, "{a:#}\n{b:#}");
    let refused = if a["order"].is_object() { b } else { a };
    assert!(refused["userErrors"][0]["code"].is_string(), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_takes_nothing_keeps_the_stock_and_another_card_works() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("LAST-ONE", 1)]).await;
    let checkout = guest.checkout(&cart, "DE").await;
    guest.deliver(&checkout).await;
    guest.pay_with(&checkout, &card(Behaviour::Decline(DeclineCode::InsufficientFunds))).await;
    let declined = guest.complete(&checkout).await;
    assert_eq!(declined["userErrors"][0]["code"], "PAYMENT_DECLINED", "{declined:#}");
    assert_eq!(declined["checkout"]["declineCode"], "insufficient_funds");
    // The last one stays held for him: another shopper does not get it.
    let other = shop.guest().await;
    let cart = other.cart_with(&[("LAST-ONE", 1)]).await;
    let late = other.checkout(&cart, "DE").await;
    other.deliver(&late).await;
    other.pay_with(&late, "4242424242424242").await;
    let short = other.complete(&late).await;
    assert_eq!(short["shortages"][0]["sku"], "LAST-ONE", "{short:#}");
    guest.pay_with(&checkout, "4242424242424242").await;
    assert!(guest.complete(&checkout).await["order"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_cards_one_declined_takes_nothing_and_two_good_ones_share_the_order() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let checkout = guest.checkout(&guest.cart_with(&[("LAST-ONE", 1)]).await, "DE").await;
    guest.deliver(&checkout).await;
    let add = "mutation($id: ID!, $token: String!, $amount: String) { addCheckoutPayment(input: {checkoutId: $id, \
               cardToken: $token, amount: $amount}) { userErrors { code } } }";
    let pay = async |number: &str, amount: Option<&str>| {
        let token = guest.card(number).await;
        guest.data(add, json!({"id": checkout, "token": token, "amount": amount})).await
    };
    let kinds = async || -> Vec<(EntryType, i64)> {
        let ledger = shop.provider.whole_ledger().await.unwrap();
        ledger.iter().map(|e| (e.kind, e.amount_minor.abs())).collect()
    };
    pay("4242424242424242", Some("5.00")).await;
    pay(&card(Behaviour::Decline(DeclineCode::InsufficientFunds)), None).await;
    let declined = guest.complete(&checkout).await;
    assert_eq!(declined["userErrors"][0]["code"], "PAYMENT_DECLINED", "{declined:#}");
    until(async || kinds().await.contains(&(EntryType::Void, 500)).then_some(())).await;
    let query = "{ stockLevels(skus: [\"LAST-ONE\"]) { reserved } }";
    assert_eq!(staff.data(query, json!({})).await["stockLevels"][0]["reserved"], 1, "it is kept for him");

    // Both again, since nothing of the first attempt was taken.
    pay("4242424242424242", Some("5.00")).await;
    pay("5555555555554444", None).await;
    let bought = guest.complete(&checkout).await;
    let id = &bought["order"]["id"];
    assert!(id.is_string(), "{bought:#}");
    let fulfil = "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } } }";
    let made = staff.data(fulfil, json!({"id": id})).await;
    let ship = "mutation($id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f}) { userErrors { message } } }";
    staff.data(ship, json!({"id": id, "f": made["createFulfilment"]["fulfilment"]["id"]})).await;
    shop.caught_up().await;
    let query = "query($id: ID!) { order(id: $id) { outstanding { amount } tenders { amount { amount } } payments { captured { amount } } } }";
    let seen = staff.data(query, json!({"id": id})).await;
    assert_eq!(seen["order"]["outstanding"]["amount"], "0.00", "{seen:#}");
    let mut captured: Vec<_> =
        kinds().await.into_iter().filter(|(kind, _)| *kind == EntryType::Capture).collect();
    captured.sort_by_key(|(_, amount)| *amount);
    assert_eq!(captured, [(EntryType::Capture, 500), (EntryType::Capture, 990)]);
    assert_eq!(seen["order"]["payments"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_three_d_secure_challenge_is_passed_at_the_provider_and_the_order_follows() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let checkout = guest.checkout(&cart, "DE").await;
    guest.deliver(&checkout).await;
    guest.pay_with(&checkout, &card(Behaviour::Challenge)).await;
    let waits = guest.complete(&checkout).await;
    let url = waits["actionUrl"].as_str().unwrap_or_else(|| panic!("{waits:#}")).to_owned();
    assert!(waits["order"].is_null());
    // The shopper approves on the provider's page; the browser is then closed: only the webhook tells us.
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = browser
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("outcome=approve")
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_redirection(), "{}", answer.status());
    let order = until(async || {
        let query = "query($id: ID!) { checkout(id: $id) { state order { number } } }";
        let found = guest.data(query, json!({"id": checkout})).await;
        found["checkout"]["order"]["number"].as_str().map(ToOwned::to_owned)
    })
    .await;
    assert!(order.starts_with("EU-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_payment_becomes_an_order_by_webhook_alone() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let checkout = guest.checkout(&cart, "DE").await;
    guest.deliver(&checkout).await;
    guest.pay_with(&checkout, &card(Behaviour::PendingThenApprove)).await;
    let waits = guest.complete(&checkout).await;
    assert_eq!(waits["pending"], true, "{waits:#}");
    until(async || {
        let query = "query($id: ID!) { checkout(id: $id) { order { number } } }";
        let found = guest.data(query, json!({"id": checkout})).await;
        found["checkout"]["order"]["number"].as_str().map(ToOwned::to_owned)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shipped_captured_delivered_returned_and_owes_nothing() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let cart = guest.cart_with(&[("SHIRT-RED", 3), ("MUG", 2)]).await;
    let order = guest.buy(&cart, "4242424242424242").await;
    let id = &order["id"];
    let fulfil = "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } userErrors { message } } }";
    let made = staff.data(fulfil, json!({"id": id})).await;
    let fulfilment = &made["createFulfilment"]["fulfilment"]["id"];
    for step in [
        "shipFulfilment(input: {orderId: $id, fulfilmentId: $f, carrier: \"DHL\"})",
        "deliverFulfilment(input: {orderId: $id, fulfilmentId: $f})",
    ] {
        let query = format!("mutation($id: ID!, $f: ID!) {{ step: {step} {{ userErrors {{ message }} }} }}");
        let done = staff.data(&query, json!({"id": id, "f": fulfilment})).await;
        assert_eq!(done["step"]["userErrors"], json!([]));
    }
    shop.caught_up().await;
    let line = &order["lines"][0]["id"];
    let query = "mutation($id: ID!, $line: ID!) { recordReturn(input: {externalId: \"counter-1\", orderId: $id, \
                 location: \"store\", lines: [{orderLineId: $line, sku: \"SHIRT-RED\", quantity: 1, condition: RESTOCK}]}) \
                 { refund { amount } userErrors { message } } }";
    let returned = staff.data(query, json!({"id": id, "line": line})).await;
    assert_eq!(returned["recordReturn"]["refund"]["amount"], "19.99", "{returned:#}");
    shop.caught_up().await;
    shop.caught_up().await;
    let query = "query($id: ID!) { order(id: $id) { status outstanding { amount } \
                 payments { captured { amount } refunded { amount } } } }";
    let done = staff.data(query, json!({"id": id})).await;
    assert_eq!(done["order"]["status"], "CLOSED");
    assert_eq!(done["order"]["outstanding"]["amount"], "0.00", "{done:#}");
    assert_eq!(done["order"]["payments"][0]["refunded"]["amount"], "19.99");
    let query = "{ stockLevels(skus: [\"SHIRT-RED\"]) { location onHand available allocated reserved } }";
    let levels = staff.data(query, json!({})).await;
    assert_eq!(
        levels["stockLevels"],
        json!([
            {"location": "warehouse", "onHand": 97, "available": 97, "allocated": 0, "reserved": 0},
            {"location": "store", "onHand": 1, "available": 1, "allocated": 0, "reserved": 0}
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_partly_cancelled_order_the_rest_is_not_held_any_longer_than_until_it_is_shipped() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let cart = guest.cart_with(&[("SHIRT-RED", 1), ("MUG", 2)]).await;
    let order = guest.buy(&cart, "4242424242424242").await;
    let (id, mug) = (&order["id"], &order["lines"][1]["id"]);
    let cancel = "mutation($id: ID!, $line: ID!) { cancelOrder(input: {orderId: $id, reason: \"one is enough\", \
                  lines: [{orderLineId: $line, quantity: 1}]}) { userErrors { message } } }";
    staff.data(cancel, json!({"id": id, "line": mug})).await;
    let fulfil = "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } } }";
    let made = staff.data(fulfil, json!({"id": id})).await;
    let ship = "mutation($id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f}) { userErrors { message } } }";
    staff.data(ship, json!({"id": id, "f": made["createFulfilment"]["fulfilment"]["id"]})).await;
    shop.caught_up().await;
    let query = "query($id: ID!) { order(id: $id) { outstanding { amount } timeline { event text } \
                 payments { state noted { kind } captured { amount } authorised { amount } } } }";
    let seen = staff.data(query, json!({"id": id})).await;
    assert_eq!(seen["order"]["outstanding"]["amount"], "0.00", "{seen:#}");
    assert_eq!(seen["order"]["payments"][0]["noted"], json!([]));
    let ledger = shop.provider.whole_ledger().await.unwrap();
    let amounts: Vec<_> = ledger.iter().map(|e| (e.kind, e.amount_minor)).collect();
    let [(EntryType::Authorise, held), (EntryType::Capture, taken), (EntryType::Void, freed)] = amounts[..]
    else {
        panic!("{ledger:#?}")
    };
    assert_eq!(taken.abs() + freed.abs(), held.abs(), "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_idempotency_key_buys_once() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let token = guest.card("4242424242424242").await;
    let query = "mutation($cart: ID!, $token: String!, $city: String!) { placeOrder(input: {cartId: $cart, \
                 email: \"a@example.com\", shippingAddress: {name: \"A\", line1: \"B 1\", city: $city, \
                 postalCode: \"1\", countryCode: \"DE\"}, deliveryOption: \"standard\", cardToken: $token, \
                 idempotencyKey: \"k\"}) { order { id } userErrors { code message } } }";
    let variables = json!({"cart": cart, "token": token, "city": "Town"});
    let first = guest.data(query, variables.clone()).await;
    let again = guest.data(query, variables).await;
    assert!(first["placeOrder"]["order"]["id"].is_string(), "{first:#}");
    assert_eq!(first, again);
    let other = guest.ask(query, json!({"cart": cart, "token": token, "city": "Elsewhere"})).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED", "{other:#}");
    assert_eq!(shop.provider.whole_ledger().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_after_pricing_shows_the_new_total_before_it_is_paid() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let checkout = guest.checkout(&cart, "DE").await;
    guest.deliver(&checkout).await;
    guest.pay_with(&checkout, "4242424242424242").await;
    let query = "mutation($id: ID!) { addCartLines(input: {cartId: $id, lines: [{sku: \"BOOK\", quantity: 1}]}) \
                 { userErrors { code } } }";
    guest.data(query, json!({"id": cart})).await;
    let changed = guest.complete(&checkout).await;
    assert_eq!(changed["userErrors"][0]["code"], "CART_CHANGED", "{changed:#}");
    guest.pay_with(&checkout, "4242424242424242").await;
    let bought = guest.complete(&checkout).await;
    assert_eq!(bought["order"]["totals"]["total"]["amount"], "24.40", "{bought:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_channel_prices_in_its_own_way() {
    let shop = Emporia::small().await;
    for (channel, country, total, currency) in
        // 2 × 18.50 net + 4.90, each plus 8 %: 37.00 + 2.96 + 4.90 + 0.39. Yen has no decimals.
        [("us", "US", "45.25", "USD"), ("jp", "JP", "6450", "JPY")]
    {
        let guest = shop.guest().await.in_channel(channel);
        let cart = guest.cart_with(&[("SHIRT-RED", 2)]).await;
        let checkout = guest.checkout(&cart, country).await;
        let priced = guest.deliver(&checkout).await;
        assert_eq!(
            priced["checkout"]["totals"]["total"],
            json!({"amount": total, "currencyCode": currency}),
            "{priced:#}"
        );
    }
}

/// Waits for a condition, with an end.
async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..400 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("it did not happen within ten seconds");
}

/// The documented card that behaves so.
fn card(behaviour: Behaviour) -> String {
    TEST_CARDS.iter().find(|card| card.behaviour == behaviour).unwrap().number.replace(' ', "")
}
