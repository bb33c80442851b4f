use serde_json::{Value, json};

use crate::support::{ask, ask_with, codes, gateway, gateway_with};

/// The query GraphiQL sends (graphql-js `getIntrospectionQuery` with all its options on).
const FULL: &str = include_str!("introspection.graphql");

fn find<'v>(list: &'v Value, name: &str) -> &'v Value {
    list.as_array().into_iter().flatten().find(|t| t["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn the_query_of_graphiql_describes_the_public_schema() {
    let response = ask_with(&gateway(), FULL, json!({})).await;
    assert_eq!(response["errors"], json!(null));
    let schema = &response["data"]["__schema"];
    assert_eq!(schema["queryType"], json!({"name": "Query", "kind": "OBJECT"}));
    assert_eq!(schema["mutationType"]["name"], "Mutation");
    assert_eq!(schema["subscriptionType"]["name"], "Subscription");

    let product = find(&schema["types"], "Product");
    assert_eq!(find(&product["fields"], "purchaseCost"), &Value::Null, "inaccessible");
    let in_stock = find(&product["fields"], "inStock");
    assert_eq!(in_stock["type"], json!({"kind": "SCALAR", "name": "Int", "ofType": null}));
    let list_price = find(&product["fields"], "listPrice");
    assert_eq!(
        (&list_price["isDeprecated"], &list_price["deprecationReason"]),
        (&json!(true), &json!("use price"))
    );
    assert_eq!(list_price["description"], "Replaced by `price`.");

    let query = find(&schema["types"], "Query");
    assert!(
        query["fields"].as_array().unwrap().iter().all(|f| !f["name"].as_str().unwrap().starts_with('_'))
    );
    let first = find(&find(&query["fields"], "products")["args"], "first");
    assert_eq!(first["defaultValue"], "10");
    assert_eq!(find(&schema["types"], "Pick")["isOneOf"], json!(true));
    let asset = find(&schema["types"], "Asset");
    assert_eq!(asset["kind"], "INTERFACE");
    assert_eq!(asset["possibleTypes"].as_array().unwrap().len(), 2);
    let kinds = &find(&schema["types"], "ProductKind")["enumValues"];
    assert_eq!(find(kinds, "BUNDLE")["isDeprecated"], json!(false));

    let names: Vec<_> =
        schema["directives"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap()).collect();
    for expected in ["skip", "include", "deprecated", "specifiedBy"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    let types: Vec<_> =
        schema["types"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert!(types.iter().all(|t| !t.contains("join__") && !t.contains("Scope")), "{types:?}");
}

#[tokio::test]
async fn a_type_is_found_by_name_beside_ordinary_fields() {
    let query = "query($name: String!) { it: __type(name: $name) { name kind fields { name } } none: __type(name: \"No\") { name } product(sku: \"sku-1\") { sku } }";
    let response = ask_with(&gateway(), query, json!({"name": "Money"})).await;
    assert_eq!(
        response["data"],
        json!({
            "it": {"name": "Money", "kind": "OBJECT", "fields": [{"name": "amount"}, {"name": "currencyCode"}]},
            "none": null,
            "product": {"sku": "sku-1"}
        })
    );
}

#[tokio::test]
async fn deprecated_fields_are_shown_on_request() {
    let query = "{ shown: __type(name: \"Product\") { fields { name } } all: __type(name: \"Product\") { fields(includeDeprecated: true) { name } } }";
    let response = ask(&gateway(), query).await;
    let count = |key: &str| response["data"][key]["fields"].as_array().unwrap().len();
    assert_eq!(count("all"), count("shown") + 1);
}

#[tokio::test]
async fn introspection_can_be_switched_off() {
    let gateway = gateway_with(|c| c.introspection = false);
    for query in
        ["{ __schema { queryType { name } } }", "{ ... on Query { __type(name: \"Query\") { name } } }"]
    {
        assert_eq!(codes(&ask(&gateway, query).await), ["INTROSPECTION_DISABLED"], "{query}");
    }
    assert_eq!(ask(&gateway, "{ __typename }").await, json!({"data": {"__typename": "Query"}}));
}

#[tokio::test]
async fn introspection_that_would_grow_without_end_is_refused() {
    let query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(codes(&ask(&gateway(), query).await), ["LIMIT_INTROSPECTION"]);
}
