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
    assert_eq!(value("emporia_gateway_request_seconds_count{operation=\"Shelf\"}"), "3");
    let labels = text.lines().filter(|l| l.starts_with("emporia_gateway_requests_total")).count();
    assert!(labels <= 302, "{labels}");
    assert!(text.contains("operation=\"other\""));
}
