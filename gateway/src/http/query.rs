//! POST and GET on `/graphql`.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{
        ConnectInfo, Extension, Query, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response as HttpResponse},
};
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};

use super::{
    BodyError, QUERY_PLAN, REQUEST_ID, Shared, freshness, header_value,
    negotiate::{Media, accepted, is_json},
    request_id, sse,
    trace::TraceContext,
    websocket,
};
use crate::{
    error::{ErrorCode, GatewayError, json_problem},
    request::{Request, RequestContext},
    response::{Outcome, Response},
    telemetry,
};

/// Headers a page of another origin cannot send without asking first (a CORS preflight).
const PREFLIGHT_HEADERS: [&str; 2] = ["emporia-csrf", "apollo-require-preflight"];

/// A request that ends before it becomes a GraphQL operation.
struct Refused {
    status: StatusCode,
    error: GatewayError,
    /// How long to wait before trying again.
    wait: Option<Duration>,
}

impl Refused {
    fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status, error: GatewayError::new(code, message), wait: None }
    }

    fn too_often(wait: Duration) -> Self {
        let message = format!("Too many requests: wait {} ms.", wait.as_millis().max(1));
        Self { wait: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message) }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message)
    }
}

impl From<GatewayError> for Refused {
    fn from(error: GatewayError) -> Self {
        let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, error, wait: None }
    }
}

pub(super) async fn post(
    State(shared): State<Shared>,
    peer: Option<Peer>,
    headers: HeaderMap,
    body: Body,
) -> HttpResponse {
    let id = request_id(&headers);
    let Some(media) = accepted(&headers) else { return not_acceptable(&id) };
    let read = async {
        let client = admit_address(&shared, peer, &headers)?;
        let asked = read_body(&shared, &headers, body).await?;
        let context = context(&shared, &headers, id.clone(), true).await?;
        let operations = match &asked {
            Asked::One(_) => 1,
            Asked::Batch(all) => all.len(),
        };
        // The first of a batch is counted already.
        shared.rates.address(client, operations - 1).map_err(Refused::too_often)?;
        admit_caller(&shared, &context, operations)?;
        Ok((asked, context))
    };
    respond(&shared, &Method::POST, &headers, media, &id, read.await).await
}

pub(super) async fn get(
    State(shared): State<Shared>,
    peer: Option<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: HeaderMap,
    query: Result<Query<HashMap<String, String>>, axum::extract::rejection::QueryRejection>,
) -> HttpResponse {
    if let Ok(upgrade) = upgrade {
        return websocket::accept(shared, upgrade, peer, headers);
    }
    let id = request_id(&headers);
    let Some(media) = accepted(&headers) else { return not_acceptable(&id) };
    let read = async {
        if !PREFLIGHT_HEADERS.iter().any(|h| headers.contains_key(*h)) && !is_json(&headers) {
            let message = format!("Send one of the headers {} with a GET.", PREFLIGHT_HEADERS.join(", "));
            return Err(GatewayError::new(ErrorCode::CsrfPrevented, message).into());
        }
        admit_address(&shared, peer, &headers)?;
        let Query(parameters) = query.map_err(|e| Refused::bad(e.to_string()))?;
        let asked = Asked::One(read_parameters(parameters)?);
        let context = context(&shared, &headers, id.clone(), false).await?;
        admit_caller(&shared, &context, 1)?;
        Ok((asked, context))
    };
    respond(&shared, &Method::GET, &headers, media, &id, read.await).await
}

/// The address at the other end of the connection.
pub(super) type Peer = Extension<ConnectInfo<SocketAddr>>;

fn admit_address(
    shared: &Shared,
    peer: Option<Peer>,
    headers: &HeaderMap,
) -> Result<Option<IpAddr>, Refused> {
    let client = shared.identify.address(headers, peer.map(|Extension(ConnectInfo(address))| address.ip()));
    shared.rates.address(client, 1).map_err(Refused::too_often)?;
    Ok(client)
}

fn admit_caller(shared: &Shared, context: &RequestContext, operations: usize) -> Result<(), Refused> {
    shared.rates.caller(context.caller.key.as_ref(), operations).map_err(Refused::too_often)
}

/// What one HTTP request asks.
enum Asked {
    One(Request),
    Batch(Vec<Request>),
}

async fn read_body(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Asked, Refused> {
    if !is_json(headers) {
        let message = "Send the request as application/json in UTF-8.";
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadRequest, message));
    }
    let limit = shared.gateway.config().limits.body_bytes;
    let bytes = super::read_body(body, limit).await.map_err(|error| match error {
        BodyError::TooLarge(_) => GatewayError::new(ErrorCode::LimitBody, error.to_string()).into(),
        BodyError::TooSlow => {
            Refused::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::BadRequest, error.to_string())
        }
        BodyError::Cut => Refused::bad(error.to_string()),
    })?;
    let wrong = |e: serde_json::Error| {
        Refused::bad(format!("The body is not a GraphQL request: {}.", json_problem(&e)))
    };
    match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => named(serde_json::from_slice(&bytes).map_err(wrong)?).map(Asked::One),
        Some(b'[') => {
            let all: Vec<Request> = serde_json::from_slice(&bytes).map_err(wrong)?;
            let most = shared.gateway.config().limits.batch;
            if all.len() > most {
                let message =
                    format!("The request holds {} operations; at most {most} are allowed.", all.len());
                return Err(GatewayError::new(ErrorCode::LimitBatch, message).into());
            }
            if all.is_empty() {
                return Err(Refused::bad("The batch is empty."));
            }
            all.into_iter().map(named).collect::<Result<_, _>>().map(Asked::Batch)
        }
        _ => Err(Refused::bad("The body must be a JSON object with a \"query\", or a list of such objects.")),
    }
}

/// A request says what it asks for: by its text, or by the name of a document.
fn named(request: Request) -> Result<Request, Refused> {
    let persisted = request.extensions.as_ref().is_some_and(|e| e.contains_key("persistedQuery"));
    if request.query.is_empty() && request.document_id.is_none() && !persisted {
        return Err(Refused::bad("The request has no \"query\"."));
    }
    Ok(request)
}

fn read_parameters(mut parameters: HashMap<String, String>) -> Result<Request, Refused> {
    let query = parameters.remove("query").unwrap_or_default();
    let document_id = parameters.remove("documentId");
    let mut object = |name: &str| -> Result<Option<Map<String, Value>>, Refused> {
        match parameters.remove(name).filter(|text| !text.is_empty()) {
            Some(text) => serde_json::from_str(&text).map_err(|e| {
                Refused::bad(format!("The parameter \"{name}\" is not a JSON object: {}.", json_problem(&e)))
            }),
            None => Ok(None),
        }
    };
    let (variables, extensions) = (object("variables")?, object("extensions")?);
    let operation_name = parameters.remove("operationName").filter(|name| !name.is_empty());
    named(Request { query, document_id, operation_name, variables, extensions })
}

async fn context(
    shared: &Shared,
    headers: &HeaderMap,
    request_id: Arc<str>,
    mutations: bool,
) -> Result<RequestContext, GatewayError> {
    let mut caller = shared.identify.identify(headers, None).await?;
    caller.forward.insert(REQUEST_ID, header_value(&request_id));
    let trace = TraceContext::of(headers);
    trace.forward(headers, &mut caller.forward);
    Ok(RequestContext { caller, request_id, query_plan: headers.contains_key(QUERY_PLAN), mutations })
}

async fn respond(
    shared: &Shared,
    method: &Method,
    asked: &HeaderMap,
    media: Media,
    id: &Arc<str>,
    read: Result<(Asked, RequestContext), Refused>,
) -> HttpResponse {
    match read {
        Ok((Asked::One(request), context)) if media == Media::EventStream => {
            let mut response = sse::respond(shared, request, context).await;
            response.headers_mut().insert(REQUEST_ID, header_value(id));
            response
        }
        Ok((Asked::Batch(requests), context)) => batch(shared, media, id, requests, &context).await,
        Ok((Asked::One(request), context)) => {
            let response = shared.gateway.execute(request, &context).await;
            let status = match media {
                Media::GraphqlResponse => response.http_status(),
                // The older form says 200 to everything well-formed, but for what HTTP itself forbids.
                _ if response.http_status() == 405 => 405,
                _ => 200,
            };
            let status = StatusCode::from_u16(status).unwrap_or_default();
            let kept = response.kept.clone();
            let mut http = write(status, media, id, response);
            freshness::tell(http.headers_mut(), kept.as_deref(), shared.identify.headers());
            match kept {
                Some(kept) if freshness::is_known(method, asked, &kept) => {
                    *http.status_mut() = StatusCode::NOT_MODIFIED;
                    *http.body_mut() = Body::empty();
                }
                Some(kept) => *http.body_mut() = freshness::body(asked, http.headers_mut(), &kept).into(),
                None => {}
            }
            http
        }
        Err(Refused { status, error, wait }) => {
            telemetry::refused(error.code.as_str());
            let media = if media == Media::EventStream { Media::Json } else { media };
            let mut http = write(status, media, id, error.into());
            if let Some(wait) = wait {
                // Whole seconds, and not too early.
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                http.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            http
        }
    }
}

/// Answers operations at the same time, in the order in which they were asked.
async fn batch(
    shared: &Shared,
    media: Media,
    id: &Arc<str>,
    requests: Vec<Request>,
    context: &RequestContext,
) -> HttpResponse {
    if media == Media::EventStream {
        let message = "A batch is not answered as text/event-stream.";
        return write(
            StatusCode::NOT_ACCEPTABLE,
            Media::Json,
            id,
            GatewayError::new(ErrorCode::BadRequest, message).into(),
        );
    }
    let answers = join_all(requests.into_iter().map(|r| shared.gateway.execute(r, context))).await;
    let mut body = vec![b'['];
    for (place, answer) in answers.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&answer.body);
    }
    body.push(b']');
    write_body(StatusCode::OK, media, id, body.into())
}

fn not_acceptable(id: &Arc<str>) -> HttpResponse {
    let message = "Accept application/graphql-response+json, application/json or text/event-stream.";
    write(
        StatusCode::NOT_ACCEPTABLE,
        Media::Json,
        id,
        GatewayError::new(ErrorCode::BadRequest, message).into(),
    )
}

fn write(status: StatusCode, media: Media, id: &Arc<str>, response: Response) -> HttpResponse {
    debug_assert!(response.outcome != Outcome::Ok || status == StatusCode::OK);
    write_body(status, media, id, response.body)
}

fn write_body(status: StatusCode, media: Media, id: &Arc<str>, body: Bytes) -> HttpResponse {
    let mut http = (status, body).into_response();
    let headers = http.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REQUEST_ID, header_value(id));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    http
}
