//! A subgraph behind HTTP.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_graphql::{PathSegment, Value, Variables, parser::types::OperationType};
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use graphql_tools::parser::{parse_schema, schema as s};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Map;

use crate::{
    caller::Caller,
    config::Config,
    entities,
    error::{ErrorCode, ResponseError},
    sse::EventParser,
    subgraph::{FetchOp, SubResponse, Subgraph},
};

/// A GraphQL server behind HTTP, or several alike that share the work. Queries and mutations are plain POSTs,
/// subscriptions server-sent events.
pub struct Remote {
    client: reqwest::Client,
    urls: Vec<String>,
    turn: AtomicUsize,
    longest: usize,
}

impl Remote {
    /// The server at this address.
    pub fn new(client: reqwest::Client, url: impl Into<String>) -> Self {
        Self::among(client, vec![url.into()])
    }

    /// Servers that are alike: each call goes to the next one in turn. One that cannot be reached is passed over; a
    /// query whose answer was cut off is asked again of another, a mutation never is: it may have been done.
    pub fn among(client: reqwest::Client, urls: Vec<String>) -> Self {
        Self { client, urls, turn: AtomicUsize::new(0), longest: Config::default().subgraph_answer_bytes }
    }

    /// An answer may have this many bytes.
    #[must_use]
    pub fn longest_answer(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// Every address once, beginning with the one whose turn it is.
    fn addresses(&self) -> impl Iterator<Item = &str> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.urls.len().max(1);
        self.urls.iter().cycle().skip(turn).take(self.urls.len()).map(String::as_str)
    }

    /// The body of an answer, of whichever server gives one.
    async fn fetch(&self, operation: &FetchOp, variables: &Variables, caller: &Caller) -> SubResponse {
        let accept = "application/graphql-response+json, application/json;q=0.9";
        let mut answer = None;
        for url in self.addresses() {
            let body = async {
                let response = self.request(url, operation, variables, caller, accept).send().await?;
                if !response.status().is_success() {
                    tracing::warn!(url, status = %response.status(), "a subgraph refused a call");
                }
                bounded(response, self.longest).await
            };
            match body.await {
                Ok(Some(bytes)) => return read(&bytes),
                Ok(None) => return too_large(url, self.longest),
                Err(error) => {
                    answer = Some(unreachable(&error));
                    if is_mutation(operation) && !error.is_connect() {
                        break;
                    }
                }
            }
        }
        answer.unwrap_or_else(|| unreachable(&"no address is configured"))
    }

    fn request(
        &self,
        url: &str,
        operation: &FetchOp,
        variables: &Variables,
        caller: &Caller,
        accept: &'static str,
    ) -> reqwest::RequestBuilder {
        post(&self.client, url, &operation.text, variables, &caller.forward, accept)
    }
}

/// The body, unless it is longer than this: it is not read on then.
async fn bounded(mut response: reqwest::Response, longest: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let told = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if told > longest {
        return Ok(None);
    }
    let mut body = Vec::with_capacity(told);
    while let Some(part) = response.chunk().await? {
        if body.len() + part.len() > longest {
            return Ok(None);
        }
        body.extend_from_slice(&part);
    }
    Ok(Some(body))
}

fn too_large(url: &str, longest: usize) -> SubResponse {
    tracing::warn!(url, longest, "a subgraph answered more than subgraph_answer_bytes");
    SubResponse::error(ErrorCode::SubgraphAnswerTooLarge, "A subgraph answered more than is allowed here.")
}

fn post(
    client: &reqwest::Client,
    url: &str,
    query: &str,
    variables: &Variables,
    forward: &HeaderMap,
    accept: &'static str,
) -> reqwest::RequestBuilder {
    client
        .post(url)
        .headers(forward.clone())
        .header(header::ACCEPT, accept)
        .json(&serde_json::json!({ "query": query, "variables": variables }))
}

/// A GraphQL response on the wire.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    data: Option<serde_json::Value>,
    #[serde(default)]
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    message: String,
    #[serde(default)]
    path: Option<Vec<PathSegment>>,
    #[serde(default)]
    extensions: Option<Map<String, serde_json::Value>>,
}

fn read(text: &[u8]) -> SubResponse {
    let Ok(wire) = serde_json::from_slice::<Wire>(text) else {
        return SubResponse::error(ErrorCode::SubgraphUnavailable, "A subgraph did not answer in GraphQL.");
    };
    let errors = wire.errors.into_iter().map(|e| ResponseError {
        message: e.message,
        path: e.path.unwrap_or_default(),
        extensions: e.extensions.unwrap_or_default(),
        ..ResponseError::default()
    });
    // JSON of a JSON parser is always a value.
    let data = wire.data.and_then(|d| Value::from_json(d).ok()).unwrap_or_default();
    SubResponse { data, errors: errors.collect() }
}

fn is_mutation(operation: &FetchOp) -> bool {
    operation.document.operations.iter().any(|(_, found)| found.node.ty == OperationType::Mutation)
}

fn unreachable(error: &dyn std::fmt::Display) -> SubResponse {
    tracing::warn!(%error, "subgraph unreachable");
    SubResponse::error(ErrorCode::SubgraphUnavailable, "A subgraph could not be reached.")
}

impl Subgraph for Remote {
    fn execute<'a>(
        &'a self,
        operation: &'a FetchOp,
        variables: Variables,
        caller: &'a Caller,
    ) -> BoxFuture<'a, SubResponse> {
        async move {
            if let Err(errors) = operation.access.check(caller, &variables) {
                return SubResponse::failed(errors);
            }
            let call = async |variables: Variables| self.fetch(operation, &variables, caller).await;
            if operation.entities.is_empty() {
                return call(variables).await;
            }
            entities::execute(&operation.entities, variables, call).await
        }
        .boxed()
    }

    fn subscribe(
        &self,
        operation: &FetchOp,
        variables: Variables,
        caller: &Caller,
    ) -> BoxStream<'static, SubResponse> {
        if let Err(errors) = operation.access.check(caller, &variables) {
            return stream::iter([SubResponse::failed(errors)]).boxed();
        }
        // An event stream is meant to be quiet for long: only the connection is bounded in time.
        let request = |url| {
            let request = self.request(url, operation, &variables, caller, "text/event-stream");
            request.timeout(Duration::from_secs(86_400))
        };
        let requests: Vec<_> = self.addresses().map(request).collect();
        async move {
            let mut answer = None;
            for request in requests {
                match request.send().await {
                    Ok(response) => return events(response),
                    Err(error) => answer = Some(unreachable(&error)),
                }
            }
            let answer = answer.unwrap_or_else(|| unreachable(&"no address is configured"));
            stream::iter([answer]).boxed()
        }
        .flatten_stream()
        .boxed()
    }
}

/// The events of a server-sent-event response (graphql-sse, distinct connections mode).
fn events(response: reqwest::Response) -> BoxStream<'static, SubResponse> {
    let start = (Some(response), EventParser::default());
    stream::unfold(start, |(response, mut parser)| async move {
        let mut response = response?;
        loop {
            while let Some(event) = parser.next() {
                match event.name.as_str() {
                    "next" => return Some((read(event.data.as_bytes()), (Some(response), parser))),
                    "complete" => return None,
                    _ => {}
                }
            }
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    if parser.push(&bytes).is_err() {
                        let message = "A subgraph sent an event that is too large.";
                        return Some((
                            SubResponse::error(ErrorCode::SubgraphUnavailable, message),
                            (None, parser),
                        ));
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some((unreachable(&error), (None, parser))),
            }
        }
    })
    .boxed()
}

/// Names and addresses of the subgraphs of a supergraph.
pub(crate) fn addresses(supergraph: &str) -> Vec<(String, String)> {
    let Ok(document) = parse_schema::<String>(supergraph) else { return vec![] };
    let graphs = document.definitions.iter().find_map(|d| match d {
        s::Definition::TypeDefinition(s::TypeDefinition::Enum(e)) if e.name == "join__Graph" => {
            Some(&e.values)
        }
        _ => None,
    });
    let address = |value: &s::EnumValue<'_, String>| {
        let graph = value.directives.iter().find(|d| d.name == "join__graph")?;
        let text = |name: &str| match graph.arguments.iter().find(|(n, _)| n == name) {
            Some((_, s::Value::String(text))) => Some(text.clone()),
            _ => None,
        };
        Some((text("name")?, text("url").unwrap_or_default()))
    };
    graphs.into_iter().flatten().filter_map(address).collect()
}
