//! How often somebody may ask, and from which pages.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use async_trait::async_trait;
use emporia_gateway::{
    BuildError, Caller, Config, Gateway, GatewayError, HttpOptions, Identify, Rate, RateLimits, router,
};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, StatusCode};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::support::{builder, codes, gateway_with};

fn rate(burst: u32) -> Option<Rate> {
    Some(Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(burst).unwrap() })
}

/// Whoever shows a key is known by it.
struct Keys;

#[async_trait]
impl Identify for Keys {
    async fn identify(&self, headers: &HeaderMap, _: Option<&Value>) -> Result<Caller, GatewayError> {
        let key = headers.get("x-api-key").and_then(|v| v.to_str().ok()).map(Into::into);
        Ok(Caller { key, ..Caller::anonymous() })
    }

    fn address(&self, headers: &HeaderMap, connection: Option<IpAddr>) -> Option<IpAddr> {
        headers.get("x-client").and_then(|v| v.to_str().ok()?.parse().ok()).or(connection)
    }
}

async fn serve(gateway: Gateway) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(gateway, Keys, HttpOptions::default());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn limited(change: impl FnOnce(&mut RateLimits)) -> SocketAddr {
    let rates = |c: &mut Config| {
        c.rates = RateLimits { per_address: None, per_caller: None, ..RateLimits::default() };
        change(&mut c.rates);
    };
    serve(gateway_with(rates)).await
}

async fn ask(address: SocketAddr, body: &Value, headers: &[(&str, &str)]) -> Response {
    let mut request = Client::new().post(format!("http://{address}/graphql")).json(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn one() -> Value {
    json!({"query": "{ whoAsks }"})
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_how_long_to_wait() {
    let address = limited(|r| r.per_address = rate(3)).await;
    for _ in 0..3 {
        assert_eq!(ask(address, &one(), &[]).await.status(), StatusCode::OK);
    }
    let refused = ask(address, &one(), &[]).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(codes(&refused.json().await.unwrap()), ["RATE_LIMITED"]);
    // Nobody is believed who says that he asks for another.
    let liar = ask(address, &one(), &[("x-forwarded-for", "203.0.113.7")]).await;
    assert_eq!(liar.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_batch_counts_as_many_requests_as_it_holds() {
    let address = limited(|r| r.per_address = rate(5)).await;
    let batch = Value::Array(vec![one(); 4]);
    assert_eq!(ask(address, &batch, &[]).await.status(), StatusCode::OK);
    assert_eq!(ask(address, &batch, &[]).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_address_is_the_one_that_who_knows_the_proxies_says() {
    let address = limited(|r| r.per_address = rate(1)).await;
    let status = async |client: &str| ask(address, &one(), &[("x-client", client)]).await.status();
    assert_eq!(status("203.0.113.1").await, StatusCode::OK);
    assert_eq!(status("203.0.113.2").await, StatusCode::OK);
    assert_eq!(status("203.0.113.2").await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_key_is_counted_wherever_it_is_used() {
    let address = limited(|r| r.per_caller = rate(2)).await;
    let status = async |key: &str| ask(address, &one(), &[("x-api-key", key)]).await.status();
    assert_eq!(status("a").await, StatusCode::OK);
    assert_eq!(status("a").await, StatusCode::OK);
    assert_eq!(status("a").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status("b").await, StatusCode::OK);
}

#[tokio::test]
async fn operations_on_one_websocket_count_each() {
    let address = limited(|r| r.per_address = rate(3)).await;
    let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let mut messages = vec![json!({"type": "connection_init"})];
    messages.extend((0..3).map(|n| json!({"id": n.to_string(), "type": "subscribe", "payload": one()})));
    for message in &messages {
        socket.send(Message::Text(message.to_string().into())).await.unwrap();
    }
    let mut refused = None;
    while refused.is_none() {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        refused = (message["type"] == "error").then_some(message);
    }
    // The connection was the first, the third operation is the fourth.
    let refused = refused.unwrap();
    assert_eq!(
        (&refused["id"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("2"), &json!("RATE_LIMITED"))
    );
}

async fn preflight(address: SocketAddr, origin: &str) -> HeaderMap {
    let request = Client::new()
        .request(Method::OPTIONS, format!("http://{address}/graphql"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, emporia-channel");
    request.send().await.unwrap().headers().clone()
}

#[tokio::test]
async fn pages_of_the_named_origins_may_ask_and_others_may_not() {
    let gateway = gateway_with(|c| {
        c.cors.allowed_origins = vec!["https://shop.example".into(), "http://localhost:3000".into()];
        c.cors.credentials = true;
    });
    let address = serve(gateway).await;
    for origin in ["https://shop.example", "http://localhost:3000"] {
        let headers = preflight(address, origin).await;
        assert_eq!(headers["access-control-allow-origin"], origin);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-allow-methods"], "GET,POST");
        assert_eq!(headers["access-control-allow-headers"], "content-type, emporia-channel");
        assert_eq!(headers["access-control-max-age"], "600");
    }
    assert!(!preflight(address, "https://evil.example").await.contains_key("access-control-allow-origin"));
    let answer = ask(address, &one(), &[("origin", "https://shop.example")]).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://shop.example");
    assert!(answer.headers()["access-control-expose-headers"].to_str().unwrap().contains("x-request-id"));
    // Without any named, nothing is said to anybody.
    let silent = preflight(serve(gateway_with(|_| {})).await, "https://shop.example").await;
    assert!(!silent.contains_key("access-control-allow-origin"));
}

#[test]
fn origins_that_cannot_be_one_stop_the_start() {
    for (origin, credentials, said) in [
        ("shop.example", false, "is no origin"),
        ("https://shop.example/", false, "is no origin"),
        ("https://", false, "is no origin"),
        ("*", true, "everybody"),
    ] {
        let mut config = Config::demo();
        config.cors.allowed_origins = vec![origin.into()];
        config.cors.credentials = credentials;
        let refused = builder().config(config).build().err().unwrap_or_else(|| panic!("{origin} is taken"));
        assert!(matches!(refused, BuildError::Cors(_)) && refused.to_string().contains(said), "{refused}");
    }
}
