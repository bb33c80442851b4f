//! Whole requests, as they come over the wire, to everything that the server answers.

use crate::shop;
use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
};
use http::{Request, Response, header};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tower::ServiceExt;

/// Longer than anything may take that is measured before it is done.
const PATIENCE: Duration = Duration::from_secs(10);
/// An event stream does not end by itself.
const LISTEN: Duration = Duration::from_millis(2);
/// No answer of a small shop is longer.
const LONGEST: usize = 8 << 20;

/// A request (HTTP/1.1) with the names of [`shop::Shop::filled`] in it. It is answered in time, with no fault of ours.
pub fn run(bytes: &[u8]) {
    let Some(request) = request(bytes) else { return };
    shop::block_on(async {
        let answer = tokio::time::timeout(PATIENCE, shop::shop().router.clone().oneshot(request)).await;
        let Ok(answer) = answer.expect("the request is answered in time");
        check(answer).await;
    });
}

fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(start)) = parsed.parse(bytes) else { return None };
    let shop = shop::shop();
    let mut request = Request::builder().method(parsed.method?).uri(parsed.path?);
    for header in parsed.headers {
        request = match std::str::from_utf8(header.value) {
            Ok(text) => request.header(header.name, shop.filled(text)),
            Err(_) => request.header(header.name, header.value),
        };
    }
    let body = match std::str::from_utf8(&bytes[start..]) {
        Ok(text) => shop.filled(text).into(),
        Err(_) => Body::from(bytes[start..].to_vec()),
    };
    let mut request = request.body(body).ok()?;
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 4000))));
    Some(request)
}

async fn check(answer: Response<Body>) {
    let status = answer.status();
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media, plain) =
        (header(header::CONTENT_TYPE).to_owned(), header(header::CONTENT_ENCODING).is_empty());
    let body = to_bytes(answer.into_body(), LONGEST);
    let body = if media.starts_with("text/event-stream") {
        let Ok(body) = tokio::time::timeout(LISTEN, body).await else { return };
        body
    } else {
        body.await
    };
    let body = body.expect("the answer is whole, and not too long");
    let told = String::from_utf8_lossy(&body);
    assert!(!status.is_server_error(), "{status}: {told}");
    if plain && media.contains("json") && !body.is_empty() {
        let answer: Value = serde_json::from_slice(&body).expect("what is called JSON is JSON");
        no_fault(&answer);
    }
}

/// No error says that the fault is ours.
pub(crate) fn no_fault(answer: &Value) {
    let answers = answer.as_array().map_or(std::slice::from_ref(answer), Vec::as_slice);
    for error in answers.iter().filter_map(|answer| answer["errors"].as_array()).flatten() {
        let code = error["extensions"]["code"].as_str();
        assert!(code.is_some_and(|code| code != "INTERNAL_SERVER_ERROR"), "{error}");
    }
}
