use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{server::start, support::gateway};

async fn open(address: SocketAddr, query: &str) -> reqwest::Response {
    reqwest::Client::new()
        .post(format!("http://{address}/graphql"))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": query }))
        .send()
        .await
        .unwrap()
}

fn events(text: &str) -> Vec<(String, Value)> {
    let field = |block: &str, name: &str| {
        block.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    let event = |block: &str| {
        (field(block, "event:"), serde_json::from_str(&field(block, "data:")).unwrap_or_default())
    };
    text.split("\n\n").filter(|b| b.contains("event:")).map(event).collect()
}

#[tokio::test]
async fn a_subscription_joins_other_subgraphs_for_each_event_and_ends() {
    let response = open(
        start(gateway()).await,
        "subscription { priceChanged(sku: \"sku-7\") { sku price { amount } inStock shippingEstimate } }",
    )
    .await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(response.headers().contains_key("x-request-id"));
    let events = events(&response.text().await.unwrap());
    assert_eq!(events.len(), 4);
    assert_eq!(
        events[0],
        (
            "next".into(),
            json!({"data": {"priceChanged": {"sku": "sku-7", "price": {"amount": "10.06"}, "inStock": 15, "shippingEstimate": 75}}})
        )
    );
    assert_eq!(events[2].1["data"]["priceChanged"]["sku"], "sku-9");
    assert_eq!(events[3].0, "complete");
}

#[tokio::test]
async fn queries_and_refusals_come_as_one_event() {
    let address = start(gateway()).await;
    let query = events(&open(address, "{ whoAsks }").await.text().await.unwrap());
    assert_eq!(
        query,
        [("next".into(), json!({"data": {"whoAsks": null}})), ("complete".into(), Value::Null)]
    );
    let refused = events(&open(address, "subscription { orderUpdated { id } }").await.text().await.unwrap());
    assert_eq!(refused[0].1["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(refused[1].0, "complete");
}

#[tokio::test]
async fn a_source_that_breaks_ends_with_an_error() {
    let events =
        events(&open(start(gateway()).await, "subscription { fragile }").await.text().await.unwrap());
    assert_eq!(events[0].1, json!({"data": {"fragile": 1}}));
    assert_eq!(events[1].1["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(events.last().unwrap().0, "complete");
}
