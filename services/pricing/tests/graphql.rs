//! The subgraph.

mod room;

use async_graphql::{Request, Variables};
use emporia_contracts::{Principal, RequestContext};
use emporia_pricing::schema;
use emporia_subgraph::Subgraph;
use room::{Room, channel};
use serde_json::{Value, json};

fn context(key: &str) -> RequestContext {
    RequestContext {
        principal: Principal::System("test".into()),
        guest: None,
        channel: channel(key).unwrap(),
        locale: "en".parse().unwrap(),
        correlation_id: "test".into(),
        client: None,
    }
}

async fn run(schema: &Subgraph, key: &str, text: &str, variables: Value) -> Value {
    let request = Request::new(text).variables(Variables::from_json(variables)).data(context(key));
    serde_json::to_value(schema.execute(request).await).unwrap()
}

const SET: &str = "mutation($input: SetPriceInput!) { setPrice(input: $input) {
    variant { sku price { unit { amount currencyCode } compareAt { amount } priceKind } }
    userErrors { code field } } }";
const ENTITIES: &str = "query($of: [_Any!]!) { _entities(representations: $of) { ... on ProductVariant {
    sku price { unit { amount } priceKind validUntil } } } }";

#[tokio::test]
async fn a_variant_has_the_price_of_the_requests_channel_now() {
    let room = Room::open().await;
    let schema = schema(room.pricing.clone());
    for (key, unit) in [("eu", "12.5"), ("jp", "1980")] {
        let input = json!({ "input": { "sku": "MUG", "unit": unit } });
        assert_eq!(run(&schema, key, SET, input).await["data"]["setPrice"]["userErrors"], json!([]));
    }
    let of = json!({ "of": [{ "__typename": "ProductVariant", "sku": "MUG" }, { "__typename": "ProductVariant", "sku": "NO" }] });
    let eu = run(&schema, "eu", ENTITIES, of.clone()).await;
    let mug = json!({ "sku": "MUG", "price": { "unit": { "amount": "12.50" }, "priceKind": "GROSS", "validUntil": null } });
    assert_eq!(eu["data"]["_entities"], json!([mug, { "sku": "NO", "price": null }]));
    let us = run(&schema, "us", ENTITIES, of).await;
    assert_eq!(us["data"]["_entities"][0]["price"], Value::Null);
}

#[tokio::test]
async fn compare_and_set_tells_absent_null_and_a_price_apart() {
    let room = Room::open().await;
    let schema = schema(room.pricing.clone());
    let set = async |unit: &str, expected: Option<Value>| {
        let mut input = json!({ "sku": "MUG", "unit": unit, "channel": "eu" });
        if let Some(expected) = expected {
            input["expectedPrice"] = expected;
        }
        let answer = run(&schema, "jp", SET, json!({ "input": input })).await;
        answer["data"]["setPrice"]["userErrors"][0]["code"].as_str().map(ToOwned::to_owned)
    };
    let conflict = Some("VERSION_CONFLICT".to_owned());
    assert_eq!(set("5", Some(json!("4"))).await, conflict);
    assert_eq!(set("5", Some(Value::Null)).await, None);
    assert_eq!(set("6", Some(Value::Null)).await, conflict);
    assert_eq!(set("6", Some(json!("5.00"))).await, None);
    assert_eq!(set("7", None).await, None);
}

#[tokio::test]
async fn hostile_input_is_refused_with_its_place() {
    let room = Room::open().await;
    let schema = schema(room.pricing.clone());
    for wrong in ["", "abc", "1e9", "1,5", "NaN", "0.123456789", "99999999999999999999", "--1", "+1", " 1"] {
        let answer = run(&schema, "eu", SET, json!({ "input": { "sku": "A", "unit": wrong } })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "unit {wrong:?}");
    }
    for sku in ["", "a b", "ä", &"x".repeat(65)] {
        let answer = run(&schema, "eu", SET, json!({ "input": { "sku": sku, "unit": "1" } })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "SKU {sku:?}");
    }
    let bulk = "mutation($input: SetPricesInput!) { setPrices(input: $input) { accepted userErrors { code field } } }";
    let prices = json!([
        { "sku": "A", "unit": "1" },
        { "sku": "A", "unit": "-1" },
        { "sku": "A", "unit": "1", "channel": "mars" },
        { "sku": "B", "unit": "1", "compareAt": "0.5" },
    ]);
    let answer = run(&schema, "eu", bulk, json!({ "input": { "prices": prices } })).await;
    assert_eq!(
        answer["data"]["setPrices"],
        json!({ "accepted": 1, "userErrors": [
            { "code": "NOT_FOUND", "field": ["prices", "2", "channel"] },
            { "code": "INVALID", "field": ["prices", "1", "unit"] },
            { "code": "INVALID", "field": ["prices", "3", "compareAt"] },
        ] })
    );
    let many = vec![json!({ "sku": "A", "unit": "1" }); 101];
    let answer = run(&schema, "eu", bulk, json!({ "input": { "prices": many } })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn what_is_set_is_listed_for_those_who_set_it() {
    let room = Room::open().await;
    let schema = schema(room.pricing.clone());
    let sale = room::windowed("eu", "MUG", "4", Some("2027-01-01T00:00:00Z"), None);
    room.set(vec![room::price("eu", "MUG", "5"), sale]).await;
    let list =
        run(&schema, "eu", "{ priceSchedule(sku: \"MUG\") { unit { amount } validFrom } }", json!({})).await;
    assert_eq!(
        list["data"]["priceSchedule"],
        json!([
            { "unit": { "amount": "5.00" }, "validFrom": null },
            { "unit": { "amount": "4.00" }, "validFrom": "2027-01-01T00:00:00Z" },
        ])
    );
}
