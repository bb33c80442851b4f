//! What is known about a person, and how it is forgotten.

use emporia_contracts::{context::system_meta, orders::OrderContact};
use emporia_customers::Registration;
use emporia_testkit::{Emporia, Shopper, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const CARD: &str = "4242424242424242";
const MAIL: &str = "wilhelmina.q@rare-mail.example";
const NAME: &str = "Wilhelmina Quartermaine";
const STREET: &str = "Nebelkraehenweg 77";
const PHONE: &str = "0049-151-7654321";
const PASSWORD: &str = "a rather long password";
/// Nothing of this is anywhere in plain text after an erasure, and before it only in the mails.
const PERSONAL: [&str; 4] = [MAIL, NAME, STREET, PHONE];

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Where one of the texts stands in plain text, by any spelling of its bytes that a log or index might use.
fn found(directory: &Path, texts: &[&str]) -> Vec<String> {
    let mut places = vec![];
    for path in files(directory) {
        // A file may go away while we look: then nothing stands in it.
        let bytes = std::fs::read(&path).unwrap_or_default();
        let lower = bytes.to_ascii_lowercase();
        for text in texts {
            let needle = text.to_ascii_lowercase();
            let joined = needle.replace(' ', "%20");
            if [needle.as_bytes(), joined.as_bytes()].iter().any(|n| lower.windows(n.len()).any(|w| w == *n))
            {
                places.push(format!("{}: {text}", path.display()));
            }
        }
    }
    places
}

fn address() -> Value {
    json!({"name": NAME, "line1": STREET, "city": "Town", "postalCode": "12345", "countryCode": "DE", "phone": PHONE})
}

/// Buys with her name and address; the order.
async fn buy(who: &Shopper<'_>, email: Option<&str>, key: &str) -> Value {
    let cart = who.cart_with(&[("MUG", 1)]).await;
    let query = "mutation($cart: ID!, $email: String, $address: AddressInput!, $token: String!, $key: String!) { \
                 placeOrder(input: {cartId: $cart, email: $email, shippingAddress: $address, deliveryOption: \"standard\", \
                 cardToken: $token, idempotencyKey: $key}) { order { id number } userErrors { message } } }";
    let token = who.card(CARD).await;
    let variables = json!({"cart": cart, "email": email, "address": address(), "token": token, "key": key});
    let mut placed = who.data(query, variables).await;
    assert!(placed["placeOrder"]["order"]["id"].is_string(), "{placed:#}");
    placed["placeOrder"]["order"].take()
}

/// The mails as files, once there are so many.
async fn mails(shop: &Emporia, count: usize) -> Vec<PathBuf> {
    let outbox = shop.data_dir().join("outbox");
    shop.caught_up().await;
    until(async || {
        shop.platform.mail.deliver().await.unwrap();
        let there = files(&outbox);
        (there.len() == count).then_some(there)
    })
    .await
}

async fn registered(shop: &Emporia) -> Shopper<'_> {
    let who = Registration {
        email: MAIL.into(),
        password: PASSWORD.into(),
        name: Some(NAME.into()),
        phone: Some(PHONE.into()),
    };
    let meta = system_meta("test", "test", None);
    let token = shop.platform.customers.open_account(who, &meta).await.unwrap().access.token;
    let customer = shop.with_headers(&[("authorization", &format!("Bearer {token}"))]);
    let add = "mutation($address: AddressInput!) { addAddress(input: {address: $address}) { addressId userErrors { message } } }";
    assert!(customer.data(add, json!({"address": address()})).await["addAddress"]["addressId"].is_string());
    customer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_what_every_room_keeps() {
    let shop = Emporia::small().await;
    let customer = registered(&shop).await;
    let order = buy(&customer, None, "k").await;
    mails(&shop, 1).await;
    // Another purchase is under way.
    let cart = customer.cart_with(&[("BOOK", 1)]).await;
    let start = "mutation($cart: ID!, $address: AddressInput!) { startCheckout(input: {cartId: $cart, shippingAddress: $address}) { checkout { id } } }";
    customer.data(start, json!({"cart": cart, "address": address()})).await;
    let exported = customer.data("mutation { exportMe { data userErrors { message } } }", json!({})).await;
    let exported: Value = serde_json::from_str(exported["exportMe"]["data"].as_str().unwrap()).unwrap();
    let rooms = exported["rooms"].as_object().unwrap_or_else(|| panic!("{exported:#}"));
    assert_eq!(rooms["customers"]["email"], MAIL);
    assert_eq!(rooms["customers"]["name"], NAME);
    assert_eq!(rooms["customers"]["phone"], PHONE);
    assert_eq!(rooms["customers"]["addresses"][0]["address"]["line1"], STREET);
    assert_eq!(rooms["customers"]["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(rooms["orders"][0]["number"], order["number"]);
    assert_eq!(rooms["orders"][0]["contact"]["shipping"]["line1"], STREET, "{exported:#}");
    assert_eq!(rooms["checkout"].as_array().unwrap().len(), 1, "the other one is an order");
    assert_eq!(rooms["checkout"][0]["contact"]["shipping"]["line1"], STREET);
    assert_eq!(rooms["mail"][0]["to"], MAIL);
    assert!(rooms["mail"][0]["text"].as_str().unwrap().contains(order["number"].as_str().unwrap()));

    // The same by an operator, of a guest who has no account.
    let (guest, service) = (shop.guest().await, shop.operator(&["service"]).await);
    let order = buy(&guest, Some("guest@rare-mail.example"), "k").await;
    mails(&shop, 2).await;
    let person = person_of(&shop, &order).await;
    let query =
        "mutation($person: ID!) { exportPerson(input: {personId: $person}) { data userErrors { message } } }";
    let exported = service.data(query, json!({"person": person})).await;
    let exported: Value = serde_json::from_str(exported["exportPerson"]["data"].as_str().unwrap()).unwrap();
    assert_eq!(exported["rooms"]["orders"][0]["contact"]["email"], "guest@rare-mail.example", "{exported:#}");
    assert_eq!(exported["rooms"]["mail"][0]["to"], "guest@rare-mail.example");
}

async fn person_of(shop: &Emporia, order: &Value) -> String {
    let order =
        shop.platform.orders.get(order["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    order.person.unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_in_no_file_any_more_and_the_sales_stay() {
    let shop = Emporia::small().await;
    let (customer, staff) = (registered(&shop).await, shop.operator(&["admin"]).await);
    let orders = [buy(&customer, None, "first").await, buy(&customer, None, "second").await];
    // One purchase is under way when she goes.
    let cart = customer.cart_with(&[("BOOK", 1)]).await;
    let start = "mutation($cart: ID!, $address: AddressInput!) { startCheckout(input: {cartId: $cart, shippingAddress: $address}) { checkout { id email } userErrors { message } } }";
    let started = customer.data(start, json!({"cart": cart, "address": address()})).await;
    assert_eq!(started["startCheckout"]["checkout"]["email"], MAIL);
    let letters = mails(&shop, 2).await;

    let in_plain = found(&shop.data_dir(), &PERSONAL);
    assert!(!in_plain.is_empty(), "the mails are found");
    assert!(in_plain.iter().all(|place| place.contains("/outbox/")), "sealed everywhere else: {in_plain:#?}");
    let id = orders[0]["id"].as_str().unwrap().parse().unwrap();
    let contact = async || -> Option<OrderContact> {
        let order = shop.platform.orders.get(id).await.unwrap().unwrap();
        shop.platform.orders.contact(&order).unwrap()
    };
    assert_eq!(contact().await.unwrap().email.as_str(), MAIL);

    let query =
        "mutation($p: String!) { eraseMe(input: {password: $p}) { erased userErrors { code message } } }";
    let wrong = customer.data(query, json!({"p": "not her password"})).await;
    assert_eq!(wrong["eraseMe"]["userErrors"][0]["code"], "INVALID_CREDENTIALS", "{wrong:#}");
    let done = customer.data(query, json!({"p": PASSWORD})).await;
    assert_eq!(done["eraseMe"]["erased"], true, "{done:#}");
    shop.caught_up().await;

    let left = found(&shop.data_dir(), &PERSONAL);
    assert!(left.is_empty(), "{left:#?}");
    assert!(letters.iter().all(|letter| !letter.exists()));
    assert!(contact().await.is_none());
    let query = "query($id: ID!) { order(id: $id) { number email shippingAddress { line1 } billingAddress { line1 } totals { total { amount } tax { amount } } \
                 lines { sku quantity gross { amount } } payments { state } } }";
    for order in &orders {
        let seen = staff.data(query, json!({"id": order["id"]})).await;
        let (number, total) = (&seen["order"]["number"], &seen["order"]["totals"]["total"]["amount"]);
        assert_eq!((number, total.as_str()), (&order["number"], Some("12.40")), "{seen:#}");
        assert_eq!(seen["order"]["lines"][0]["sku"], "MUG");
        assert!(seen["order"]["email"].is_null() && seen["order"]["shippingAddress"].is_null(), "{seen:#}");
    }
    // What she has open ends nowhere, but breaks nothing.
    let open = customer
        .ask(
            "query($id: ID!) { checkout(id: $id) { state email } }",
            json!({"id": started["startCheckout"]["checkout"]["id"]}),
        )
        .await;
    assert_ne!(open["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{open:#}");
    // No further mail is written to her.
    let ship = "mutation($id: ID!) { cancelOrder(input: {orderId: $id, reason: \"gone\"}) { userErrors { message } } }";
    assert_eq!(
        staff.data(ship, json!({"id": orders[1]["id"]})).await["cancelOrder"]["userErrors"],
        json!([])
    );
    shop.caught_up().await;
    shop.platform.mail.deliver().await.unwrap();
    assert!(files(&shop.data_dir().join("outbox")).is_empty());
    assert!(found(&shop.data_dir(), &PERSONAL).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_after_erasure_fails_like_that_of_somebody_who_never_was_and_the_address_is_free() {
    let shop = Emporia::small().await;
    let customer = registered(&shop).await;
    customer
        .data("mutation($p: String!) { eraseMe(input: {password: $p}) { erased } }", json!({"p": PASSWORD}))
        .await;
    let query = "mutation($email: String!, $p: String!) { signIn(input: {email: $email, password: $p}) { accessToken userErrors { code message field } } }";
    let erased = shop.data(query, json!({"email": MAIL, "p": PASSWORD}), &[]).await;
    let never = shop.data(query, json!({"email": "nobody@rare-mail.example", "p": PASSWORD}), &[]).await;
    assert_eq!(erased["signIn"]["userErrors"][0]["code"], "INVALID_CREDENTIALS", "{erased:#}");
    assert_eq!(erased, never);
    // The access token that is still good for minutes leads to nobody.
    let me = customer.ask("{ me { email name } }", json!({})).await;
    assert!(me["data"]["me"].is_null() && !me.to_string().contains(MAIL), "{me:#}");
    assert_ne!(me["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    registered(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_a_guest_by_his_order_forgets_him_and_nobody_else() {
    let shop = Emporia::small().await;
    let (guest, other, staff) = (shop.guest().await, shop.guest().await, shop.operator(&["admin"]).await);
    let order = buy(&guest, Some(MAIL), "k").await;
    let kept = buy(&other, Some("other@rare-mail.example"), "k").await;
    mails(&shop, 2).await;
    let person = person_of(&shop, &order).await;
    let query = "mutation($person: ID!) { erasePerson(input: {personId: $person}) { erased userErrors { message } } }";
    for _ in 0..2 {
        assert_eq!(
            staff.data(query, json!({"person": person})).await["erasePerson"]["erased"],
            true,
            "again changes nothing"
        );
    }
    assert!(found(&shop.data_dir(), &[MAIL]).is_empty());
    let query = "query($id: ID!) { order(id: $id) { email } }";
    assert!(staff.data(query, json!({"id": order["id"]})).await["order"]["email"].is_null());
    assert_eq!(
        staff.data(query, json!({"id": kept["id"]})).await["order"]["email"],
        "other@rare-mail.example"
    );
    assert_eq!(files(&shop.data_dir().join("outbox")).len(), 1);
}
