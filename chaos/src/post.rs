//! A bad postman between the payment provider and the shop: he loses webhooks, brings them twice, and late.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use emporia_testkit::Dice;
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

/// What he did.
#[derive(Default)]
pub(crate) struct Post {
    pub(crate) lost: AtomicU64,
    pub(crate) doubled: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) brought: AtomicU64,
}

struct Round {
    did: Arc<Post>,
    dice: Mutex<Dice>,
    to: String,
    http: reqwest::Client,
}

impl Post {
    /// Begins to bring webhooks to `to`; answers where they are to be handed in.
    pub(crate) async fn begin(seed: u64, to: String) -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/webhooks", listener.local_addr().unwrap());
        let did = Arc::new(Self::default());
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
        let round = Arc::new(Round { did: did.clone(), dice: Mutex::new(Dice(seed)), to, http });
        let router = Router::new().route("/webhooks", post(take)).with_state(round);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (did, address)
    }
}

async fn take(State(round): State<Arc<Round>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    let (fate, wait) = {
        let mut dice = round.dice.lock();
        (dice.next(100), Duration::from_millis(dice.next(4_000)))
    };
    match fate {
        // He says that he brought it.
        0..15 => {
            count(&round.did.lost);
            StatusCode::OK
        }
        15..30 => {
            count(&round.did.doubled);
            bring(&round, &headers, &body).await;
            bring(&round, &headers, &body).await
        }
        30..60 => {
            count(&round.did.late);
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                bring(&round, &headers, &body).await;
            });
            StatusCode::OK
        }
        _ => {
            count(&round.did.brought);
            bring(&round, &headers, &body).await
        }
    }
}

async fn bring(round: &Round, headers: &HeaderMap, body: &Bytes) -> StatusCode {
    let mut request = round.http.post(&round.to).body(body.clone());
    for (name, value) in headers.iter().filter(|(name, _)| name.as_str().starts_with("webhook-")) {
        request = request.header(name.clone(), value.clone());
    }
    let sent = request.header("content-type", "application/json").send().await;
    sent.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
}
