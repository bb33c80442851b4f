//! Texts: names, addresses, mail, reasons, idempotency keys.

use crate::{Target, code, short};
use serde_json::{Value, json};

const ADDRESS: &str = "{name: \"A\", line1: \"B 1\", city: \"C\", countryCode: \"DE\"}";

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
            target.refused("mutation($e: String!) { startRegistration(input: {email: $e}) { userErrors { code message } } }", json!({"e": email}), &guest).await;
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
