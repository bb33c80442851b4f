//! WebSockets: the graphql-transport-ws protocol.

mod connection;
mod message;

use axum::{
    extract::{State, ws::WebSocketUpgrade},
    response::{IntoResponse, Response as HttpResponse},
};
use http::{HeaderMap, StatusCode, header};

use super::Shared;

const PROTOCOL: &str = "graphql-transport-ws";

pub(super) async fn upgrade(
    State(shared): State<Shared>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> HttpResponse {
    accept(shared, upgrade, headers)
}

pub(super) fn accept(shared: Shared, upgrade: WebSocketUpgrade, headers: HeaderMap) -> HttpResponse {
    // Browsers send cookies with WebSockets of any page and know no preflight for them.
    if !origin_allowed(&shared, &headers) {
        return (StatusCode::FORBIDDEN, "This origin may not open a WebSocket here.").into_response();
    }
    let limit = shared.gateway.config().limits.body_bytes;
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| connection::serve(socket, shared, headers))
}

fn origin_allowed(shared: &Shared, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let own = origin.split_once("://").map(|(_, host)| host);
    own.is_some() && own == text(header::HOST)
        || shared.gateway.config().subscriptions.allowed_origins.iter().any(|allowed| allowed == origin)
}
