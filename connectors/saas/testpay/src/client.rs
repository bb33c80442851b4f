//! A typed client of the merchant's calls, whose errors say whether the call may have been done.

mod error;

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::{Serialize, de::DeserializeOwned};

pub use self::error::{ClientError, SetupError};
use crate::{
    api::{
        AmountRequest, Authorisation, AuthorisationRequest, CardDetails, Delivery, DisputeRequest,
        FaultsRequest, LedgerEntry, Movement, Page, Problem, Session, SessionRequest, Token,
    },
    config::Secret,
};

/// How long the client waits.
#[derive(Debug, Clone, Copy)]
pub struct ClientTimeouts {
    /// For the connection: 2 s.
    pub connect: Duration,
    /// For the whole call: 15 s.
    pub total: Duration,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), total: Duration::from_secs(15) }
    }
}

/// Calls the test payment provider as a merchant. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct TestpayClient {
    base_url: Url,
    secret_key: Secret,
    http: reqwest::Client,
}

impl TestpayClient {
    /// A client of the provider at an origin such as `http://127.0.0.1:8081`.
    pub fn new(
        base_url: &str,
        secret_key: impl Into<String>,
        timeouts: ClientTimeouts,
    ) -> Result<Self, SetupError> {
        let http = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            // Below the time after which the server closes an idle connection: a call on a connection that is just
            // being closed would have an unknown outcome.
            .pool_idle_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            // A repetition must be the caller's decision: it holds the idempotency key.
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(|error| SetupError(error.to_string()))?;
        let base_url = crate::config::web_address(base_url).map_err(|problem| SetupError(problem.into()))?;
        Ok(Self { base_url, secret_key: Secret::new(secret_key), http })
    }

    /// Opens a hosted card page.
    pub async fn create_session(&self, request: &SessionRequest) -> Result<Session, ClientError> {
        send(self.request(Method::POST, &["v1", "sessions"], &[]).json(request)).await
    }

    /// Makes a token as a shopper's browser would; for tests and tours. Shops use the hosted page.
    pub async fn create_token(&self, card: &CardDetails) -> Result<Token, ClientError> {
        send(self.http.request(Method::POST, self.address(&["v1", "tokens"], &[])).json(card)).await
    }

    /// Asks for an amount to be held. Idempotent by the key. A declined card is a result, not an error.
    pub async fn authorise(
        &self,
        request: &AuthorisationRequest,
        idempotency_key: &str,
    ) -> Result<Authorisation, ClientError> {
        let path = ["v1", "authorisations"];
        send(self.keyed(&path, idempotency_key).json(request)).await
    }

    /// An authorisation as it stands now.
    pub async fn authorisation(&self, id: &str) -> Result<Authorisation, ClientError> {
        send(self.request(Method::GET, &["v1", "authorisations", id], &[])).await
    }

    /// What became of a payment whose call was never answered: the authorisations with its reference, oldest first
    /// (at most 100). An empty list is no proof while the call may still be on its way.
    pub async fn authorisations_by_reference(
        &self,
        reference: &str,
    ) -> Result<Vec<Authorisation>, ClientError> {
        let query = [("reference", reference)];
        let page: Page<Authorisation> =
            send(self.request(Method::GET, &["v1", "authorisations"], &query)).await?;
        Ok(page.items)
    }

    /// Takes money out of the held amount. Idempotent by the key.
    pub async fn capture(
        &self,
        authorisation: &str,
        amount_minor: i64,
        idempotency_key: &str,
    ) -> Result<Movement, ClientError> {
        self.operate(authorisation, "capture", idempotency_key, &AmountRequest { amount_minor }).await
    }

    /// Releases what is not captured. Idempotent by the key.
    pub async fn void(&self, authorisation: &str, idempotency_key: &str) -> Result<Movement, ClientError> {
        let path = ["v1", "authorisations", authorisation, "void"];
        send(self.keyed(&path, idempotency_key)).await
    }

    /// Gives captured money back. Idempotent by the key.
    pub async fn refund(
        &self,
        authorisation: &str,
        amount_minor: i64,
        idempotency_key: &str,
    ) -> Result<Movement, ClientError> {
        self.operate(authorisation, "refund", idempotency_key, &AmountRequest { amount_minor }).await
    }

    /// Opens a dispute, as a cardholder's bank would; for tests. Idempotent by the key.
    pub async fn dispute(
        &self,
        authorisation: &str,
        request: &DisputeRequest,
        idempotency_key: &str,
    ) -> Result<Movement, ClientError> {
        self.operate(authorisation, "dispute", idempotency_key, request).await
    }

    /// A page of the provider's ledger, for audits. `limit` is 1 to 1000.
    pub async fn ledger(&self, cursor: Option<&str>, limit: u32) -> Result<Page<LedgerEntry>, ClientError> {
        self.list(&["v1", "ledger"], cursor, limit).await
    }

    /// The whole ledger, oldest entry first.
    pub async fn whole_ledger(&self) -> Result<Vec<LedgerEntry>, ClientError> {
        let mut entries = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self.ledger(cursor.as_deref(), 1000).await?;
            entries.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(entries);
            }
        }
    }

    /// A page of the log of webhook deliveries. `limit` is 1 to 1000.
    pub async fn webhook_deliveries(
        &self,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Delivery>, ClientError> {
        self.list(&["v1", "webhooks", "deliveries"], cursor, limit).await
    }

    /// Asks for faults; only where test controls are on.
    pub async fn set_faults(&self, faults: &FaultsRequest) -> Result<(), ClientError> {
        let request = self.request(Method::POST, &["v1", "test", "faults"], &[]).json(faults);
        answered(request).await.map(drop)
    }

    async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<T>, ClientError> {
        let limit = limit.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        send(self.request(Method::GET, path, &query)).await
    }

    async fn operate<T: DeserializeOwned>(
        &self,
        authorisation: &str,
        operation: &str,
        idempotency_key: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let path = ["v1", "authorisations", authorisation, operation];
        send(self.keyed(&path, idempotency_key).json(body)).await
    }

    fn keyed(&self, path: &[&str], idempotency_key: &str) -> RequestBuilder {
        self.request(Method::POST, path, &[]).header("idempotency-key", idempotency_key)
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        self.http.request(method, self.address(path, query)).bearer_auth(self.secret_key.expose())
    }

    fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base_url.clone();
        // Always possible for http and https, which are all that `new` accepts.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    let body = answered(request).await?;
    serde_json::from_slice(&body)
        .map_err(|error| ClientError::Unknown(format!("the answer is not understood: {error}")))
}

/// The body of a 2xx answer; everything else sorted by what it says about the outcome.
async fn answered(request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
    let response = request.send().await.map_err(ClientError::from_transport)?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let body = response.bytes().await.map_err(ClientError::from_transport)?;
    if status.is_success() {
        return Ok(body.into());
    }
    let problem = serde_json::from_slice::<Problem>(&body).ok();
    let told = || {
        let unexpected = || Problem::new(status.as_u16(), "UNEXPECTED_ANSWER", "No problem details.");
        Box::new(problem.clone().unwrap_or_else(unexpected))
    };
    Err(match status {
        // These are about the call's own contents: the provider has decided.
        StatusCode::BAD_REQUEST
        | StatusCode::PAYMENT_REQUIRED
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY => ClientError::Refused(told()),
        // The provider gave up on reading the call or is behind a proxy that did: not a decision.
        StatusCode::REQUEST_TIMEOUT => ClientError::Unknown(format!("answered {status}")),
        _ if status.is_client_error() => ClientError::Unavailable { problem: told(), retry_after },
        _ => ClientError::Unknown(match problem {
            Some(problem) => format!("answered {status}: {}", problem.code),
            None => format!("answered {status}"),
        }),
    })
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3); its other form, a date, is left out: no provider sends it.
fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
