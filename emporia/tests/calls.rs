//! How many calls of services an operation takes. The numbers are what the plan says, whatever the number of rows:
//! a query per row in any resolver, or an entity fetched one by one, breaks them.

use emporia_testkit::{Emporia, Shopper, more};
use serde_json::{Value, json};

/// A listing with price and availability: catalogue, then prices and stock beside each other.
const LISTING: usize = 3;
/// A product page: the same three; everything else on it is the catalogue's.
const PRODUCT_PAGE: usize = 3;
/// A cart: carts; then catalogue and prices and stock of the variants beside each other.
const CART: usize = 4;
/// A mutation that answers with what its own service knows.
const OWN: usize = 1;
/// A mutation that answers with an order: checkout, then orders.
const WITH_ORDER: usize = 2;
/// The orders of an account: customers, then orders.
const ACCOUNT: usize = 2;
/// An operator's order page: orders; then payments, and catalogue and stock of the lines' variants.
const ORDER_PAGE: usize = 4;

/// A shop with more products than a page has.
async fn shop() -> Emporia {
    let shop = Emporia::small().await;
    more(&shop.platform, 40).await;
    shop
}

/// Of `count` different articles one each.
fn lines(count: usize) -> Vec<(String, i64)> {
    (1..=count).map(|n| (format!("MORE-{n:03}"), 1)).collect()
}

async fn cart_of(guest: &Shopper<'_>, count: usize) -> String {
    let lines = lines(count);
    let lines: Vec<(&str, i64)> = lines.iter().map(|(sku, n)| (&**sku, *n)).collect();
    guest.cart_with(&lines).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_24_with_price_and_availability_takes_three_calls() {
    let shop = shop().await;
    let guest = shop.guest().await;
    let query = "query($n: Int!) { products(first: $n) { nodes { title variants { sku \
                 price { unit { amount } } availability { inStock quantity } } } pageInfo { hasNextPage } } }";
    for rows in [1, 6, 24, 40] {
        let found = guest.data(query, json!({"n": rows})).await;
        let nodes = found["products"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), rows);
        let priced = |p: &Value| {
            p["variants"][0]["price"]["unit"]["amount"].is_string()
                && p["variants"][0]["availability"]["inStock"].is_boolean()
        };
        assert!(nodes.iter().all(priced), "{found:#}");
        assert_eq!(guest.calls(query, json!({"n": rows})).await, LISTING, "{rows} rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_page_takes_three_calls() {
    let shop = shop().await;
    let query = "query($slug: String!) { product(slug: $slug) { id title description slug media { url alt } breadcrumb { name slug } \
                 attributes { name value } options { name values } categories { name } type { name } \
                 variants { sku title options { name value } price { unit { amount currencyCode } compareAt { amount } priceKind } \
                 availability { inStock quantity backorder } } } }";
    let guest = shop.guest().await;
    assert_eq!(
        guest.data(query, json!({"slug": "mug"})).await["product"]["variants"][0]["price"]["unit"]["amount"],
        "7.50"
    );
    assert_eq!(guest.calls(query, json!({"slug": "mug"})).await, PRODUCT_PAGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_with_the_titles_prices_and_stock_of_its_lines_takes_four_calls() {
    let shop = shop().await;
    let query = "query($id: ID!) { cart(id: $id) { subtotal { amount } units notices { code } lines { quantity title amount { amount } \
                 variant { sku title image price { unit { amount } } availability { inStock } } } } }";
    for rows in [1, 30] {
        let guest = shop.guest().await;
        let cart = cart_of(&guest, rows).await;
        let found = guest.data(query, json!({"id": cart})).await;
        assert_eq!(found["cart"]["lines"].as_array().unwrap().len(), rows);
        assert_eq!(found["cart"]["lines"][0]["variant"]["price"]["unit"]["amount"], "5.00", "{found:#}");
        assert_eq!(guest.calls(query, json!({"id": cart})).await, CART, "{rows} lines");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_checkout_is_one_call_and_the_order_one_more() {
    let shop = shop().await;
    for rows in [1, 30] {
        let guest = shop.guest().await;
        let cart = cart_of(&guest, rows).await;
        let start = "mutation($cart: ID!) { startCheckout(input: {cartId: $cart, email: \"shopper@example.com\", \
                     shippingAddress: {name: \"Sam\", line1: \"Main Street 1\", city: \"Town\", countryCode: \"DE\"}}) \
                     { checkout { id state email deliveryOptions { key name charge { amount } } } userErrors { code } } }";
        assert_eq!(guest.calls(start, json!({"cart": cart})).await, OWN);
        let checkout = guest.checkout(&cart, "DE").await;
        let deliver = "mutation($id: ID!) { setCheckoutDelivery(input: {checkoutId: $id, deliveryOption: \"standard\"}) \
                       { checkout { state lines { sku title gross { amount } } totals { total { amount } taxes { name } } } userErrors { code } } }";
        assert_eq!(guest.calls(deliver, json!({"id": checkout})).await, OWN);
        let token = guest.card("4242424242424242").await;
        let pay = "mutation($id: ID!, $token: String!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: $token}) \
                   { checkout { tenders { amount { amount } } } userErrors { code } } }";
        assert_eq!(guest.calls(pay, json!({"id": checkout, "token": token})).await, OWN);
        let complete = "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { userErrors { code } \
                        order { id number status totals { total { amount } } lines { sku title quantity gross { amount } } } } }";
        let bought = guest.respond(complete, json!({"id": checkout})).await;
        let answer = bought.json().unwrap();
        assert_eq!(
            answer["data"]["completeCheckout"]["order"]["lines"].as_array().map(Vec::len),
            Some(rows),
            "{answer:#}"
        );
        assert_eq!(bought.subgraph_calls as usize, WITH_ORDER, "{rows} lines");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buying_in_one_call_takes_the_checkout_and_the_order() {
    let shop = shop().await;
    for rows in [1, 30] {
        let guest = shop.guest().await;
        let (cart, token) = (cart_of(&guest, rows).await, guest.card("4242424242424242").await);
        let query = "mutation($cart: ID!, $token: String!) { placeOrder(input: {cartId: $cart, email: \"a@example.com\", \
                     shippingAddress: {name: \"A\", line1: \"B 1\", city: \"C\", countryCode: \"DE\"}, deliveryOption: \"standard\", \
                     cardToken: $token, idempotencyKey: \"k\"}) { order { number lines { sku quantity } } userErrors { code } } }";
        let bought = guest.respond(query, json!({"cart": cart, "token": token})).await;
        let answer = bought.json().unwrap();
        assert_eq!(
            answer["data"]["placeOrder"]["order"]["lines"].as_array().map(Vec::len),
            Some(rows),
            "{answer:#}"
        );
        assert_eq!(bought.subgraph_calls as usize, WITH_ORDER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_orders_of_an_account_take_two_calls_however_many_there_are() {
    let shop = shop().await;
    let customer = shop.customer("ada@example.com").await;
    let query = "{ me { name email orders(first: 20) { nodes { number status placedAt totals { total { amount } } \
                 lines { sku title quantity } fulfilments { state } } pageInfo { hasNextPage } } } }";
    for bought in 1..=6 {
        let cart = cart_of(&customer, 2).await;
        customer.buy(&cart, "4242424242424242").await;
        if bought == 1 || bought == 6 {
            let found = customer.data(query, json!({})).await;
            assert_eq!(found["me"]["orders"]["nodes"].as_array().unwrap().len(), bought);
            assert_eq!(customer.calls(query, json!({})).await, ACCOUNT, "{bought} orders");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_order_page_takes_four_calls_however_many_lines_there_are() {
    let shop = shop().await;
    let staff = shop.operator(&["admin"]).await;
    let query = "query($id: ID!) { order(id: $id) { number status email shippingAddress { city } timeline { at event text actor } \
                 payments { state captured { amount } } ledger { kind amount { amount } } outstanding { amount } \
                 fulfilments { state lines { quantity } } returns { at } \
                 lines { sku quantity shipped variant { title image stockLevels { location onHand } } } } }";
    for rows in [1, 30] {
        let guest = shop.guest().await;
        let cart = cart_of(&guest, rows).await;
        let order = guest.buy(&cart, "4242424242424242").await;
        shop.caught_up().await;
        let found = staff.data(query, json!({"id": order["id"]})).await;
        assert_eq!(found["order"]["lines"].as_array().unwrap().len(), rows);
        assert_eq!(found["order"]["payments"][0]["state"], "AUTHORISED", "{found:#}");
        assert!(found["order"]["lines"][0]["variant"]["title"].is_string(), "{found:#}");
        assert_eq!(staff.calls(query, json!({"id": order["id"]})).await, ORDER_PAGE, "{rows} lines");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_list_of_orders_with_payments_takes_two_calls() {
    let shop = shop().await;
    let staff = shop.operator(&["admin"]).await;
    // Orders, then the payments of all of them at once.
    let query = "{ orders(first: 50) { nodes { number status email lines { sku } payments { state } fulfilments { state } \
                 returns { at } } } }";
    for bought in 1..=5 {
        let guest = shop.guest().await;
        let cart = cart_of(&guest, 2).await;
        guest.buy(&cart, "4242424242424242").await;
        let found = staff.data(query, json!({})).await;
        assert_eq!(found["orders"]["nodes"].as_array().unwrap().len(), bought);
        assert_eq!(staff.calls(query, json!({})).await, 2, "{bought} orders");
    }
}
