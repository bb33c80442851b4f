use std::time::Duration;

use emporia_gateway::{Outcome, Request, RequestContext};
use serde_json::json;

use crate::support::{ask, codes, gateway, gateway_with, manager, run};

#[tokio::test]
async fn a_panic_in_one_subgraph_nulls_only_its_fields() {
    let response = ask(&gateway(), "{ breaks product(sku: \"sku-1\") { name } }").await;
    assert_eq!(response["data"], json!({"breaks": null, "product": {"name": "Product 1"}}));
    assert_eq!(codes(&response), ["INTERNAL_SERVER_ERROR"]);
}

#[tokio::test]
async fn a_subgraph_that_hangs_nulls_only_its_fields() {
    let gateway = gateway_with(|c| c.subgraph_timeout = Duration::from_millis(30));
    let response = ask(&gateway, "{ hangs product(sku: \"sku-1\") { name } }").await;
    assert_eq!(response["data"], json!({"hangs": null, "product": {"name": "Product 1"}}));
    assert_eq!(codes(&response), ["SUBGRAPH_TIMEOUT"]);
}

#[tokio::test]
async fn a_request_that_takes_too_long_ends() {
    let gateway = gateway_with(|c| c.request_timeout = Duration::from_millis(30));
    let response = run(&gateway, manager(), Request::new("{ hangs }")).await;
    assert_eq!(codes(&response.json().unwrap()), ["REQUEST_TIMEOUT"]);
    assert_eq!((response.outcome, response.http_status()), (Outcome::Refused, 503));
}

#[tokio::test]
async fn faults_are_masked_and_meant_errors_are_not() {
    let gateway = gateway_with(|c| c.mask_errors = true);
    let mut context = RequestContext::new(manager());
    context.request_id = "request-7".into();
    let response =
        gateway.execute(Request::new("{ leaks products(first: 3) { warehouse } breaks }"), &context).await;
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert!(!text.contains("10.0.0.7") && !text.contains("shelf"), "{text}");
    let json = response.json().unwrap();
    let mut seen: Vec<_> = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["message"].clone(), e["extensions"].clone()))
        .collect();
    seen.sort_by_key(|e| e.0.to_string());
    seen.dedup();
    assert_eq!(
        seen,
        [
            (json!("internal error"), json!({"code": "INTERNAL_SERVER_ERROR", "requestId": "request-7"})),
            (json!("warehouse offline"), json!({"code": "WAREHOUSE_OFFLINE"})),
        ]
    );
}

#[tokio::test]
async fn faults_are_shown_where_masking_is_off() {
    let response = ask(&gateway(), "{ leaks }").await;
    assert_eq!(response["errors"][0]["message"], "password of 10.0.0.7 is wrong");
}
