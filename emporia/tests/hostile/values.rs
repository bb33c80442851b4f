//! Quantities, ids, amounts, dates and texts.

use crate::{Target, code, short};
use serde_json::{Value, json};

const ADDRESS: &str = "{name: \"A\", line1: \"B 1\", city: \"C\", countryCode: \"DE\"}";

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

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_and_endless_texts_are_refused_in_names_addresses_and_mail() {
    let target = Target::new().await;
    let (guest, customer) = (target.shop.guest().await, target.shop.customer("ada@example.com").await);
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let (long, huge) = ("x".repeat(100_000), "x".repeat(10_000_000));
    let start = "mutation($cart: ID!, $email: String!, $address: AddressInput!) { startCheckout(input: {cartId: $cart, email: $email, shippingAddress: $address}) { userErrors { code message } } }";
    let address = json!({"name": "A", "company": "B", "line1": "C", "line2": "D", "city": "E", "region": "F", "postalCode": "G", "countryCode": "DE", "phone": "1"});
    for bad in ["\u{0}", "a\nb", "\u{1b}[2J", "\u{7f}", &long, &huge] {
        for field in ["name", "company", "line1", "line2", "city", "region", "postalCode", "phone"] {
            let mut address = address.clone();
            address[field] = json!(bad);
            target
                .refused(start, json!({"cart": cart, "email": "a@example.com", "address": address}), &guest)
                .await;
            target.refused("mutation($a: AddressInput!) { addAddress(input: {address: $a}) { userErrors { code message } } }", json!({"a": address}), &customer).await;
            if bad.len() > 1_000_000 {
                break;
            }
        }
        for email in [bad.to_owned(), format!("a{bad}@example.com"), format!("a@{bad}.com")] {
            target.refused(start, json!({"cart": cart, "email": email, "address": address}), &guest).await;
            target.refused("mutation($e: String!) { register(input: {email: $e, password: \"correct horse\"}) { userErrors { code message } } }", json!({"e": email}), &guest).await;
        }
        target
            .refused(
                "mutation($n: String!) { updateProfile(input: {name: $n}) { userErrors { code message } } }",
                json!({"n": bad}),
                &customer,
            )
            .await;
        target
            .refused(
                "mutation($n: String!) { updateProfile(input: {phone: $n}) { userErrors { code message } } }",
                json!({"n": bad}),
                &customer,
            )
            .await;
        target.refused("mutation($p: String!) { signIn(input: {email: \"ada@example.com\", password: $p}) { userErrors { code message } } }", json!({"p": bad}), &guest).await;
    }
    for email in [
        "",
        "a",
        "@",
        "a@",
        "@b.com",
        "a b@example.com",
        "a@b@c.com",
        "a@example.com\r\nBcc: all@example.com",
        "<a@example.com>",
    ] {
        target.refused(start, json!({"cart": cart, "email": email, "address": address}), &guest).await;
    }
    for token in ["", "tok en", "\u{0}", "é", &long] {
        let checkout = guest.checkout(&cart, "DE").await;
        guest.deliver(&checkout).await;
        target.refused("mutation($t: String!, $id: ID!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: $t}) { userErrors { code message } } }", json!({"t": token, "id": checkout}), &guest).await;
        let url = "mutation($t: String!, $id: ID!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: \"tok\", returnUrl: $t}) { userErrors { code message } } }";
        target
            .refused(url, json!({"t": format!("javascript:alert(1){token}"), "id": checkout}), &guest)
            .await;
    }
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_cannot_store_control_characters_or_endless_texts_either() {
    let target = Target::new().await;
    let (guest, staff) = (target.shop.guest().await, target.shop.operator(&["admin"]).await);
    let order = guest.buy(&guest.cart_with(&[("MUG", 1)]).await, "4242424242424242").await;
    target.shop.caught_up().await;
    let made = staff
        .data(
            "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } } }",
            json!({"id": order["id"]}),
        )
        .await;
    let variables =
        |text: &str| json!({"t": text, "id": order["id"], "f": made["createFulfilment"]["fulfilment"]["id"]});
    let long = "x".repeat(100_000);
    let mut accepted = vec![];
    for (query, fields) in [
        (
            "($t: String!, $id: ID!) { cancelOrder(input: {orderId: $id, reason: $t})",
            "reason of a cancellation",
        ),
        (
            "($t: String!, $id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f, carrier: $t})",
            "carrier",
        ),
        (
            "($t: String!, $id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f, trackingNumber: $t})",
            "tracking number",
        ),
        (
            "($t: String!) { defineCategory(input: {slug: \"c\", name: [{locale: \"en\", text: $t}]})",
            "name of a category",
        ),
        (
            "($t: String!) { defineProductType(input: {key: \"k\", name: [{locale: \"en\", text: $t}]})",
            "name of a product type",
        ),
        (
            "($t: String!) { defineTaxRate(input: {countryCode: \"DE\", category: \"standard\", rate: \"0.19\", name: $t})",
            "name of a tax rate",
        ),
        (
            "($t: String!) { defineChannel(input: {key: \"x\", currencyCode: \"EUR\", name: $t, countries: [\"DE\"], defaultLocale: \"en\", locales: [\"en\"], priceKind: GROSS, orderPrefix: \"X\", stockPool: [], timeZone: \"UTC\"})",
            "name of a channel",
        ),
        (
            "($t: String!) { createOperator(input: {email: \"o@example.com\", password: \"correct horse\", roles: [\"analyst\"], name: $t})",
            "name of an operator",
        ),
        (
            "($t: String!) { createProduct(input: {slug: \"p\", productType: \"goods\", title: [{locale: \"en\", text: $t}], variants: [{sku: \"P\", taxCategory: \"standard\"}]})",
            "title",
        ),
        (
            "($t: String!) { createProduct(input: {slug: \"q\", productType: \"goods\", title: [{locale: \"en\", text: \"t\"}], variants: [{sku: $t, taxCategory: \"standard\"}]})",
            "SKU",
        ),
        (
            "($t: String!) { createProduct(input: {slug: \"r\", productType: \"goods\", title: [{locale: \"en\", text: \"t\"}], media: [{url: $t}], variants: [{sku: \"R\", taxCategory: \"standard\"}]})",
            "address of a picture",
        ),
        (
            "($t: String!) { recordReturn(input: {externalId: $t, location: \"store\", lines: [{sku: \"MUG\", quantity: 1, condition: RESTOCK, refund: \"1\"}]})",
            "external id",
        ),
    ] {
        for text in ["\u{0}", "a\u{7}b", &long] {
            let query = format!("mutation{query} {{ userErrors {{ code message }} }} }}");
            let declared: Value = variables(text);
            let used =
                declared.as_object().unwrap().iter().filter(|(name, _)| query.contains(&format!("${name}:")));
            let (status, answer) =
                target.post(&query, used.map(|(n, v)| (n.clone(), v.clone())).collect(), &staff).await;
            match code(&answer) {
                Some(code) if status < 500 && code != "INTERNAL_SERVER_ERROR" => {}
                _ => accepted.push(format!(
                    "{fields}: {} characters, HTTP {status}: {}",
                    text.len(),
                    short(&answer)
                )),
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_and_sql_in_texts_come_back_as_they_went_in() {
    let target = Target::new().await;
    let (guest, staff) = (target.shop.guest().await, target.shop.operator(&["admin"]).await);
    for (n, text) in [
        "<script>alert(1)</script>",
        "'; DROP TABLE documents; --",
        "{{7*7}} ${jndi:ldap://x}",
        "%s%n%x",
        "\u{202e}gnirts",
        "Zoë 💐 \"quoted\" \\ back",
    ]
    .iter()
    .enumerate()
    {
        let cart = guest.cart_with(&[("MUG", 1)]).await;
        let place = "mutation($cart: ID!, $text: String!, $token: String!, $key: String!) { placeOrder(input: {cartId: $cart, email: \"a@example.com\", deliveryOption: \"standard\", \
                     shippingAddress: {name: $text, company: $text, line1: $text, line2: $text, city: $text, region: $text, postalCode: $text, phone: $text, countryCode: \"DE\"}, \
                     cardToken: $token, idempotencyKey: $key}) { order { id shippingAddress { name company line1 line2 city region postalCode phone } } userErrors { code message } } }";
        let token = guest.card("4242424242424242").await;
        let (status, answer) = target
            .post(place, json!({"cart": cart, "text": text, "token": token, "key": text}), &guest)
            .await;
        assert_eq!(status, 200);
        let order = &answer["data"]["placeOrder"]["order"];
        let address = order["shippingAddress"].as_object().unwrap_or_else(|| panic!("{answer:#}"));
        assert!(address.values().all(|v| v == text), "{answer:#}");
        let cancel = "mutation($id: ID!, $text: String!) { cancelOrder(input: {orderId: $id, reason: $text}) { order { status } userErrors { code message } } }";
        let (_, answer) = target.post(cancel, json!({"id": order["id"], "text": text}), &staff).await;
        assert_eq!(answer["data"]["cancelOrder"]["order"]["status"], "CANCELLED", "{answer:#}");
        let product = "mutation($slug: String!, $sku: String!, $text: String!) { createProduct(input: {slug: $slug, productType: \"goods\", title: [{locale: \"en\", text: $text}], \
                       variants: [{sku: $sku, taxCategory: \"standard\"}], publishIn: [\"eu\"]}) { product { title } userErrors { code message } } }";
        let (_, answer) = target
            .post(product, json!({"slug": format!("p{n}"), "sku": format!("P{n}"), "text": text}), &staff)
            .await;
        assert_eq!(answer["data"]["createProduct"]["product"]["title"], **text, "{answer:#}");
    }
    target.shop.caught_up().await;
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_keys_have_1_to_200_visible_characters() {
    let target = Target::new().await;
    let (guest, staff) = (target.shop.guest().await, target.shop.operator(&["admin"]).await);
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let (long, huge) = ("k".repeat(201), "k".repeat(100_000));
    for key in ["", "a\nb", "\u{0}", &long, &huge] {
        for query in [
            "mutation($k: String!) { createCart(input: {idempotencyKey: $k}) { userErrors { code message } } }".to_owned(),
            "mutation($k: String!, $cart: ID!) { addCartLines(input: {cartId: $cart, idempotencyKey: $k, lines: [{sku: \"MUG\", quantity: 1}]}) { userErrors { code message } } }".to_owned(),
            format!("mutation($k: String!, $cart: ID!) {{ startCheckout(input: {{cartId: $cart, email: \"a@example.com\", shippingAddress: {ADDRESS}, idempotencyKey: $k}}) {{ userErrors {{ code message }} }} }}"),
            format!("mutation($k: String!, $cart: ID!) {{ placeOrder(input: {{cartId: $cart, email: \"a@example.com\", shippingAddress: {ADDRESS}, deliveryOption: \"standard\", cardToken: \"t\", idempotencyKey: $k}}) {{ userErrors {{ code message }} }} }}"),
        ] {
            let variables = if query.contains("$cart") { json!({"k": key, "cart": cart}) } else { json!({"k": key}) };
            target.refused(&query, variables, &guest).await;
        }
        let level = "mutation($k: String!) { setStockLevel(input: {sku: \"MUG\", location: \"warehouse\", onHand: 3, idempotencyKey: $k}) { userErrors { code message } } }";
        target.refused(level, json!({"k": key}), &staff).await;
    }
    let seen: Value = guest.data("query($c: ID!) { cart(id: $c) { units } }", json!({"c": cart})).await;
    assert_eq!(seen["cart"]["units"], 1);
    target.is_well().await;
}
