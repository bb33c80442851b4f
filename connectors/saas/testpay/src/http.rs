//! The HTTP face: routes, who may call them, and how input is read.

mod extract;
mod merchant;
mod public;
mod validate;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, cors, set_header::SetResponseHeaderLayer};

use crate::{
    api::Problem,
    config::Config,
    faults::{Effect, Faults},
    ledger::Ledger,
    pages,
};

/// Every body we take is far below this.
const BODY_LIMIT: usize = 64 * 1024;

/// What all handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) config: Arc<Config>,
    pub(crate) ledger: Ledger,
    pub(crate) faults: Arc<Faults>,
}

/// Marks a response whose connection is to be closed instead of answered.
#[derive(Clone, Copy)]
pub(crate) struct HangUp;

pub(crate) fn router(app: App) -> Router {
    let money = Router::new()
        .route("/v1/sessions", post(merchant::create_session))
        .route("/v1/authorisations", get(merchant::find_authorisations).post(merchant::authorise))
        .route("/v1/authorisations/{id}", get(merchant::authorisation))
        .route("/v1/authorisations/{id}/capture", post(merchant::capture))
        .route("/v1/authorisations/{id}/void", post(merchant::void))
        .route("/v1/authorisations/{id}/refund", post(merchant::refund))
        .route("/v1/authorisations/{id}/dispute", post(merchant::dispute))
        .route_layer(middleware::from_fn_with_state(app.clone(), suffer_faults));
    let mut audit = Router::new()
        .route("/v1/ledger", get(merchant::ledger))
        .route("/v1/webhooks/deliveries", get(merchant::deliveries));
    if app.config.test_controls {
        audit = audit.route("/v1/test/faults", post(merchant::set_faults));
    }
    let merchant =
        money.merge(audit).route_layer(middleware::from_fn_with_state(app.clone(), require_secret_key));
    let tokens = Router::new()
        .route("/v1/tokens", post(public::create_token))
        // Inside of the layer, which answers the preflight in its place.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(
            cors::CorsLayer::new()
                .allow_origin(cors::Any)
                .allow_methods([Method::POST])
                .allow_headers([header::CONTENT_TYPE]),
        );
    Router::new()
        .route("/", get(pages::overview))
        .route("/pay/{session}", get(pages::show_card_form).post(pages::submit_card_form))
        .route("/3ds/{authorisation}", get(pages::show_challenge).post(pages::submit_challenge))
        .route("/assets/testpay.css", get(pages::stylesheet))
        .route("/healthz", get(public::healthz))
        .merge(tokens)
        .merge(merchant)
        .fallback(|| async { Problem::new(404, "NOT_FOUND", "There is nothing at this address.") })
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(500, "INTERNAL_ERROR", "The provider failed; whether the call was done is unknown.")
                .into_response()
        }))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .with_state(app)
}

async fn method_not_allowed() -> Problem {
    Problem::new(405, "METHOD_NOT_ALLOWED", "This address does not take this method.")
}

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

async fn require_secret_key(State(app): State<App>, request: Request, next: Next) -> Response {
    match bearer(request.headers()) {
        Some(key) if app.config.secret_key.matches(key) => next.run(request).await,
        _ => {
            let problem = Problem::new(
                401,
                "UNAUTHORISED",
                "Send the merchant's secret key as `Authorization: Bearer <key>`.",
            );
            let mut response = problem.into_response();
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

async fn suffer_faults(State(app): State<App>, request: Request, next: Next) -> Response {
    let latency = app.faults.latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    // Counted faults are for the calls that move money: looking something up or opening a page uses none up.
    let moves_money =
        request.method() == Method::POST && request.uri().path().starts_with("/v1/authorisations");
    let effect = if moves_money { app.faults.take() } else { Effect::None };
    match effect {
        Effect::None => next.run(request).await,
        Effect::Fail => {
            Problem::new(500, "SIMULATED_ERROR", "A test asked for this error. Nothing was done.")
                .into_response()
        }
        Effect::Drop => {
            let mut response = next.run(request).await;
            response.extensions_mut().insert(HangUp);
            response
        }
    }
}

/// A JSON text that is ready.
fn json(status: StatusCode, body: String) -> Response {
    let content_type = match status.is_success() {
        true => HeaderValue::from_static("application/json"),
        false => HeaderValue::from_static("application/problem+json"),
    };
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}
