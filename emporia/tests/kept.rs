//! Answers that the gateway keeps are never older than a change that was acknowledged.

use emporia_testkit::{Emporia, Shopper};
use serde_json::{Value, json};

const LISTING: &str = "{ products(first: 20) { edges { node { title variants { sku price { unit { amount } } availability { quantity } } } } } }";

/// Price and quantity of a SKU on the listing, and whether a kept answer said so.
async fn listed(shopper: &Shopper<'_>, sku: &str) -> (String, i64, bool) {
    let response = shopper.respond(LISTING, json!({})).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    let answer: Value = response.json().unwrap();
    let edges = answer["data"]["products"]["edges"].as_array().unwrap();
    let mut variants = edges.iter().flat_map(|edge| edge["node"]["variants"].as_array().unwrap());
    let variant = variants.find(|v| v["sku"] == sku).unwrap_or_else(|| panic!("{sku} in {answer:#}"));
    let price = variant["price"]["unit"]["amount"].as_str().unwrap().to_owned();
    (price, variant["availability"]["quantity"].as_i64().unwrap(), response.subgraph_calls == 0)
}

/// Whether the answer is one that was kept.
async fn is_kept(shopper: &Shopper<'_>, query: &str) -> bool {
    let response = shopper.respond(query, json!({})).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    response.subgraph_calls == 0
}

async fn set_price(staff: &Shopper<'_>, unit: &str) {
    let query = "mutation($unit: String!) { setPrice(input: {sku: \"TEAPOT\", unit: $unit}) { userErrors { code } } }";
    let set = staff.data(query, json!({"unit": unit})).await;
    assert_eq!(set["setPrice"]["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_kept_for_all_shoppers_until_a_price_on_it_changes() {
    let shop = Emporia::small().await;
    let (one, other, staff) = (shop.guest().await, shop.guest().await, shop.operator(&["admin"]).await);
    for round in 0..30 {
        let price = format!("{}.00", 30 + round);
        set_price(&staff, &price).await;
        let (seen, _, _) = listed(&one, "TEAPOT").await;
        assert_eq!(seen, price, "right after the change was acknowledged");
        assert_eq!(listed(&other, "TEAPOT").await, (price, listed(&one, "TEAPOT").await.1, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_bought_sees_less_on_the_shelf_at_once() {
    let shop = Emporia::small().await;
    let guest = shop.guest().await;
    for _ in 0..3 {
        let (_, before, _) = listed(&guest, "TEAPOT").await;
        assert!(listed(&guest, "TEAPOT").await.2);
        let cart = guest.cart_with(&[("TEAPOT", 1)]).await;
        guest.buy(&cart, "4242424242424242").await;
        assert_eq!(listed(&guest, "TEAPOT").await.1, before - 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_another_product_leaves_an_answer_where_it_is() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let mug = "{ productVariant(sku: \"MUG\") { title price { unit { amount } } } }";
    guest.data(mug, json!({})).await;
    set_price(&staff, "77.00").await;
    assert!(is_kept(&guest, mug).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_and_carts_are_answered_anew_each_time() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let cart = guest.cart_with(&[("MUG", 1)]).await;
    for _ in 0..2 {
        assert!(!listed(&staff, "TEAPOT").await.2);
        assert!(!is_kept(&guest, &format!("{{ cart(id: \"{cart}\") {{ units }} }}")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_of_a_type_or_a_location_is_seen_at_once_though_no_event_tells_it() {
    let shop = Emporia::small().await;
    let (guest, staff) = (shop.guest().await, shop.operator(&["admin"]).await);
    let locations = "{ locations { key name kind countryCode } }";
    let first = guest.data(locations, json!({})).await["locations"][0].clone();
    assert!(is_kept(&guest, locations).await);
    let rename = "mutation($key: String!, $kind: LocationKind!, $country: String!) { defineLocation(input: \
                  {key: $key, name: \"Renamed\", kind: $kind, countryCode: $country}) { location { name } } }";
    let variables = json!({"key": first["key"], "kind": first["kind"], "country": first["countryCode"]});
    let renamed = staff.data(rename, variables).await;
    assert_eq!(renamed["defineLocation"]["location"]["name"], "Renamed");
    assert_eq!(guest.data(locations, json!({})).await["locations"][0]["name"], "Renamed");
}
