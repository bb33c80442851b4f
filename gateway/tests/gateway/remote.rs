//! The same graph with its subgraphs behind HTTP.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_graphql::{Executor, Schema};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
    routing::post,
};
use emporia_gateway::{Caller, Config, Gateway, Remote, Request, RequestContext, Supergraph};
use futures_util::StreamExt;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::{
    server::serve,
    support::{self, ask, codes, gateway, manager, run},
};

type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// A plain async-graphql server, as any team would write it.
fn subgraph<E: Executor>(schema: E, seen: Seen) -> Router {
    async fn answer<E: Executor>(
        State((schema, seen)): State<(E, Seen)>,
        headers: HeaderMap,
        Json(request): Json<async_graphql::Request>,
    ) -> Response {
        seen.lock().push(headers.clone());
        if headers.get("accept").is_some_and(|a| a == "text/event-stream") {
            let next = schema
                .execute_stream(request, None)
                .map(|r| Event::default().event("next").data(serde_json::to_string(&r).unwrap()));
            let end = futures_util::stream::iter([Event::default().event("complete").data("")]);
            return Sse::new(next.chain(end).map(Ok::<_, std::convert::Infallible>)).into_response();
        }
        Json(schema.execute(request).await).into_response()
    }
    Router::new().route("/graphql", post(answer::<E>)).with_state((schema, seen))
}

async fn supergraph_at(seen: &Seen) -> Supergraph {
    async fn at<Q, M, S>(schema: Schema<Q, M, S>, seen: &Seen) -> (String, SocketAddr)
    where
        Q: async_graphql::ObjectType + 'static,
        M: async_graphql::ObjectType + 'static,
        S: async_graphql::SubscriptionType + 'static,
    {
        let sdl = support::sdl(&schema);
        (sdl, serve(subgraph(schema, seen.clone())).await)
    }
    let (catalog, catalog_at) = at(support::catalog::schema(), seen).await;
    let (orders, orders_at) = at(support::orders::schema(), seen).await;
    let (stock, stock_at) = at(support::stock::schema(), seen).await;
    emporia_gateway::compose(&[
        ("catalog", &catalog, &format!("http://{catalog_at}/graphql")),
        ("orders", &orders, &format!("http://{orders_at}/graphql")),
        ("stock", &stock, &format!("http://{stock_at}/graphql")),
    ])
    .unwrap()
}

async fn remote_gateway(seen: &Seen) -> Gateway {
    Gateway::builder(supergraph_at(seen).await)
        .config(Config::demo())
        .remote_subgraphs(&reqwest::Client::new())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_gateway_before_http_subgraphs_answers_as_in_one_process() {
    let (remote, local) = (remote_gateway(&Seen::default()).await, gateway());
    for query in [
        "{ orders(first: 2) { id status lines { product { sku name weight inStock shippingEstimate } } } }",
        "{ a: product(sku: \"sku-404\") { name inStock } b: product(sku: \"sku-1\") { name inStock } }",
        "{ products(first: 4) { sku warehouse } }",
        "{ product(sku: \"sku-2\") { restockAt } }",
        "{ product(sku: \"sku-7\") { kind assets { __typename url } } }",
        "mutation { placeOrder(input: {skus: [\"sku-1\"]}) { id total { amount } } }",
    ] {
        assert_eq!(ask(&remote, query).await, ask(&local, query).await, "{query}");
    }
}

#[tokio::test]
async fn a_subscription_comes_over_server_sent_events() {
    let remote = remote_gateway(&Seen::default()).await;
    let request = Request::new("subscription { priceChanged(sku: \"sku-7\") { sku inStock } }");
    let stream = remote.stream(request, RequestContext::new(Caller::anonymous())).await.unwrap();
    let skus: Vec<Value> = stream.map(|r| r.json().unwrap()["data"]["priceChanged"].clone()).collect().await;
    assert_eq!(skus[0], json!({"sku": "sku-7", "inStock": 15}));
    assert_eq!(skus.len(), 3);
}

#[tokio::test]
async fn the_headers_to_forward_reach_the_subgraphs() {
    let seen = Seen::default();
    let remote = remote_gateway(&seen).await;
    let mut caller = manager();
    caller.forward.insert("emporia-channel", "web-de".parse().unwrap());
    run(&remote, caller, Request::new("{ product(sku: \"sku-1\") { inStock } }")).await;
    let seen = seen.lock();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|h| h["emporia-channel"] == "web-de"));
}

#[tokio::test]
async fn a_subgraph_that_is_down_nulls_only_its_fields_and_is_asked_once() {
    let supergraph = supergraph_at(&Seen::default()).await;
    let down = serve(Router::new().fallback(async || (StatusCode::BAD_GATEWAY, "<html>"))).await;
    let stock_at = address(&supergraph, "stock");
    for dead in [format!("http://{down}/graphql"), "http://127.0.0.1:1/graphql".to_owned()] {
        let supergraph = Supergraph::from_sdl(supergraph.sdl().replace(&stock_at, &dead));
        let gateway = Gateway::builder(supergraph)
            .config(Config::demo())
            .remote_subgraphs(&reqwest::Client::new())
            .build()
            .unwrap();
        let response = ask(&gateway, "{ products(first: 3) { sku inStock } }").await;
        assert_eq!(response["data"]["products"][2], json!({"sku": "sku-3", "inStock": null}));
        assert_eq!(codes(&response), ["SUBGRAPH_UNAVAILABLE"]);
    }
}

/// The address of a subgraph in a supergraph.
fn address(supergraph: &Supergraph, name: &str) -> String {
    let line = supergraph.sdl().lines().find_map(|l| l.split_once(&format!("name: \"{name}\", url: \"")));
    line.and_then(|(_, rest)| rest.split('"').next()).expect("the address is in the supergraph").to_owned()
}

/// A server that takes calls and hangs up without an answer, and how many it took.
async fn hangs_up() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, calls) = (format!("http://{}/graphql", listener.local_addr().unwrap()), Arc::default());
    let taken: Arc<AtomicUsize> = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut call, _)) = listener.accept().await {
            taken.fetch_add(1, Ordering::Relaxed);
            let mut begun = [0; 16];
            let _ = call.read(&mut begun).await;
        }
    });
    (url, calls)
}

#[tokio::test]
async fn of_servers_alike_one_that_is_gone_is_passed_over_and_only_queries_are_asked_again() {
    let supergraph = supergraph_at(&Seen::default()).await;
    let (orders, (cut, calls)) = (address(&supergraph, "orders"), hangs_up().await);
    let among = |first: &str| {
        let remote = Remote::among(reqwest::Client::new(), vec![first.to_owned(), orders.clone()]);
        Gateway::builder(supergraph.clone())
            .config(Config::demo())
            .subgraph("orders", remote)
            .remote_subgraphs(&reqwest::Client::new())
            .build()
            .unwrap()
    };
    let place = "mutation { placeOrder(input: {skus: [\"sku-1\"]}) { id } }";
    let list = "{ orders(first: 1) { id } }";
    let one_gone = among("http://127.0.0.1:1/graphql");
    for _ in 0..4 {
        assert!(codes(&ask(&one_gone, place).await).is_empty());
        assert!(codes(&ask(&one_gone, list).await).is_empty());
    }
    let one_cut = among(&cut);
    // A mutation may have been done before its answer was cut off: it is the client who knows whether to ask again.
    assert_eq!(codes(&ask(&one_cut, place).await), ["SUBGRAPH_UNAVAILABLE"]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert!(codes(&ask(&one_cut, place).await).is_empty());
    for _ in 0..4 {
        assert!(codes(&ask(&one_cut, list).await).is_empty());
    }
    assert!(calls.load(Ordering::Relaxed) > 1, "queries were answered by the other one");
}

#[test]
fn a_supergraph_without_its_subgraphs_or_without_sense_does_not_build() {
    let missing =
        Gateway::builder(support::supergraph()).config(Config::demo()).build().err().expect("refused");
    assert_eq!(missing.to_string(), "no implementation for subgraphs: catalog, orders, stock");
    for nonsense in ["", "type Query", "type Foo { a: Int }", "extend type Query { a: Int }"] {
        assert!(Gateway::builder(Supergraph::from_sdl(nonsense)).build().is_err(), "{nonsense:?}");
    }
}

/// A server that answers this many bytes, with or without saying so before.
async fn talker(bytes: usize, chunked: bool) -> String {
    let answer = move || async move {
        let body = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(bytes));
        if chunked {
            let parts: Vec<_> =
                body.into_bytes().chunks(1000).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect();
            axum::body::Body::from_stream(futures_util::stream::iter(parts)).into_response()
        } else {
            body.into_response()
        }
    };
    format!("http://{}/graphql", serve(Router::new().route("/graphql", post(answer))).await)
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    for chunked in [false, true] {
        for (bytes, fits) in [(900, true), (5_000_000, false)] {
            let url = talker(bytes, chunked).await;
            let supergraph =
                emporia_gateway::compose(&[("one", "type Query { a: String @public }", &url)]).unwrap();
            let config = Config { subgraph_answer_bytes: 1000, ..Config::demo() };
            let builder =
                Gateway::builder(supergraph).config(config).remote_subgraphs(&reqwest::Client::new());
            let answer = ask(&builder.build().unwrap(), "{ a }").await;
            let expected: &[&str] = if fits { &[] } else { &["SUBGRAPH_ANSWER_TOO_LARGE"] };
            assert_eq!(codes(&answer), expected, "{bytes} {chunked}");
        }
    }
}
