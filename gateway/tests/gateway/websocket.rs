use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    server::start,
    support::{
        catalog::{FLOOD, WATCHED_DROPPED},
        gateway, gateway_with,
    },
};

const PATIENCE: Duration = Duration::from_secs(10);

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(address: SocketAddr, protocol: Option<&str>) -> Self {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        Self(connect_async(request).await.unwrap().0)
    }

    /// Connected and initialised.
    async fn ready(address: SocketAddr) -> Self {
        let mut client = Self::open(address, Some("graphql-transport-ws")).await;
        client.send(json!({"type": "connection_init"})).await;
        assert_eq!(client.next().await, json!({"type": "connection_ack"}));
        client
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({"id": id, "type": "subscribe", "payload": {"query": query}})).await;
    }

    async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    async fn close_code(&mut self) -> u16 {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a close in time") {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("not closed: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_subscription_joins_other_subgraphs_and_completes() {
    let mut client = Client::ready(start(gateway()).await).await;
    client.subscribe("a", "subscription { priceChanged(sku: \"sku-7\") { sku inStock } }").await;
    for sku in ["sku-7", "sku-8", "sku-9"] {
        let data = json!({"priceChanged": {"sku": sku, "inStock": 15}});
        assert_eq!(client.next().await, json!({"id": "a", "type": "next", "payload": {"data": data}}));
    }
    assert_eq!(client.next().await, json!({"id": "a", "type": "complete"}));
}

#[tokio::test]
async fn queries_and_mutations_run_on_the_same_connection() {
    let mut client = Client::open(start(gateway()).await, Some("graphql-transport-ws")).await;
    client.send(json!({"type": "connection_init", "payload": {"authorization": "Bearer manager"}})).await;
    assert_eq!(client.next().await["type"], "connection_ack");
    client.subscribe("q", "mutation { countBusy }").await;
    assert_eq!(client.next().await["payload"], json!({"data": {"countBusy": 0}}));
    assert_eq!(client.next().await, json!({"id": "q", "type": "complete"}));
}

#[tokio::test]
async fn a_refused_operation_is_an_error_and_the_connection_goes_on() {
    let mut client = Client::ready(start(gateway()).await).await;
    client.subscribe("a", "subscription { orderUpdated { id } }").await;
    let error = client.next().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("a")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    client.subscribe("a", "{ __typename }").await;
    assert_eq!(client.next().await["type"], "next");
}

#[tokio::test]
async fn a_client_can_complete_and_use_the_id_again() {
    let mut client = Client::ready(start(gateway()).await).await;
    client.subscribe("a", "subscription { ticks }").await;
    assert_eq!(client.next().await["payload"]["data"]["ticks"], 0);
    client.send(json!({"id": "a", "type": "complete"})).await;
    client.subscribe("a", "{ __typename }").await;
    // Ticks that were on their way may come first, but none after the answer to the new operation.
    let mut message = client.next().await;
    while message["payload"]["data"].get("ticks").is_some() {
        message = client.next().await;
    }
    assert_eq!(message["payload"]["data"]["__typename"], "Query");
    assert_eq!(client.next().await, json!({"id": "a", "type": "complete"}));
}

#[tokio::test]
async fn a_slow_reader_holds_the_source_back() {
    let mut client = Client::ready(start(gateway()).await).await;
    let large = "x".repeat(60_000);
    client.subscribe("a", &format!("subscription {{ flood(counter: \"{large}\") }}")).await;
    // Reads nothing until the source stands still; the buffers of the kernel hold a few megabytes.
    let mut before = u64::MAX;
    timeout(PATIENCE, async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = FLOOD.load(Ordering::SeqCst);
            if now > 0 && now == before {
                return;
            }
            before = now;
        }
    })
    .await
    .expect("the source is held back");
    assert!(before < 2_000, "{before}");
    assert_eq!(client.next().await["type"], "next");
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_subscriptions_with_it() {
    let mut client = Client::ready(start(gateway()).await).await;
    client.subscribe("a", "subscription { watched }").await;
    assert_eq!(client.next().await["payload"]["data"]["watched"], 1);
    assert!(!WATCHED_DROPPED.load(Ordering::SeqCst));
    drop(client);
    timeout(PATIENCE, async {
        while !WATCHED_DROPPED.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the source is dropped");
}

#[tokio::test]
async fn pings_are_answered() {
    let mut client = Client::ready(start(gateway()).await).await;
    client.send(json!({"type": "ping", "payload": {"n": 1}})).await;
    assert_eq!(client.next().await, json!({"type": "pong", "payload": {"n": 1}}));
}

#[tokio::test]
async fn misuse_closes_with_the_codes_of_the_protocol() {
    let address = start(gateway_with(|c| c.subscriptions.init_timeout = Duration::from_millis(100))).await;

    let mut other = Client::open(address, None).await;
    assert_eq!(other.close_code().await, 4406, "no subprotocol");

    let mut silent = Client::open(address, Some("graphql-transport-ws")).await;
    assert_eq!(silent.close_code().await, 4408, "no connection_init");

    let mut hasty = Client::open(address, Some("graphql-transport-ws")).await;
    hasty.subscribe("a", "{ __typename }").await;
    assert_eq!(hasty.close_code().await, 4401, "subscribe before connection_init");

    let mut forged = Client::open(address, Some("graphql-transport-ws")).await;
    forged.send(json!({"type": "connection_init", "payload": {"authorization": "Bearer stolen"}})).await;
    assert_eq!(forged.close_code().await, 4403, "bad token");

    let mut twice = Client::ready(address).await;
    twice.send(json!({"type": "connection_init"})).await;
    assert_eq!(twice.close_code().await, 4429, "second connection_init");

    let mut same = Client::ready(address).await;
    same.subscribe("a", "subscription { ticks }").await;
    same.subscribe("a", "subscription { ticks }").await;
    assert_eq!(same.close_code().await, 4409, "same id");

    for nonsense in ["{", "[]", "{\"type\":\"dance\"}", "{\"type\":\"subscribe\",\"id\":\"a\"}"] {
        let mut client = Client::ready(address).await;
        client.0.send(Message::text(nonsense)).await.unwrap();
        assert_eq!(client.close_code().await, 4400, "{nonsense}");
    }
}

#[tokio::test]
async fn operations_on_one_connection_are_limited() {
    let address = start(gateway_with(|c| c.subscriptions.operations_per_connection = 2)).await;
    let mut client = Client::ready(address).await;
    for id in ["a", "b", "c"] {
        client.subscribe(id, "subscription { ticks }").await;
    }
    let mut message = client.next().await;
    while message["type"] == "next" {
        message = client.next().await;
    }
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("c")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "LIMIT_OPERATIONS");
}

#[tokio::test]
async fn pages_of_other_origins_may_not_open_a_websocket() {
    let address =
        start(gateway_with(|c| c.subscriptions.allowed_origins = vec!["https://shop.example".into()])).await;
    let own = format!("http://{address}");
    for (origin, allowed) in
        [("https://evil.example", false), ("null", false), ("https://shop.example", true), (&own, true)]
    {
        let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        assert_eq!(connect_async(request).await.is_ok(), allowed, "{origin}");
    }
}
