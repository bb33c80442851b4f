use std::time::{Duration, Instant};

use emporia_gateway::Limits;
use serde_json::json;

use crate::support::{ask, ask_with, codes, gateway, gateway_with};

fn limits(change: impl FnOnce(&mut Limits)) -> emporia_gateway::Gateway {
    gateway_with(|c| change(&mut c.limits))
}

#[tokio::test]
async fn every_limit_has_its_own_code() {
    let query = "{ a: product(sku: \"sku-1\") { price { amount } } b: product(sku: \"sku-2\") { sku @include(if: true) } }";
    type Lower = fn(&mut Limits);
    let small: [(&str, Lower); 6] = [
        ("LIMIT_TOKENS", |l| l.tokens = 20),
        ("LIMIT_DEPTH", |l| l.depth = 2),
        ("LIMIT_ALIASES", |l| l.aliases = 1),
        ("LIMIT_ROOT_FIELDS", |l| l.root_fields = 1),
        ("LIMIT_DIRECTIVES", |l| l.directives = 0),
        ("LIMIT_SELECTIONS", |l| l.selections = 4),
    ];
    for (code, change) in small {
        let response = ask(&limits(change), query).await;
        assert_eq!(codes(&response), [code]);
        assert!(response.get("data").is_none());
    }
    assert_eq!(codes(&ask(&gateway(), query).await), [""; 0]);
}

#[tokio::test]
async fn complexity_follows_the_sizes_asked_for() {
    let gateway = limits(|l| l.complexity = 100);
    let table = [
        ("{ products(first: 40) { sku } }", true),
        ("{ products(first: 101) { sku } }", false),
        // Without a size a list counts as ten.
        ("{ products { sku } }", true),
        // Ten connections of forty.
        ("{ productConnection(first: 40) { nodes { sku } } }", true),
        ("{ productConnection(first: 60) { nodes { sku } } }", false),
        ("{ products(first: 30) { sku assets { url } } }", false),
    ];
    for (query, fits) in table {
        let response = ask(&gateway, query).await;
        let expected: &[&str] = if fits { &[] } else { &["LIMIT_COMPLEXITY"] };
        assert_eq!(codes(&response), expected, "{query}");
    }
}

#[tokio::test]
async fn complexity_counts_sizes_in_variables() {
    let gateway = limits(|l| l.complexity = 100);
    let query = "query($n: Int!) { products(first: $n) { sku } }";
    assert_eq!(codes(&ask_with(&gateway, query, json!({"n": 40})).await), [""; 0]);
    assert_eq!(codes(&ask_with(&gateway, query, json!({"n": 1000000})).await), ["LIMIT_COMPLEXITY"]);
    assert_eq!(codes(&ask_with(&gateway, query, json!({"n": 40})).await), [""; 0]);
}

#[tokio::test]
async fn fragments_that_unfold_to_millions_are_refused_at_once() {
    let mut query = "{ product(sku: \"sku-1\") { ...F0 } }".to_owned();
    for i in 0..40 {
        query += &format!(" fragment F{i} on Product {{ ...F{n} ...F{n} a{i}: name }}", n = i + 1);
    }
    query += " fragment F40 on Product { sku }";
    let started = Instant::now();
    assert_eq!(codes(&ask(&gateway(), &query).await), ["LIMIT_SELECTIONS"]);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn fragments_that_contain_themselves_are_invalid() {
    let query =
        "{ product(sku: \"sku-1\") { ...A } } fragment A on Product { ...B } fragment B on Product { ...A }";
    assert_eq!(codes(&ask(&gateway(), query).await), ["GRAPHQL_VALIDATION_FAILED"]);
}

#[tokio::test]
async fn nesting_beyond_all_measure_is_an_error_and_not_a_crash() {
    for open in ["{ a ", "{ a(b: [", "{ a(b: {c: "] {
        let query = open.repeat(900);
        let response = ask(&gateway(), &query).await;
        assert!(!codes(&response).is_empty());
        let lists = format!("{{ numbers(list: {}1{}) }}", "[".repeat(1900), "]".repeat(1900));
        assert!(!codes(&ask(&gateway(), &lists).await).is_empty());
    }
}
