//! Whole requests in one process, with resolvers that answer constants, on one core: what the gateway itself costs,
//! and what it costs to give an answer that was kept.
//!
//! `cargo bench -p emporia-gateway` prints median and 99th percentile; `-- --seconds 10` measures longer.
#![allow(clippy::print_stdout)]

#[path = "../tests/gateway/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use emporia_gateway::{Caller, Config, Gateway, Request, RequestContext};

const REQUESTS: [(&str, u32, u32, &str); 3] = [
    ("smallest", 1, 40, "{ product(sku: \"sku-1\") { sku name } }"),
    (
        "1 subgraph, 10 products",
        1,
        40,
        "{ products(first: 10) { sku name kind price { amount currencyCode } } }",
    ),
    (
        "3 subgraphs, 3 orders of 5 lines",
        3,
        110,
        "{ orders(first: 3) { id status lines { quantity product { sku name weight price { amount } inStock shippingEstimate } } } }",
    ),
];

const KEPT: &str = "{ products(first: 40) { sku name kind price { amount currencyCode } } }";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seconds =
        std::env::args().skip_while(|a| a != "--seconds").nth(1).and_then(|s| s.parse().ok()).unwrap_or(3);
    let gateway = support::builder().config(Config::default()).build().expect("the sample gateway builds");
    println!("{:<36} {:>9} {:>9} {:>9} {:>11}", "request", "p50", "p99", "target", "requests/s");
    for (name, calls, target, query) in REQUESTS {
        let manager = RequestContext::new(support::manager());
        let (p50, p99, rate) = measure(&gateway, query, calls, &manager, Duration::from_secs(seconds)).await;
        println!("{name:<36} {p50:>6.1} µs {p99:>6.1} µs {target:>6} µs {rate:>11.0}");
    }
    let everybody = RequestContext::new(Caller { shared: Some("eu/en".into()), ..Caller::anonymous() });
    gateway.execute(Request::new(KEPT), &everybody).await;
    let (p50, p99, rate) = measure(&gateway, KEPT, 0, &everybody, Duration::from_secs(seconds)).await;
    println!("{:<36} {p50:>6.1} µs {p99:>6.1} µs {:>6} µs {rate:>11.0}", "kept answer, 40 products", 3);
}

async fn measure(
    gateway: &Gateway,
    query: &str,
    calls: u32,
    context: &RequestContext,
    time: Duration,
) -> (f64, f64, f64) {
    let one = async || {
        let response = gateway.execute(Request::new(query), context).await;
        assert!(response.errors.is_empty() && response.subgraph_calls == calls, "{response:?}");
    };
    for _ in 0..500 {
        one().await;
    }
    let (start, mut took) = (Instant::now(), vec![]);
    while start.elapsed() < time {
        let before = Instant::now();
        one().await;
        took.push(before.elapsed().as_nanos() as f64 / 1e3);
    }
    took.sort_by(f64::total_cmp);
    (took[took.len() / 2], took[took.len() * 99 / 100], took.len() as f64 / time.as_secs_f64())
}
