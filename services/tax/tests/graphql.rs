//! The subgraph.

use async_graphql::Request;
use emporia_contracts::{
    Principal, RequestContext,
    channels::{ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
};
use emporia_id::Ids;
use emporia_money::Rounding;
use emporia_subgraph::Subgraph;
use emporia_tax::{TaxService, schema, space};
use emporia_teststore::Place;
use serde_json::{Value, json};
use std::sync::Arc;

fn context() -> RequestContext {
    let channel = ChannelFacts {
        key: "eu".parse().unwrap(),
        name: "Europe".into(),
        currency: "EUR".parse().unwrap(),
        price_kind: PriceKind::Gross,
        default_locale: "en".parse().unwrap(),
        locales: vec!["en".parse().unwrap()],
        countries: vec!["DE".parse().unwrap()],
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: vec![],
        order_prefix: "EU".into(),
        time_zone: "Europe/Berlin".into(),
    };
    RequestContext {
        principal: Principal::System("test".into()),
        guest: None,
        channel: Arc::new(channel),
        locale: "en".parse().unwrap(),
        correlation_id: "test".into(),
        client: None,
    }
}

async fn run(schema: &Subgraph, text: &str, variables: Value) -> Value {
    let request =
        Request::new(text).variables(async_graphql::Variables::from_json(variables)).data(context());
    serde_json::to_value(schema.execute(request).await).unwrap()
}

const DEFINE: &str = "mutation($input: DefineTaxRateInput!) { defineTaxRate(input: $input) {
    taxRate { name rate validUntil } userErrors { code field } } }";

#[tokio::test]
async fn rates_are_defined_and_listed_and_wrong_ones_are_told_apart() {
    let place = Place::new();
    let store = place.open(Arc::new(emporia_id::SystemClock), vec![space()]).await;
    let ids = Ids::seeded(Arc::new(emporia_id::SystemClock), 7);
    let schema = schema(TaxService::new(store.space("tax").unwrap(), ids).await.unwrap());
    let input = |rate: &str, until: Value| json!({ "input": { "countryCode": "AT", "category": "standard", "name": "AT 20", "rate": rate, "validUntil": until } });
    let made = run(&schema, DEFINE, input("0.20", json!("2030-01-01T00:00:00Z"))).await;
    let expected = json!({ "taxRate": { "name": "AT 20", "rate": "0.2", "validUntil": "2030-01-01T00:00:00Z" }, "userErrors": [] });
    assert_eq!(made["data"]["defineTaxRate"], expected);
    let mut overlap = input("0.20", Value::Null);
    overlap["input"]["validFrom"] = json!("2029-01-01T00:00:00Z");
    let refused = run(&schema, DEFINE, overlap).await;
    assert_eq!(
        refused["data"]["defineTaxRate"]["userErrors"],
        json!([{ "code": "DUPLICATE", "field": ["validFrom"] }])
    );
    for wrong in ["19%", "-0.1", "11", "0,19", "NaN", "1e-1", ""] {
        let answer = run(&schema, DEFINE, input(wrong, Value::Null)).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "rate {wrong:?}");
    }
    let list = run(&schema, "{ taxRates(countryCode: \"AT\") { category } }", json!({})).await;
    assert_eq!(list["data"]["taxRates"], json!([{ "category": "standard" }]));
    let none = run(&schema, "{ taxRates(countryCode: \"DE\") { category } }", json!({})).await;
    assert_eq!(none["data"]["taxRates"], json!([]));
}
