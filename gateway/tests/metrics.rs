//! Metrics, in a process of their own: a process has one recorder, which hears every gateway in it.

#[path = "gateway/support/mod.rs"]
mod support;

use emporia_gateway::{Caller, Request};
use metrics_exporter_prometheus::PrometheusBuilder;

use support::{gateway, manager, run};

#[tokio::test]
async fn requests_calls_and_refusals_are_counted_under_bounded_labels() {
    let metrics = PrometheusBuilder::new().install_recorder().expect("the only recorder of this process");
    let gateway = gateway();
    for _ in 0..3 {
        run(&gateway, manager(), Request::new("query Shelf { products(first: 2) { name inStock } }")).await;
    }
    run(&gateway, Caller::anonymous(), Request::new("query Mine { orders { id } }")).await;
    // Each limit is counted under its own code.
    let many = |part: &str, n: usize| format!("{{ {} }}", part.repeat(n));
    let refused = [
        ("LIMIT_TOKENS", many("whoAsks ", 5_000)),
        ("LIMIT_DEPTH", format!("{{ products {}{{ sku }}{} }}", "{ assets ".repeat(20), " }".repeat(20))),
        ("LIMIT_ALIASES", many("...F ", 70) + " fragment F on Query { a: whoAsks }"),
        ("LIMIT_ROOT_FIELDS", many("whoAsks ", 21)),
        ("LIMIT_DIRECTIVES", many("whoAsks @include(if: true) ", 61)),
        ("LIMIT_SELECTIONS", format!("{{ product(sku: \"sku-1\") {{ {} }} }}", "sku ".repeat(1_001))),
        ("LIMIT_COMPLEXITY", "{ products(first: 1000000000) { sku } }".to_owned()),
    ];
    for (_, query) in &refused {
        run(&gateway, manager(), Request::new(query)).await;
    }
    // An answer that may be kept is asked for once and then given.
    let everybody = || Caller { shared: Some("eu/en".into()), ..Caller::anonymous() };
    for _ in 0..3 {
        run(&gateway, everybody(), Request::new("query Kept { products(first: 2) { name } }")).await;
    }
    for i in 0..400 {
        run(&gateway, manager(), Request::new(format!("query Q{i} {{ whoAsks }}"))).await;
    }
    let text = metrics.render();
    let value = |start: &str| {
        let line =
            text.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("{start} in\n{text}"));
        line.rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(value("emporia_gateway_requests_total{operation=\"Shelf\",outcome=\"ok\"}"), "3");
    assert_eq!(value("emporia_gateway_requests_total{operation=\"Mine\",outcome=\"refused\"}"), "1");
    assert_eq!(value("emporia_gateway_subgraph_calls_total{subgraph=\"stock\"}"), "3");
    assert_eq!(value("emporia_gateway_refused_total{code=\"UNAUTHENTICATED\"}"), "1");
    for (code, _) in &refused {
        assert_eq!(value(&format!("emporia_gateway_refused_total{{code=\"{code}\"}}")), "1", "{code}");
    }
    assert_eq!(value("emporia_gateway_cache_total{result=\"miss\"}"), "1");
    assert_eq!(value("emporia_gateway_cache_total{result=\"hit\"}"), "2");
    assert_eq!(value("emporia_gateway_requests_total{operation=\"Kept\",outcome=\"ok\"}"), "3");
    assert_eq!(value("emporia_gateway_request_seconds_count{operation=\"Shelf\"}"), "3");
    let labels = text.lines().filter(|l| l.starts_with("emporia_gateway_requests_total")).count();
    assert!(labels <= 302, "{labels}");
    assert!(text.contains("operation=\"other\""));
}
