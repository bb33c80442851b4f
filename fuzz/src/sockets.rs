//! Messages on a WebSocket (graphql-transport-ws).

use crate::{http::no_fault, shop};
use futures_util::{SinkExt, StreamExt};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tower::ServiceExt;

/// Longer than the server needs for what it was sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message a line. The server answers in JSON, and ends the connection when it is told to, or when it has had enough.
pub fn run(bytes: &[u8]) {
    let shop = shop::shop();
    shop::block_on(async {
        tokio::time::timeout(PATIENCE, talk(shop, bytes)).await.expect("the connection ends");
    });
}

async fn talk(shop: &'static shop::Shop, bytes: &[u8]) {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let service = service_fn(|request| shop.router.clone().oneshot(request));
    let server = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service);
    let server = tokio::spawn(server.with_upgrades());
    let mut request = "ws://shop.example.com/graphql/ws".into_client_request().expect("it is an address");
    let protocol = "graphql-transport-ws".parse().expect("it is a header's value");
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (socket, _) = tokio_tungstenite::client_async(request, ours).await.expect("the server upgrades");
    let (mut to, from) = socket.split();
    let heard = from.filter_map(async |message| match message {
        Ok(Message::Text(text)) => Some(text),
        _ => None,
    });
    let said = async {
        for line in bytes.split(|byte| *byte == b'\n').take(50) {
            let message = match std::str::from_utf8(line) {
                Ok(text) => Message::text(shop.filled(text)),
                Err(_) => Message::binary(line.to_vec()),
            };
            if to.send(message).await.is_err() {
                return;
            }
        }
        // The server may have closed it already.
        let _ = to.close().await;
    };
    let heard = heard.for_each(async |text| {
        let message: Value = serde_json::from_str(&text).expect("the server speaks JSON");
        match message["type"].as_str() {
            Some("error") => no_fault(&serde_json::json!({ "errors": message["payload"] })),
            Some("next") => no_fault(&message["payload"]),
            _ => {}
        }
    });
    tokio::join!(said, heard);
    server.abort();
}
