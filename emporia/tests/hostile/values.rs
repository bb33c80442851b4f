//! Quantities, ids, amounts, dates.

use crate::{Target, code, short};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn quantities_are_1_to_999999_and_nothing_else() {
    let target = Target::new().await;
    let guest = target.shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 2)]).await;
    let whole = "query($cart: ID!) { cart(id: $cart) { revision units lines { id quantity } } }";
    let before = guest.data(whole, json!({"cart": cart})).await;
    let line = &before["cart"]["lines"][0]["id"];
    let create = "mutation($q: Int!) { createCart(input: {lines: [{sku: \"MUG\", quantity: $q}]}) { cart { id } userErrors { code message } } }";
    let add = "mutation($q: Int!, $cart: ID!) { addCartLines(input: {cartId: $cart, lines: [{sku: \"BOOK\", quantity: $q}]}) { cart { id } userErrors { code message } } }";
    let update = "mutation($q: Int!, $cart: ID!, $line: ID!) { updateCartLines(input: {cartId: $cart, lines: [{lineId: $line, quantity: $q}]}) { cart { id } userErrors { code message } } }";
    let numbers =
        [json!(0), json!(-1), json!(1_000_000), json!(1_000_000_000), json!(i32::MAX), json!(i32::MIN)];
    let others = [
        json!(2_147_483_648_i64),
        json!(i64::MAX),
        json!(1e40),
        json!(1.5),
        json!("1"),
        json!(true),
        json!(null),
        json!([1]),
        json!({}),
    ];
    for quantity in numbers.iter().chain(&others) {
        target.refused(create, json!({"q": quantity}), &guest).await;
        target.refused(add, json!({"q": quantity, "cart": cart}), &guest).await;
        target.refused(update, json!({"q": quantity, "cart": cart, "line": line}), &guest).await;
    }
    // What is there may not grow beyond the limit in small steps either.
    let most = guest.cart_with(&[("BOOK", 999_999)]).await;
    target.refused(add, json!({"q": 1, "cart": most}), &guest).await;
    assert_eq!(guest.data(whole, json!({"cart": cart})).await, before);

    let staff = target.shop.operator(&["admin"]).await;
    let order = guest.buy(&guest.cart_with(&[("MUG", 1)]).await, "4242424242424242").await;
    let (id, of) = (&order["id"], &order["lines"][0]["id"]);
    for quantity in numbers {
        for query in [
            "mutation($q: Int!, $id: ID!, $of: ID!) { cancelOrder(input: {orderId: $id, reason: \"x\", lines: [{orderLineId: $of, quantity: $q}]}) { userErrors { code message } } }",
            "mutation($q: Int!, $id: ID!, $of: ID!) { createFulfilment(input: {orderId: $id, lines: [{orderLineId: $of, quantity: $q}]}) { userErrors { code message } } }",
            "mutation($q: Int!, $id: ID!, $of: ID!) { recordReturn(input: {externalId: \"r\", orderId: $id, location: \"store\", lines: [{orderLineId: $of, sku: \"MUG\", quantity: $q, condition: RESTOCK}]}) { userErrors { code message } } }",
        ] {
            target.refused(query, json!({"q": quantity, "id": id, "of": of}), &staff).await;
        }
    }
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_no_kind_and_of_another_kind_are_refused_everywhere() {
    let target = Target::new().await;
    let guest = target.shop.guest().await;
    let staff = target.shop.operator(&["admin"]).await;
    let order = guest.buy(&guest.cart_with(&[("MUG", 1)]).await, "4242424242424242").await;
    let long = "x".repeat(10_000);
    let product = "prd_01h455vb4pex5vsknk084sn02q";
    let bad = [
        "",
        " ",
        "x",
        "crt_",
        "ord_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "crt_' OR 1=1 --",
        "../../etc/passwd",
        "\u{0}",
        "é",
        "💣",
        "null",
        product,
        &long,
    ];
    let operations = [
        "query($id: ID!) { cart(id: $id) { id } }",
        "query($id: ID!) { checkout(id: $id) { id } }",
        "query($id: ID!) { order(id: $id) { id } }",
        "query($id: ID!) { payment(id: $id) { id } }",
        "query($id: ID!) { customer(id: $id) { id } }",
        "mutation($id: ID!) { addCartLines(input: {cartId: $id, lines: [{sku: \"MUG\", quantity: 1}]}) { userErrors { code message } } }",
        "mutation($id: ID!) { removeCartLines(input: {cartId: $id, lineIds: []}) { userErrors { code message } } }",
        "mutation($id: ID!) { setCheckoutDelivery(input: {checkoutId: $id, deliveryOption: \"standard\"}) { userErrors { code message } } }",
        "mutation($id: ID!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: \"tok\"}) { userErrors { code message } } }",
        "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { userErrors { code message } } }",
        "mutation($id: ID!) { cancelCheckout(input: {checkoutId: $id}) { userErrors { code message } } }",
        "mutation($id: ID!) { cancelOrder(input: {orderId: $id, reason: \"x\"}) { userErrors { code message } } }",
        "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { userErrors { code message } } }",
        "mutation($id: ID!) { refundPayment(input: {paymentId: $id, amount: \"1\", reason: \"x\", idempotencyKey: \"k\"}) { userErrors { code message } } }",
        "mutation($id: ID!) { erasePerson(input: {customerId: $id}) { erased userErrors { code message } } }",
        "mutation($id: ID!) { exportPerson(input: {personId: $id}) { userErrors { code message } } }",
    ];
    for query in operations {
        for id in bad {
            let who = if query.contains("erasePerson")
                || query.contains("payment")
                || query.contains("customer(")
                || query.contains("Order")
                || query.contains("Fulfilment")
                || query.contains("refund")
                || query.contains("exportPerson")
            {
                &staff
            } else {
                &guest
            };
            target.refused(query, json!({"id": id}), who).await;
        }
    }
    let fulfil = "mutation($id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f}) { userErrors { code message } } }";
    for id in bad {
        target.refused(fulfil, json!({"id": order["id"], "f": id}), &staff).await;
    }
    for (query, name) in [
        ("query($v: String!) { orderByNumber(number: $v) { id } }", "number"),
        ("query($v: String!) { product(slug: $v) { id } }", "slug"),
        ("query($v: String!) { productVariant(sku: $v) { sku } }", "sku"),
        ("query($v: String!) { products(category: $v) { nodes { id } } }", "category"),
        ("query($v: String!) { products(after: $v) { nodes { id } } }", "cursor"),
        ("query($v: String!) { orders(after: $v) { nodes { id } } }", "cursor"),
        ("query($v: String!) { orders(channel: $v) { nodes { id } } }", "channel"),
        ("query($v: String!) { stockLevels(skus: [$v]) { sku } }", "sku"),
        ("query($v: String!) { priceSchedule(sku: $v) { unit { amount } } }", "sku"),
    ] {
        for value in bad.iter().filter(|v| name != "cursor" || !v.is_empty()) {
            let (status, answer) = target.post(query, json!({"v": value}), &staff).await;
            let empty = answer["data"].as_object().and_then(|d| d.values().next()).is_some_and(|v| {
                v.is_null()
                    || v.as_array().is_some_and(Vec::is_empty)
                    || v["nodes"].as_array().is_some_and(Vec::is_empty)
            });
            let refused = code(&answer).is_some_and(|c| c != "INTERNAL_SERVER_ERROR");
            let zero = answer["data"]["stockLevels"].is_array();
            assert!(
                status < 500 && (empty || refused || zero),
                "{name} {}: {status} {answer:#}",
                short(&json!(value))
            );
        }
    }
    for size in [0, -1, 101, 1_000_000, i32::MAX] {
        target
            .refused("query($n: Int!) { products(first: $n) { nodes { id } } }", json!({"n": size}), &guest)
            .await;
        target
            .refused("query($n: Int!) { myOrders(last: $n) { nodes { id } } }", json!({"n": size}), &guest)
            .await;
    }
    target.refused("{ products(first: 2, last: 2) { nodes { id } } }", json!({}), &guest).await;
    let many: Vec<String> = (0..101).map(|n| format!("S{n}")).collect();
    target
        .refused("query($s: [String!]!) { stockLevels(skus: $s) { sku } }", json!({"s": many}), &staff)
        .await;
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_plain_decimals_of_the_currency() {
    let target = Target::new().await;
    let (guest, staff) = (target.shop.guest().await, target.shop.operator(&["admin"]).await);
    let checkout = guest.checkout(&guest.cart_with(&[("MUG", 1)]).await, "DE").await;
    guest.deliver(&checkout).await;
    let order = guest.buy(&guest.cart_with(&[("MUG", 1)]).await, "4242424242424242").await;
    let (nines, ones) = ("9".repeat(40), format!("0.{}1", "0".repeat(39)));
    let bad = [
        "1,5", "1.000,00", "1e3", "1E-3", "NaN", "inf", "Infinity", "0x10", "", " ", "5 ", " 5", "5€", "$5",
        "--5", ".", "1.2.3", "१२", "٣", "1_000", "½", "null", "\u{0}5", &nines, &ones,
    ];
    let pay = "mutation($a: String!, $id: ID!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: \"tok\", amount: $a}) { userErrors { code message } } }";
    let complete = "mutation($a: String!, $id: ID!) { completeCheckout(input: {checkoutId: $id, expectedTotal: $a}) { userErrors { code message } } }";
    for amount in bad.iter().chain(&["-5", "-0.01", "0", "0.001", "12.401", "99999999999999999999"]) {
        target.refused(pay, json!({"id": checkout, "a": amount}), &guest).await;
        target.refused(complete, json!({"id": checkout, "a": amount}), &guest).await;
    }
    let query = "{ productVariant(sku: \"MUG\") { price { unit { amount } } } }";
    for amount in bad.iter().chain(&["-5", "-0.01", "10000000000000000000"]) {
        let unit = "mutation($a: String!) { setPrice(input: {sku: \"MUG\", unit: $a}) { userErrors { code message } } }";
        target.refused(unit, json!({"a": amount}), &staff).await;
        let compare = "mutation($a: String!) { setPrice(input: {sku: \"MUG\", unit: \"5\", compareAt: $a}) { userErrors { code message } } }";
        target.refused(compare, json!({"a": amount}), &staff).await;
        let rate = "mutation($a: String!) { defineTaxRate(input: {countryCode: \"DE\", category: \"standard\", name: \"x\", rate: $a}) { userErrors { code message } } }";
        target.refused(rate, json!({"a": amount}), &staff).await;
        let back = "mutation($a: String!, $id: ID!, $of: ID!) { recordReturn(input: {externalId: \"r\", orderId: $id, location: \"store\", lines: [{orderLineId: $of, sku: \"MUG\", quantity: 1, condition: RESTOCK, refund: $a}]}) { userErrors { code message } } }";
        target
            .refused(back, json!({"a": amount, "id": order["id"], "of": order["lines"][0]["id"]}), &staff)
            .await;
    }
    let payments = staff
        .data("query($id: ID!) { order(id: $id) { payments { id } } }", json!({"id": order["id"]}))
        .await;
    let refund = "mutation($a: String!, $id: ID!) { refundPayment(input: {paymentId: $id, amount: $a, reason: \"x\", idempotencyKey: \"k\"}) { userErrors { code message } } }";
    for amount in bad.iter().chain(&["-5", "0", "0.001", "1000000"]) {
        target
            .refused(refund, json!({"a": amount, "id": payments["order"]["payments"][0]["id"]}), &staff)
            .await;
    }
    assert_eq!(guest.data(query, json!({})).await["productVariant"]["price"]["unit"]["amount"], "7.50");
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_countries_currencies_and_languages_have_their_forms() {
    let target = Target::new().await;
    let staff = target.shop.operator(&["admin"]).await;
    for date in [
        json!("yesterday"),
        json!("2026-02-30T00:00:00Z"),
        json!("2026-11-24"),
        json!(""),
        json!("99999-01-01T00:00:00Z"),
        json!("2026-11-24T25:00:00Z"),
        json!("2026-11-24T00:00:00"),
        json!(5),
        json!(true),
        json!("\u{0}"),
    ] {
        let price = "mutation($d: DateTime) { setPrice(input: {sku: \"MUG\", unit: \"5\", validFrom: $d, validUntil: \"2099-01-01T00:00:00Z\"}) { userErrors { code message } } }";
        target.refused(price, json!({"d": date}), &staff).await;
    }
    let backwards = "mutation { setPrice(input: {sku: \"MUG\", unit: \"5\", validFrom: \"2030-01-01T00:00:00Z\", validUntil: \"2029-01-01T00:00:00Z\"}) { userErrors { code message } } }";
    target.refused(backwards, json!({}), &staff).await;
    let guest = target.shop.guest().await;
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    for country in ["", "de", "DEU", "XX", "D", "<b>", "\u{0}", "US"] {
        let start = "mutation($c: String!, $cart: ID!) { startCheckout(input: {cartId: $cart, email: \"a@example.com\", shippingAddress: {name: \"A\", line1: \"B\", city: \"C\", countryCode: $c}}) { userErrors { code message } } }";
        target.refused(start, json!({"c": country, "cart": cart}), &guest).await;
    }
    let channel = "mutation($key: String!, $currency: String!, $locale: String!, $zone: String!) { defineChannel(input: {key: $key, currencyCode: $currency, name: \"x\", countries: [\"DE\"], \
                   defaultLocale: $locale, locales: [$locale], priceKind: GROSS, orderPrefix: \"X\", stockPool: [\"warehouse\"], timeZone: $zone}) { userErrors { code message } } }";
    let good = ["x", "EUR", "en", "UTC"];
    for place in 0..4 {
        for bad in ["", "EURO", "xx_YY", "Mars Base", "'; DROP TABLE documents; --", "\u{7}", "é"] {
            let mut values = good;
            values[place] = bad;
            let [key, currency, locale, zone] = values;
            target
                .refused(
                    channel,
                    json!({"key": key, "currency": currency, "locale": locale, "zone": zone}),
                    &staff,
                )
                .await;
        }
    }
    target.is_well().await;
}
