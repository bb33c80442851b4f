//! A provider on a free port with a clock the test owns, and a merchant who records webhooks.

// Each test file uses its own part of this.
#![allow(dead_code, unreachable_pub)]

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{body::Bytes, http::HeaderMap};
use emporia_testpay::{
    Config, Secret, TestpayClient, WebhookTarget,
    api::{Authorisation, AuthorisationRequest, CardDetails},
    cards::TestCard,
    client::{ClientError, ClientTimeouts},
    webhook::{self, WebhookEvent},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{net::TcpListener, task::JoinHandle};

pub const KEY: &str = "sk_test_4f1c2b7d9e8a6053";
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A clock that stands still until the test moves it.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new("2026-11-15T12:00:00Z".parse().unwrap())))
    }

    pub fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::try_from(by).unwrap();
    }
}

pub struct Provider {
    pub client: TestpayClient,
    pub url: String,
    pub clock: TestClock,
    pub config: Config,
    pub dir: Arc<tempfile::TempDir>,
    server: JoinHandle<()>,
}

impl Provider {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with_merchant(merchant: &Merchant) -> Self {
        let target = merchant.target();
        Self::with(|config| config.webhook = Some(target)).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let clock = TestClock::new();
        let mut config = Config::new(dir.path(), KEY);
        let time = clock.clone();
        config.clock = Arc::new(move || time.now());
        config.test_controls = true;
        config.timings.poll = Duration::from_millis(10);
        config.timings.timeout = Duration::from_secs(3600);
        config.timings.slow = Duration::from_millis(50);
        change(&mut config);
        Self::run(config, clock, dir).await
    }

    async fn run(config: Config, clock: TestClock, dir: Arc<tempfile::TempDir>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let running = config.clone();
        let server = tokio::spawn(async move {
            emporia_testpay::serve(running, listener, std::future::pending()).await.unwrap();
        });
        let timeouts = ClientTimeouts { connect: Duration::from_secs(5), total: Duration::from_secs(20) };
        let client = TestpayClient::new(&url, KEY, timeouts).unwrap();
        let provider = Self { client, url, clock, config, dir, server };
        provider.eventually("the server answers", async |p| p.get("/healthz").await.is_ok()).await;
        provider
    }

    /// Cuts the server off in the middle of whatever it does, and starts it again on the same ledger.
    pub async fn crash_and_restart(self, change: impl FnOnce(&mut Config)) -> Self {
        self.server.abort();
        let _ = self.server.await;
        let mut config = self.config;
        change(&mut config);
        Self::run(config, self.clock, self.dir).await
    }

    pub async fn token(&self, card: &str) -> String {
        let card = TestCard::named(card).unwrap();
        let details = CardDetails {
            number: card.number.into(),
            exp_month: 12,
            exp_year: 2030,
            cvc: "1234"[..card.cvc_digits].into(),
        };
        self.client.create_token(&details).await.unwrap().token
    }

    pub async fn request(&self, card: &str, amount_minor: i64, reference: &str) -> AuthorisationRequest {
        AuthorisationRequest {
            token: self.token(card).await,
            amount_minor,
            currency: "EUR".into(),
            reference: reference.into(),
            return_url: None,
        }
    }

    /// Authorises with the reference as the idempotency key.
    pub async fn authorise(
        &self,
        card: &str,
        amount_minor: i64,
        reference: &str,
    ) -> Result<Authorisation, ClientError> {
        self.client.authorise(&self.request(card, amount_minor, reference).await, reference).await
    }

    pub async fn status(&self, id: &str) -> emporia_testpay::api::AuthorisationStatus {
        self.client.authorisation(id).await.unwrap().status
    }

    pub async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        browser().get(format!("{}{path}", self.url)).send().await
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        browser().post(format!("{}{path}", self.url))
    }

    pub async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut(&Self) -> bool) {
        for _ in 0..1000 {
            if holds(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never came true: {what}");
    }
}

/// Follows no redirects.
pub fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// A merchant's endpoint that verifies and records webhooks.
pub struct Merchant {
    url: String,
    state: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    answer: u16,
    all: Vec<WebhookEvent>,
    attempts: usize,
}

impl Merchant {
    pub async fn start(clock: Option<TestClock>) -> Self {
        let state = Arc::new(Mutex::new(Received { answer: 200, ..Received::default() }));
        let recorder = state.clone();
        let handler = move |headers: HeaderMap, body: Bytes| async move {
            let mut state = recorder.lock().unwrap();
            state.attempts += 1;
            let status = axum::http::StatusCode::from_u16(state.answer).unwrap();
            if status.is_success() {
                let sent: i64 = headers[webhook::TIMESTAMP_HEADER].to_str().unwrap().parse().unwrap();
                let now = clock.map_or(Timestamp::from_second(sent).unwrap(), |clock| clock.now());
                let event = webhook::verify(WEBHOOK_SECRET, &headers, &body, now, webhook::DEFAULT_TOLERANCE)
                    .unwrap();
                assert_eq!(event.id, headers[webhook::ID_HEADER].to_str().unwrap());
                state.all.push(event);
            }
            status
        };
        let router = axum::Router::new().route("/webhooks", axum::routing::post(handler));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state }
    }

    pub fn target(&self) -> WebhookTarget {
        WebhookTarget { url: self.url.clone(), secret: Secret::new(WEBHOOK_SECRET) }
    }

    pub fn answer(&self, status: u16) {
        self.state.lock().unwrap().answer = status;
    }

    pub fn attempts(&self) -> usize {
        self.state.lock().unwrap().attempts
    }

    pub fn events(&self) -> Vec<WebhookEvent> {
        self.state.lock().unwrap().all.clone()
    }

    /// The accepted types, in order of arrival.
    pub fn types(&self) -> Vec<String> {
        self.events().into_iter().map(|event| event.event_type.to_string()).collect()
    }

    pub async fn received(&self, types: &[&str]) {
        for _ in 0..1000 {
            if self.types() == types {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("wanted {types:?}, got {:?}", self.types());
    }
}

/// Runs `count` calls at the same time.
pub async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    call: impl Fn(usize) -> F,
) -> Vec<T> {
    let calls: Vec<_> = (0..count).map(|n| tokio::spawn(call(n))).collect();
    let mut results = Vec::with_capacity(count);
    for call in calls {
        results.push(call.await.unwrap());
    }
    results
}
