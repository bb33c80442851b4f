//! What the client makes of an answer: only a decision about this payment is a refusal.

use axum::{Router, http::StatusCode};
use emporia_testpay::client::{ClientError, ClientTimeouts, TestpayClient};
use std::time::Duration;
use tokio::net::TcpListener;

/// What comes of a void when the provider answers so.
async fn answered(status: u16, retry_after: &'static str) -> ClientError {
    let answer = move || async move {
        let status = StatusCode::from_u16(status).unwrap();
        (status, [("retry-after", retry_after)], "no problem details")
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let client = TestpayClient::new(&address, "sk_test_of_somebody_else", ClientTimeouts::default()).unwrap();
    let error = client.void("aut_1", "key").await.unwrap_err();
    server.abort();
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_decision_about_this_payment_is_a_refusal() {
    for status in [400, 402, 409, 422] {
        assert!(matches!(answered(status, "").await, ClientError::Refused(_)), "{status}");
    }
    for status in [401, 403, 404, 405, 413, 429] {
        let error = answered(status, "").await;
        assert!(matches!(error, ClientError::Unavailable { retry_after: None, .. }), "{status}: {error}");
    }
    for status in [302, 408, 500, 502, 503, 504] {
        assert!(matches!(answered(status, "").await, ClientError::Unknown(_)), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_asked_too_often_says_when_to_come_back() {
    for (header, wait) in [("120", Some(Duration::from_mins(2))), ("-1", None), ("soon", None)] {
        let error = answered(429, header).await;
        let ClientError::Unavailable { retry_after, .. } = error else { panic!("{error}") };
        assert_eq!(retry_after, wait, "{header}");
    }
}
