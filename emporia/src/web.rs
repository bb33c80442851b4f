//! The HTTP server: the graph, health, metrics, webhooks.

use crate::{
    client::{self, Proxies},
    graph,
    identity::HeaderIdentity,
    platform::Platform,
};
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use emporia_gateway::{BodyError, Config, Example, HttpOptions};
use emporia_payments::WebhookError;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

/// The largest webhook that is read, in bytes.
pub(crate) const WEBHOOK_BYTES: usize = 256 * 1024;

/// Where the public keys of access tokens are.
pub(crate) const TOKEN_KEYS: &str = "/.well-known/jwks.json";

/// What the server offers.
pub struct WebOptions {
    /// Limits and switches of the gateway.
    pub gateway: Config,
    /// Serve GraphiQL.
    pub graphiql: bool,
    /// The operations that it opens with.
    pub examples: Vec<Example>,
    /// Where `/metrics` comes from.
    pub metrics: Option<PrometheusHandle>,
    /// Whose word about the client's address is taken.
    pub proxies: Proxies,
}

/// What the handlers know.
#[derive(Clone)]
struct Shared {
    platform: Platform,
    metrics: Option<PrometheusHandle>,
}

/// Every route of the server.
///
/// # Errors
/// [`graph::GraphError`]: a defect of a schema.
pub fn router(platform: &Platform, options: WebOptions) -> Result<Router, graph::GraphError> {
    let gateway = graph::gateway(platform, options.gateway)?;
    let http = HttpOptions { graphiql: options.graphiql, examples: options.examples };
    let graph = emporia_gateway::router(gateway, HeaderIdentity(platform.clone()), http);
    let rest = operations(platform, options.metrics);
    let routes = graph.merge(rest).layer(from_fn_with_state(options.proxies, client::note));
    Ok(finish(routes, "There is nothing here. The graph is at /graphql."))
}

/// What a server with rooms has beside its graph: health, metrics, webhooks.
pub(crate) fn operations(platform: &Platform, metrics: Option<PrometheusHandle>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|State(shared): State<Shared>| async move { rendered(shared.metrics) }))
        .route(TOKEN_KEYS, get(token_keys))
        .route("/webhooks/payments", post(payment_webhook))
        .with_state(Shared { platform: platform.clone(), metrics })
}

/// A gateway alone, with its health and metrics.
pub fn front(graph: Router, metrics: PrometheusHandle, proxies: Proxies) -> Router {
    let rest = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/metrics", get(move || async move { rendered(Some(metrics)) }));
    let routes = graph.layer(from_fn_with_state(proxies, client::note)).merge(rest);
    finish(routes, "There is nothing here. The graph is at /graphql.")
}

/// The routes with what every server has around them; `nothing` is said where there is none.
pub(crate) fn finish(routes: Router, nothing: &'static str) -> Router {
    routes
        .fallback(move || async move { problem(StatusCode::NOT_FOUND, nothing) })
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
}

/// Problem details (RFC 9457).
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body).into_response().into_body())
        .into_response()
}

async fn ready(State(shared): State<Shared>) -> Response {
    let mut missing = vec![];
    if let Err(error) = shared.platform.orders.get(shared.platform.ids.next()).await {
        missing.push(format!("store: {error}"));
    }
    if shared.platform.channels.list().is_empty() {
        missing.push("no sales channel is defined".to_owned());
    }
    if missing.is_empty() {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        problem(StatusCode::SERVICE_UNAVAILABLE, &missing.join("; "))
    }
}

/// The metrics of this process.
pub(crate) fn rendered(metrics: Option<PrometheusHandle>) -> Response {
    match metrics {
        Some(handle) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render())
                .into_response()
        }
        None => problem(StatusCode::NOT_FOUND, "Metrics are switched off."),
    }
}

/// The public keys of access tokens (RFC 7517), for other parties that verify them.
async fn token_keys(State(shared): State<Shared>) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "public, max-age=60")];
    (headers, shared.platform.customers.token_keys().to_string()).into_response()
}

async fn payment_webhook(State(shared): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    let body = match emporia_gateway::read_body(body, WEBHOOK_BYTES).await {
        Ok(body) => body,
        Err(error) => {
            let status = match error {
                BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
                BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
                BodyError::Cut => StatusCode::BAD_REQUEST,
            };
            return problem(status, &error.to_string());
        }
    };
    let text = |v: &axum::http::HeaderValue| v.to_str().map(ToOwned::to_owned).ok();
    let headers: Vec<(String, String)> =
        headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
    match shared.platform.payments.webhook(&headers, &body).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error @ WebhookError::NotAcceptable(_)) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error @ WebhookError::NotNow(_)) => {
            tracing::warn!(%error, "a payment webhook could not be applied; the provider will send it again");
            problem(StatusCode::SERVICE_UNAVAILABLE, "It could not be applied now: send it again later.")
        }
    }
}
