use emporia_gateway::{Request, RequestContext};
use serde_json::json;

use crate::support::{ask, ask_with, codes, gateway, gateway_with, manager, run};

#[tokio::test]
async fn a_plan_is_made_once_per_document_and_operation_name() {
    let gateway = gateway();
    let query = "query A($s: ID!) { product(sku: $s) { sku } } query B { product(sku: \"sku-9\") { name } }";
    for sku in ["sku-1", "sku-2", "sku-3"] {
        let request = Request::new(query).operation("A").variables(json!({"s": sku}));
        let response = run(&gateway, manager(), request).await.json().unwrap();
        assert_eq!(response["data"]["product"]["sku"], sku);
    }
    assert_eq!(gateway.cached_plans().await, 1);
    let response = run(&gateway, manager(), Request::new(query).operation("B")).await.json().unwrap();
    assert_eq!(response["data"]["product"]["name"], "Product 9");
    assert_eq!(gateway.cached_plans().await, 2);
}

#[tokio::test]
async fn many_at_once_share_one_planning() {
    let gateway = gateway();
    let query = "{ products(first: 2) { name inStock } }";
    let answers = futures_util::future::join_all((0..50).map(|_| ask(&gateway, query))).await;
    assert!(answers.windows(2).all(|w| w[0] == w[1]));
    assert_eq!(gateway.cached_plans().await, 1);
}

#[tokio::test]
async fn no_more_plans_are_kept_than_configured() {
    let gateway = gateway_with(|c| c.plan_cache_capacity = 8);
    for i in 0..40 {
        ask(&gateway, &format!("{{ a{i}: whoAsks }}")).await;
    }
    assert!(gateway.cached_plans().await <= 8);
}

#[tokio::test]
async fn what_is_refused_is_not_kept() {
    let gateway = gateway();
    assert_eq!(codes(&ask(&gateway, "{ nope }").await), ["GRAPHQL_VALIDATION_FAILED"]);
    assert_eq!(codes(&ask(&gateway, "{ nope").await), ["GRAPHQL_PARSE_FAILED"]);
    assert_eq!(gateway.cached_plans().await, 0);
}

#[tokio::test]
async fn the_operation_name_decides_between_operations() {
    let gateway = gateway();
    let two = "query A { a: __typename } query B { b: __typename }";
    assert_eq!(codes(&ask(&gateway, two).await), ["OPERATION_RESOLUTION_FAILURE"]);
    let unknown = run(&gateway, manager(), Request::new(two).operation("C")).await;
    assert_eq!(codes(&unknown.json().unwrap()), ["OPERATION_RESOLUTION_FAILURE"]);
    let none = ask(&gateway, "fragment F on Query { __typename }").await;
    assert_eq!(codes(&none), ["OPERATION_RESOLUTION_FAILURE"]);
}

#[tokio::test]
async fn a_syntax_error_says_where() {
    let response = ask(&gateway(), "{\n  product(sku: ) { sku }\n}").await;
    assert_eq!(response["errors"][0]["locations"][0]["line"], 2);
}

#[tokio::test]
async fn the_query_plan_is_shown_where_that_is_allowed_and_asked_for() {
    let show = async |gateway: &emporia_gateway::Gateway| {
        let context = RequestContext { query_plan: true, ..RequestContext::new(manager()) };
        let request = Request::new("{ product(sku: \"sku-1\") { name inStock } }");
        gateway.execute(request, &context).await.json().unwrap()["extensions"]["queryPlan"]["text"].clone()
    };
    let text = show(&gateway()).await;
    assert!(text.as_str().unwrap().contains("Fetch(service: \"stock\")"), "{text}");
    assert_eq!(show(&gateway_with(|c| c.query_plan_on_request = false)).await, json!(null));
    let unasked = ask_with(&gateway(), "{ whoAsks }", json!({})).await;
    assert!(unasked.get("extensions").is_none());
}
