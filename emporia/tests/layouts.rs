//! The same shop over a store of one file per service.

use emporia_store_sqlite::Layout;
use emporia_testkit::{Emporia, Setup, until};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_its_shipment_and_its_return_work_with_a_file_per_service() {
    let shop = Emporia::small_with(Setup { layout: Layout::PerService, ..Setup::default() }).await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let cart = guest.cart_with(&[("SHIRT-RED", 3), ("MUG", 2)]).await;
    let order = guest.buy(&cart, "4242424242424242").await;
    // 3 × 19.99 + 2 × 7.50 + 4.90 delivery.
    assert_eq!(order["totals"]["total"]["amount"], "79.87");
    let id = &order["id"];
    let fulfil = "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } userErrors { message } } }";
    let made = staff.data(fulfil, json!({"id": id})).await;
    let fulfilment = &made["createFulfilment"]["fulfilment"]["id"];
    for step in ["shipFulfilment", "deliverFulfilment"] {
        let query = format!(
            "mutation($id: ID!, $f: ID!) {{ step: {step}(input: {{orderId: $id, fulfilmentId: $f}}) {{ userErrors {{ message }} }} }}"
        );
        let done = staff.data(&query, json!({"id": id, "f": fulfilment})).await;
        assert_eq!(done["step"]["userErrors"], json!([]), "{step}");
    }
    let query = "query($id: ID!) { order(id: $id) { status outstanding { amount } ledger { kind } payments { captured { amount } } } }";
    // The capture comes back over the logs of three services.
    let paid = until(async || {
        shop.caught_up().await;
        let seen = staff.data(query, json!({"id": id})).await;
        (seen["order"]["outstanding"]["amount"] == "0.00").then_some(seen)
    })
    .await;
    assert_eq!(paid["order"]["payments"][0]["captured"]["amount"], "79.87");
    let query = "mutation($id: ID!, $line: ID!) { recordReturn(input: {externalId: \"counter-1\", orderId: $id, \
                 location: \"store\", lines: [{orderLineId: $line, sku: \"SHIRT-RED\", quantity: 1, condition: RESTOCK}]}) \
                 { refund { amount } userErrors { message } } }";
    let returned = staff.data(query, json!({"id": id, "line": order["lines"][0]["id"]})).await;
    assert_eq!(returned["recordReturn"]["refund"]["amount"], "19.99", "{returned:#}");
    let query = "{ stockLevels(skus: [\"SHIRT-RED\", \"MUG\"]) { sku location onHand available allocated reserved } }";
    until(async || {
        shop.caught_up().await;
        let levels = staff.data(query, json!({})).await;
        (levels["stockLevels"]
            == json!([
                {"sku": "SHIRT-RED", "location": "warehouse", "onHand": 97, "available": 97, "allocated": 0, "reserved": 0},
                {"sku": "SHIRT-RED", "location": "store", "onHand": 1, "available": 1, "allocated": 0, "reserved": 0},
                {"sku": "MUG", "location": "warehouse", "onHand": 48, "available": 48, "allocated": 0, "reserved": 0},
                {"sku": "MUG", "location": "store", "onHand": 0, "available": 0, "allocated": 0, "reserved": 0}
            ]))
        .then_some(())
    })
    .await;
    let mut databases = vec![];
    for entry in std::fs::read_dir(shop.data_dir()).unwrap() {
        databases.push(entry.unwrap().file_name().into_string().unwrap());
    }
    for service in [
        "channels",
        "catalog",
        "pricing",
        "tax",
        "inventory",
        "carts",
        "checkout",
        "payments",
        "orders",
        "customers",
    ] {
        assert!(
            databases.iter().any(|name| name == &format!("{service}.space.db")),
            "{service} in {databases:?}"
        );
    }
}
