//! What the server needs to know to start.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{ServeError, webhook::SigningSecret};

/// Where the time comes from, so that tests own it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A secret that neither `Debug` nor a log shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in a time that depends on neither content nor length.
    pub fn matches(&self, other: &str) -> bool {
        Sha256::digest(self.0.as_bytes()).ct_eq(&Sha256::digest(other.as_bytes())).into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The merchant's webhook endpoint.
#[derive(Debug, Clone)]
pub struct WebhookTarget {
    /// `http` or `https`.
    pub url: String,
    /// `whsec_` and base 64 of 24 to 64 bytes, as the Standard Webhooks specification has it.
    pub secret: Secret,
}

/// How long things take. The defaults suit a demonstration; tests shorten them.
#[derive(Debug, Clone)]
pub struct Timings {
    /// How long an authorisation can be captured: 7 days.
    pub authorisation_validity: Duration,
    /// How long a hosted page, a token and a 3-D Secure challenge live: 30 minutes.
    pub session_validity: Duration,
    /// How long the pending cards stay pending: 2 s.
    pub pending: Duration,
    /// How long the time-out card waits with its answer: 60 s. Runs on the real clock.
    pub timeout: Duration,
    /// How long the slow card waits with its answer: 5 s. Runs on the real clock.
    pub slow: Duration,
    /// How long the late card holds back webhooks: 30 s.
    pub late_webhook: Duration,
    /// The first wait before a webhook is sent again: 500 ms; doubles every time, half of it at random.
    pub webhook_retry: Duration,
    /// The longest wait before a webhook is sent again: 5 min.
    pub webhook_retry_max: Duration,
    /// How often a webhook is tried before it is set aside: 30.
    pub webhook_attempts: u32,
    /// How long the merchant's endpoint may take to answer: 10 s. Runs on the real clock.
    pub webhook_answer: Duration,
    /// How often at least the clock is looked at for work that has become due: 1 s. Runs on the real clock.
    pub poll: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            authorisation_validity: Duration::from_secs(7 * 24 * 3600),
            session_validity: Duration::from_secs(30 * 60),
            pending: Duration::from_secs(2),
            timeout: Duration::from_secs(60),
            slow: Duration::from_secs(5),
            late_webhook: Duration::from_secs(30),
            webhook_retry: Duration::from_millis(500),
            webhook_retry_max: Duration::from_secs(300),
            webhook_attempts: 30,
            webhook_answer: Duration::from_secs(10),
            poll: Duration::from_secs(1),
        }
    }
}

/// How to run a test payment provider.
#[derive(Clone)]
pub struct Config {
    /// Holds the ledger, `testpay.sqlite`. One process at a time.
    pub data_dir: PathBuf,
    /// The merchant's API key, at least 16 characters.
    pub secret_key: Secret,
    /// The origin under which shoppers reach the server; default: the listener's address.
    pub public_url: Option<String>,
    /// Shown to shoppers on the hosted page.
    pub merchant_name: String,
    /// Where to send webhooks; without it none are made.
    pub webhook: Option<WebhookTarget>,
    /// How long things take.
    pub timings: Timings,
    /// Whether `POST /v1/test/faults` exists.
    pub test_controls: bool,
    /// Where the time comes from.
    pub clock: Clock,
    /// Whether an answer waits until the ledger is on the disk. Without, it survives the end of the process but not of
    /// the machine: for tests, and for measurements of a shop, whose provider has disks of its own.
    pub flush: bool,
}

impl Config {
    /// The defaults: system time, no webhooks, no test controls.
    pub fn new(data_dir: impl Into<PathBuf>, secret_key: impl Into<String>) -> Self {
        Self {
            data_dir: data_dir.into(),
            secret_key: Secret::new(secret_key),
            public_url: None,
            merchant_name: "Emporia demo shop".into(),
            webhook: None,
            timings: Timings::default(),
            test_controls: false,
            clock: Arc::new(Timestamp::now),
            flush: true,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// An absolute address on this server.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_deref().unwrap_or_default())
    }

    /// Checks everything that can be checked before the first request, and fills in the public address.
    pub(crate) fn checked(mut self, listening_on: std::net::SocketAddr) -> Result<Self, ServeError> {
        if self.secret_key.expose().len() < 16 {
            return Err(ServeError::Config("the secret key needs at least 16 characters".into()));
        }
        if let Some(webhook) = &self.webhook {
            web_address(&webhook.url)
                .map_err(|problem| ServeError::Config(format!("webhook URL: {problem}")))?;
            SigningSecret::parse(webhook.secret.expose())
                .map_err(|problem| ServeError::Config(format!("webhook secret: {problem}")))?;
        }
        let public_url = self.public_url.take().unwrap_or_else(|| format!("http://{listening_on}"));
        web_address(&public_url).map_err(|problem| ServeError::Config(format!("public URL: {problem}")))?;
        self.public_url = Some(public_url.trim_end_matches('/').to_owned());
        Ok(self)
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("data_dir", &self.data_dir)
            .field("public_url", &self.public_url)
            .field("webhook", &self.webhook)
            .field("timings", &self.timings)
            .field("test_controls", &self.test_controls)
            .finish_non_exhaustive()
    }
}

/// Parses an address that a browser or a webhook may be sent to: `http` or `https`, with a host, without a user name
/// or password. Anything else (`javascript:`, `data:`, …) is refused.
pub(crate) fn web_address(text: &str) -> Result<reqwest::Url, &'static str> {
    if text.len() > 2048 {
        return Err("longer than 2048 characters");
    }
    let url = reqwest::Url::parse(text).map_err(|_| "not an absolute URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https addresses are allowed");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password in the address is not allowed");
    }
    Ok(url)
}
