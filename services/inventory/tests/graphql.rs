//! The subgraph.

mod room;

use async_graphql::{Request, Variables};
use emporia_contracts::{Principal, RequestContext};
use emporia_events::Live;
use emporia_inventory::schema;
use emporia_subgraph::Subgraph;
use room::{Room, channel};
use serde_json::{Value, json};
use std::sync::Arc;

fn open(room: &Room) -> Subgraph {
    schema(room.stock.clone(), Live::follow(Arc::new(room.store.clone())))
}

async fn run(schema: &Subgraph, text: &str, variables: Value) -> Value {
    let context = RequestContext {
        principal: Principal::System("test".into()),
        guest: None,
        channel: channel(),
        locale: "en".parse().unwrap(),
        correlation_id: "test".into(),
        client: None,
    };
    let request = Request::new(text).variables(Variables::from_json(variables)).data(context);
    serde_json::to_value(schema.execute(request).await).unwrap()
}

const SET: &str = "mutation($input: SetStockLevelInput!) { setStockLevel(input: $input) {
    stockLevel { onHand available safety } userErrors { code field } } }";

#[tokio::test]
async fn a_page_of_variants_tells_what_can_be_sold_of_each() {
    let room = Room::open().await;
    room.receive("berlin", &[("MUG", 3)]).await;
    room.receive("shop", &[("MUG", 2)]).await;
    let text = "query($of: [_Any!]!) { _entities(representations: $of) { ... on ProductVariant {
        sku availability { inStock quantity backorder } stockLevels { location onHand } } } }";
    let of = json!({ "of": [{ "__typename": "ProductVariant", "sku": "MUG" }, { "__typename": "ProductVariant", "sku": "NO" }] });
    let answer = run(&open(&room), text, of).await;
    let [mug, none] = [&answer["data"]["_entities"][0], &answer["data"]["_entities"][1]];
    assert_eq!(mug["availability"], json!({ "inStock": true, "quantity": 5, "backorder": false }));
    assert_eq!(none["availability"], json!({ "inStock": false, "quantity": 0, "backorder": false }));
    let on_hand: Vec<_> =
        mug["stockLevels"].as_array().unwrap().iter().map(|l| l["onHand"].clone()).collect();
    assert_eq!(on_hand, [3, 0, 2]);
}

#[tokio::test]
async fn a_level_is_set_once_per_key_and_what_the_operator_can_put_right_is_told() {
    let room = Room::open().await;
    let schema = open(&room);
    let input = json!({ "sku": "MUG", "location": "shop", "onHand": 7, "safety": 1, "expectedOnHand": 0, "idempotencyKey": "k" });
    for _ in 0..2 {
        let set = run(&schema, SET, json!({ "input": input })).await;
        let level = json!({ "onHand": 7, "available": 6, "safety": 1 });
        assert_eq!(set["data"]["setStockLevel"], json!({ "stockLevel": level, "userErrors": [] }));
    }
    let mut other = input.clone();
    other["onHand"] = json!(9);
    let reused = run(&schema, SET, json!({ "input": other })).await;
    assert_eq!(reused["errors"][0]["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED");
    for (field, value, code) in [
        ("expectedOnHand", json!(0), "VERSION_CONFLICT"),
        ("location", json!("moon"), "NOT_FOUND"),
        ("onHand", json!(-1), "INVALID"),
    ] {
        let mut wrong = json!({ "sku": "MUG", "location": "shop", "onHand": 7 });
        wrong[field] = value;
        let answer = run(&schema, SET, json!({ "input": wrong })).await;
        assert_eq!(answer["data"]["setStockLevel"]["userErrors"][0]["code"], code);
    }
    for (field, value) in [("sku", "two words"), ("location", "No Such Key")] {
        let mut wrong = json!({ "sku": "MUG", "location": "shop", "onHand": 7 });
        wrong[field] = json!(value);
        let answer = run(&schema, SET, json!({ "input": wrong })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}
