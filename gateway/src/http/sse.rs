//! Server-sent events: graphql-sse, distinct connections mode. One operation per connection.

use std::convert::Infallible;

use axum::response::{
    IntoResponse, Response as HttpResponse,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};

use super::Shared;
use crate::{
    request::{Request, RequestContext},
    response::Response,
};

pub(super) async fn respond(shared: &Shared, request: Request, context: RequestContext) -> HttpResponse {
    let responses: BoxStream<'static, Response> = match shared.gateway.stream(request, context).await {
        Ok(responses) => responses,
        Err(refused) => stream::iter([refused]).boxed(),
    };
    let next = responses.map(|r| Event::default().event("next").data(String::from_utf8_lossy(&r.body)));
    let complete = stream::iter([Event::default().event("complete").data("")]);
    let events = next.chain(complete).map(Ok::<_, Infallible>);
    let interval = shared.gateway.config().subscriptions.ping_interval;
    Sse::new(events).keep_alive(KeepAlive::new().interval(interval)).into_response()
}
