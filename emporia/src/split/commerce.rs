//! Commerce alone: the rooms behind a gateway in another process.

use super::{GRAPH, IDENTITY, Known, Passes, Shown, pass};
use crate::{
    graph,
    identity::{self, HeaderIdentity},
    platform::Platform,
    web,
};
use async_graphql::{Request, Variables};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::post,
};
use emporia_contracts::RequestContext;
use emporia_gateway::{ErrorCode, GatewayError};
use emporia_subgraph::Subgraph;
use futures_util::{StreamExt, stream};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use std::{collections::HashMap, convert::Infallible, sync::Arc};

/// The largest operation that is read, in bytes: thousands of entities may be asked for at once.
const OPERATION_BYTES: usize = 16 << 20;

#[derive(Clone)]
struct Shared {
    platform: Platform,
    rooms: Arc<HashMap<&'static str, Subgraph>>,
    passes: Passes,
}

/// Every route of commerce: the rooms for gateways with a pass, and what a whole server has beside its graph.
pub fn router(platform: &Platform, passes: Passes, metrics: Option<PrometheusHandle>) -> Router {
    let rooms = Arc::new(graph::rooms(platform));
    let shared = Shared { platform: platform.clone(), rooms, passes };
    let internal = Router::new()
        .route(IDENTITY, post(identity))
        .route(&format!("{GRAPH}/{{room}}"), post(operation))
        .with_state(shared);
    let here = "There is nothing here. This is commerce alone: the graph is at the gateway.";
    web::finish(internal.merge(web::operations(platform, metrics)), here)
}

/// Why a call is not answered.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        web::problem(self.0, &self.1)
    }
}

/// Turns away whoever has no pass; whatever is wrong with it is for the log alone.
fn checked(passes: &Passes, headers: &HeaderMap) -> Result<Option<pass::Bearer>, Refused> {
    let shown = headers.get(pass::HEADER).and_then(|value| value.to_str().ok());
    let checked = shown.ok_or("there is none").and_then(|shown| passes.check(shown));
    checked.map_err(|reason| {
        tracing::warn!(reason, "a call without a valid pass was refused");
        Refused(StatusCode::UNAUTHORIZED, "Only the gateway may call this address.".into())
    })
}

async fn read<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, Refused> {
    let bytes = emporia_gateway::read_body(body, OPERATION_BYTES).await;
    let bytes = bytes.map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))
}

/// What a caller's headers mean; a refusal is the caller's, in words for him (`detail`).
async fn identity(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Known>, Refused> {
    checked(&shared.passes, &headers)?;
    let shown: Shown = read(body).await?;
    let known = known(&shared.platform, &shown).await.map_err(|error| match error.code {
        ErrorCode::Unauthenticated => Refused(StatusCode::FORBIDDEN, error.message),
        ErrorCode::SubgraphUnavailable => Refused(StatusCode::SERVICE_UNAVAILABLE, error.message),
        _ => Refused(StatusCode::UNPROCESSABLE_ENTITY, error.message),
    });
    known.map(Json)
}

async fn known(platform: &Platform, shown: &Shown) -> Result<Known, GatewayError> {
    let who = HeaderIdentity(platform.clone());
    let principal = who.principal(shown.authorization.as_deref()).await?;
    let channel = who.channel(shown.channel.as_deref())?;
    let locale = identity::locale(&channel, shown.accept_language.as_deref());
    Ok(Known { principal, channel: channel.key.clone(), locale })
}

/// An operation as gateways send it.
#[derive(Deserialize)]
struct Operation {
    query: String,
    #[serde(default)]
    variables: serde_json::Value,
}

async fn operation(
    State(shared): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let bearer = checked(&shared.passes, &headers)?
        .ok_or_else(|| Refused(StatusCode::UNAUTHORIZED, "The pass names no caller.".into()))?;
    let room = shared.rooms.get(room.as_str());
    let room = room.ok_or_else(|| Refused(StatusCode::NOT_FOUND, "There is no such room.".into()))?;
    let context = context(&shared.platform, bearer);
    let context = context.map_err(|error| Refused(StatusCode::CONFLICT, error.message))?;
    let Operation { query, variables } = read(body).await?;
    let request = Request::new(query).variables(Variables::from_json(variables)).data(context);
    let streams = |value: &header::HeaderValue| value.as_bytes().starts_with(b"text/event-stream");
    if headers.get(header::ACCEPT).is_some_and(streams) {
        return Ok(events(room, request));
    }
    Ok(Json(room.execute(request).await).into_response())
}

/// The caller's context, with the channel as this process knows it.
fn context(platform: &Platform, bearer: pass::Bearer) -> Result<RequestContext, GatewayError> {
    let pass::Bearer { principal, guest, channel, locale, correlation_id, client } = bearer;
    let who = HeaderIdentity(platform.clone());
    // Before the first channel is defined there is none to be found; operators define it.
    let key = Some(channel.as_str()).filter(|_| !platform.channels.list().is_empty());
    Ok(RequestContext { principal, guest, channel: who.channel(key)?, locale, correlation_id, client })
}

/// A subscription: server-sent events (graphql-sse, distinct connections mode).
fn events(room: &Subgraph, request: Request) -> Response {
    let next = room.execute_stream(request).map(|response| {
        let event = Event::default().event("next");
        // What a resolver answers always has a JSON form.
        event.json_data(&response).unwrap_or_default()
    });
    let complete = stream::iter([Event::default().event("complete").data("")]);
    let events = next.chain(complete).map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new()).into_response()
}
