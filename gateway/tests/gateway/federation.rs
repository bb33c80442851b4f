use serde_json::json;

use crate::support::{ask, ask_with, codes, gateway, manager, run};
use emporia_gateway::Request;

#[tokio::test]
async fn one_query_joins_three_subgraphs_with_one_call_each() {
    let query = "{ orders(first: 2) { id status lines { quantity product { sku name weight inStock shippingEstimate } } } }";
    let response = run(&gateway(), manager(), Request::new(query)).await;
    // 1 for the orders, 1 for all ten products in the catalog, 1 for their stock.
    assert_eq!(response.subgraph_calls, 3);
    let json = response.json().unwrap();
    assert_eq!(json["errors"], json!(null));
    assert_eq!(
        json["data"]["orders"][1]["lines"][4],
        json!({"quantity": 5, "product": {"sku": "sku-5", "name": "Product 5", "weight": 500, "inStock": 15, "shippingEstimate": 55}})
    );
}

#[tokio::test]
async fn the_response_keeps_the_order_of_the_query() {
    let response = run(
        &gateway(),
        manager(),
        Request::new("{ product(sku: \"sku-1\") { inStock b: name sku a: name } }"),
    )
    .await;
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert_eq!(text, r#"{"data":{"product":{"inStock":15,"b":"Product 1","sku":"sku-1","a":"Product 1"}}}"#);
}

#[tokio::test]
async fn an_entity_a_subgraph_does_not_know_is_null_there() {
    let query =
        "{ a: product(sku: \"sku-404\") { name inStock } b: product(sku: \"sku-1\") { name inStock } }";
    let response = ask(&gateway(), query).await;
    assert_eq!(
        response,
        json!({"data": {"a": {"name": "Product 404", "inStock": null}, "b": {"name": "Product 1", "inStock": 15}}})
    );
}

#[tokio::test]
async fn an_error_in_one_entity_has_its_path_and_spares_the_others() {
    let response = ask(&gateway(), "{ products(first: 4) { sku warehouse } }").await;
    assert_eq!(response["data"]["products"][2], json!({"sku": "sku-3", "warehouse": null}));
    assert_eq!(response["data"]["products"][3], json!({"sku": "sku-4", "warehouse": "AMS1"}));
    assert_eq!(response["errors"].as_array().unwrap().len(), 1);
    assert_eq!(response["errors"][0]["path"], json!(["products", 2, "warehouse"]));
    assert_eq!(codes(&response), ["WAREHOUSE_OFFLINE"]);
}

#[tokio::test]
async fn a_null_rises_to_the_nearest_nullable_field() {
    let response = ask(
        &gateway(),
        "{ product(sku: \"sku-2\") { sku restockAt } other: product(sku: \"sku-1\") { restockAt } }",
    )
    .await;
    assert_eq!(response["data"], json!({"product": null, "other": {"restockAt": "2026-12-01"}}));
    assert_eq!(response["errors"][0]["path"], json!(["product", "restockAt"]));

    // `products` is a non-null list of non-null products: the null rises to the root.
    let response = ask(&gateway(), "{ products(first: 3) { restockAt } }").await;
    assert_eq!(response["data"], json!(null));
    assert_eq!(response["errors"][0]["path"], json!(["products", 1, "restockAt"]));
}

#[tokio::test]
async fn interfaces_and_fragments_follow_the_type_at_run_time() {
    let query = "query($sku: ID!) { product(sku: $sku) { assets { ...A kind: __typename } } }
        fragment A on Asset { url ... on Picture { width } ... on Film { seconds } }";
    let response = ask_with(&gateway(), query, json!({"sku": "sku-7"})).await;
    assert_eq!(
        response["data"]["product"]["assets"],
        json!([{"url": "/7.jpg", "width": 800, "kind": "Picture"}, {"url": "/7.mp4", "seconds": 12, "kind": "Film"}])
    );
}

#[tokio::test]
async fn skip_and_include_decide_what_is_fetched() {
    let gateway = gateway();
    let query = "query($stock: Boolean!) { product(sku: \"sku-1\") { sku inStock @include(if: $stock) name @skip(if: $stock) } }";
    let with = run(&gateway, manager(), Request::new(query).variables(json!({"stock": true}))).await;
    assert_eq!(with.json().unwrap()["data"]["product"], json!({"sku": "sku-1", "inStock": 15}));
    assert_eq!(with.subgraph_calls, 2);
    let without = run(&gateway, manager(), Request::new(query).variables(json!({"stock": false}))).await;
    assert_eq!(without.json().unwrap()["data"]["product"], json!({"sku": "sku-1", "name": "Product 1"}));
    assert_eq!(without.subgraph_calls, 1);
}

#[tokio::test]
async fn many_skip_variables_do_not_mix_up_their_shapes() {
    let gateway = gateway();
    let names: Vec<String> = (0..56).map(|i| format!("$v{i}: Boolean!")).collect();
    let fields: Vec<String> = (0..56).map(|i| format!("f{i}: name @include(if: $v{i})")).collect();
    let query =
        format!("query({}) {{ product(sku: \"sku-1\") {{ sku {} }} }}", names.join(", "), fields.join(" "));
    for chosen in [0, 1, 55] {
        let variables: serde_json::Map<_, _> =
            (0..56).map(|i| (format!("v{i}"), json!(i == chosen))).collect();
        let response = ask_with(&gateway, &query, variables.into()).await;
        assert_eq!(response["data"]["product"], json!({"sku": "sku-1", (format!("f{chosen}")): "Product 1"}));
    }
}

#[tokio::test]
async fn mutations_run_one_after_the_other_and_reach_other_subgraphs() {
    let gateway = gateway();
    let response = ask(&gateway, "mutation { a: countBusy b: countBusy c: countBusy }").await;
    assert_eq!(response, json!({"data": {"a": 0, "b": 0, "c": 0}}));
    let query =
        "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { id lines { product { inStock } } } }";
    let response = ask_with(&gateway, query, json!({"i": {"skus": ["sku-1"]}})).await;
    assert_eq!(response["data"]["placeOrder"]["lines"][0], json!({"product": {"inStock": 15}}));
    let response = ask(&gateway, "mutation { placeOrder(input: {skus: []}) { id } }").await;
    assert_eq!(codes(&response), ["EMPTY_ORDER"]);
    assert_eq!(response["data"], json!(null));
}

#[tokio::test]
async fn inaccessible_fields_do_not_exist_for_clients() {
    let response = ask(&gateway(), "{ product(sku: \"sku-1\") { purchaseCost } }").await;
    assert_eq!(codes(&response), ["GRAPHQL_VALIDATION_FAILED"]);
    assert!(response.get("data").is_none());
}

#[tokio::test]
async fn typename_of_the_root_needs_no_subgraph() {
    let response = run(&gateway(), manager(), Request::new("{ __typename }")).await;
    assert_eq!(
        (response.json().unwrap(), response.subgraph_calls),
        (json!({"data": {"__typename": "Query"}}), 0)
    );
}

#[tokio::test]
async fn what_identify_found_out_reaches_the_resolvers() {
    let mut caller = manager();
    caller.data = std::sync::Arc::new(crate::support::CallerName("Ada".into()));
    let response = run(&gateway(), caller, Request::new("{ whoAsks }")).await;
    assert_eq!(response.json().unwrap(), json!({"data": {"whoAsks": "Ada"}}));
}
