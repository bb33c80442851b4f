//! The gateway on HTTP: GraphQL over HTTP, server-sent events, WebSockets, GraphiQL.

mod body;
mod cors;
mod freshness;
mod graphiql;
mod negotiate;
mod query;
mod rates;
mod sse;
mod trace;
mod websocket;

use std::sync::Arc;

pub use body::{BodyError, read_body};
pub use cors::CorsError;
pub(crate) use cors::check as check_cors;

use axum::{Router, routing::get};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{caller::Identify, gateway::Gateway, request::new_request_id};

/// The header with the name of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header that asks for the query plan.
pub(crate) const QUERY_PLAN: HeaderName = HeaderName::from_static("emporia-query-plan");

/// An operation that GraphiQL shows in a tab of its own.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The document.
    pub query: String,
    /// Its variables, an object.
    pub variables: serde_json::Value,
}

/// What the router offers beside `/graphql`.
#[derive(Debug, Clone, Default)]
pub struct HttpOptions {
    /// Serve GraphiQL at `/graphiql`.
    pub graphiql: bool,
    /// The tabs it opens with.
    pub examples: Vec<Example>,
}

/// What every handler knows.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) gateway: Gateway,
    pub(crate) identify: Arc<dyn Identify>,
    pub(crate) rates: Arc<rates::Rates>,
}

/// The routes of the gateway: `/graphql` (POST, GET, WebSocket), `/graphql/ws`, and `/graphiql` where wanted.
///
/// What belongs to a whole server (compression, TLS) is added around it. Rates are counted by address where the server is
/// made with `into_make_service_with_connect_info::<SocketAddr>`.
pub fn router(gateway: Gateway, identify: impl Identify, options: HttpOptions) -> Router {
    let cors = cors::layer(&gateway.config().cors);
    let rates = Arc::new(rates::Rates::new(&gateway.config().rates));
    let shared = Shared { gateway, identify: Arc::new(identify), rates };
    let graphql = Router::new()
        .route("/graphql", get(query::get).post(query::post))
        .route("/graphql/ws", get(websocket::upgrade))
        .with_state(shared);
    let graphql = match cors {
        Some(cors) => graphql.layer(cors),
        None => graphql,
    };
    if options.graphiql { graphql.merge(graphiql::router(&options.examples)) } else { graphql }
}

/// The request id a proxy gave, or a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok());
    let sane = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    given.filter(sane).map_or_else(new_request_id, Arc::from)
}

fn header_value(text: &str) -> HeaderValue {
    // Ids are made of visible ASCII only (see above), so this does not fail.
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
