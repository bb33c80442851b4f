//! WebSockets: the graphql-transport-ws protocol.

mod connection;
mod message;

use axum::{
    extract::{ConnectInfo, Extension, State, ws::WebSocketUpgrade},
    response::{IntoResponse, Response as HttpResponse},
};
use http::{HeaderMap, StatusCode, header};

use super::{Shared, query::Peer};
use crate::{error::ErrorCode, telemetry};

const PROTOCOL: &str = "graphql-transport-ws";

pub(super) async fn upgrade(
    State(shared): State<Shared>,
    peer: Option<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> HttpResponse {
    accept(shared, upgrade, peer, headers)
}

pub(super) fn accept(
    shared: Shared,
    upgrade: WebSocketUpgrade,
    peer: Option<Peer>,
    headers: HeaderMap,
) -> HttpResponse {
    let client = shared.identify.address(&headers, peer.map(|Extension(ConnectInfo(address))| address.ip()));
    if let Err(wait) = shared.rates.address(client, 1) {
        telemetry::refused(ErrorCode::RateLimited.as_str());
        let seconds = wait.as_secs() + 1;
        let retry = [(header::RETRY_AFTER, seconds.to_string())];
        return (StatusCode::TOO_MANY_REQUESTS, retry, "Too many requests.").into_response();
    }
    // Browsers send cookies with WebSockets of any page and know no preflight for them.
    if !origin_allowed(&shared, &headers) {
        return (StatusCode::FORBIDDEN, "This origin may not open a WebSocket here.").into_response();
    }
    let limit = shared.gateway.config().limits.body_bytes;
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| connection::serve(socket, shared, client, headers))
}

fn origin_allowed(shared: &Shared, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let config = shared.gateway.config();
    let own = origin.split_once("://").map(|(_, host)| host);
    own.is_some() && own == text(header::HOST)
        || config.subscriptions.allowed_origins.iter().any(|allowed| allowed == origin)
        || config.cors.allowed_origins.iter().any(|allowed| allowed == origin || allowed == "*")
}
