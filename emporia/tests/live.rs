//! What is told as it happens.

use emporia_testkit::Emporia;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

/// The next of a stream, with an end to waiting.
async fn next(stream: &mut (impl StreamExt<Item = Value> + Unpin)) -> Value {
    tokio::time::timeout(Duration::from_secs(10), stream.next())
        .await
        .expect("within ten seconds")
        .expect("not ended")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_an_order_hears_when_it_is_shipped_and_a_stranger_hears_nothing() {
    let shop = Emporia::small().await;
    let (guest, stranger, staff) = (shop.guest().await, shop.guest().await, shop.operator(&["admin"]).await);
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    let order = guest.buy(&cart, "4242424242424242").await;
    let query =
        "subscription($id: ID!) { orderUpdated(id: $id) { fulfilments { state } outstanding { amount } } }";
    let mut heard = guest.listen(query, json!({"id": order["id"]})).await;
    let now = next(&mut heard).await;
    assert_eq!(now["data"]["orderUpdated"]["fulfilments"], json!([]));
    let mut refused = stranger.listen(query, json!({"id": order["id"]})).await;
    assert_eq!(next(&mut refused).await["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let made = staff
        .data(
            "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } } }",
            json!({"id": order["id"]}),
        )
        .await;
    let fulfilment = &made["createFulfilment"]["fulfilment"]["id"];
    let ship = "mutation($id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f}) { userErrors { code } } }";
    staff.data(ship, json!({"id": order["id"], "f": fulfilment})).await;
    loop {
        let told = next(&mut heard).await;
        let order = &told["data"]["orderUpdated"];
        if order["fulfilments"][0]["state"] == "SHIPPED" && order["outstanding"]["amount"] == "0.00" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_and_content_listeners_hear_of_a_purchase_and_of_a_new_price() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let stock = "subscription { stockChanged(skus: [\"TEAPOT\"]) { sku availability { quantity } } }";
    let mut stock = guest.listen(stock, json!({})).await;
    let mut content =
        guest.listen("subscription { contentChanged(tags: [\"sku:TEAPOT\"]) { tags } }", json!({})).await;
    let first_stock = tokio::spawn(async move { next(&mut stock).await });
    let first_content = tokio::spawn(async move { (next(&mut content).await, content) });
    // A listener hears what happens from its beginning on: others' purchases meanwhile do no harm.
    let bought = async {
        while !first_stock.is_finished() || !first_content.is_finished() {
            let price =
                "mutation { setPrice(input: {sku: \"TEAPOT\", unit: \"30.00\"}) { userErrors { code } } }";
            staff.data(price, json!({})).await;
            let cart = guest.cart_with(&[("TEAPOT", 1)]).await;
            let checkout = guest.checkout(&cart, "DE").await;
            guest.deliver(&checkout).await;
            guest.pay_with(&checkout, "4242424242424242").await;
            guest.complete(&checkout).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), bought).await.expect("both hear within twenty seconds");
    let told = first_stock.await.unwrap();
    assert_eq!(told["data"]["stockChanged"]["sku"], "TEAPOT", "{told:#}");
    let (told, _) = first_content.await.unwrap();
    assert_eq!(told["data"]["contentChanged"]["tags"], json!(["sku:TEAPOT"]), "{told:#}");
}
