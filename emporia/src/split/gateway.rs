//! The gateway alone: one graph over the rooms of commerce processes.

use super::{GRAPH, IDENTITY, Known, Passes, Shown, WEBHOOK, pass};
use crate::{
    client::{self, Proxies},
    graph::GraphError,
    identity, web,
};
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use emporia_contracts::Principal;
use emporia_gateway::{
    Caller, Config, ErrorCode, Gateway, GatewayError, HttpOptions, Identify, Remote, Supergraph,
};
use emporia_id::Ids;
use metrics_exporter_prometheus::PrometheusHandle;
use moka::future::Cache;
use serde::Deserialize;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// How long what commerce said of a caller is believed: whoever is turned out is out within that time.
const BELIEVED: Duration = Duration::from_secs(1);
/// Callers that are remembered for that time.
const CALLERS: u64 = 50_000;
/// The longest that commerce may take to be reached; another process is asked then.
const CONNECT: Duration = Duration::from_secs(1);
/// The longest that commerce may take to say who asks, or whether it is ready.
const ANSWER: Duration = Duration::from_secs(5);

/// The schema of this release; commerce processes of the next one have to be there before its gateways.
const SUPERGRAPH: &str = include_str!("../../../supergraph.graphql");
/// The rooms' names, as the supergraph has them.
pub(crate) const ROOMS: [&str; 11] = [
    "channels",
    "catalog",
    "pricing",
    "tax",
    "inventory",
    "carts",
    "checkout",
    "payments",
    "orders",
    "customers",
    "audit",
];

/// Headers that are between the provider and this process alone.
const OF_THE_CONNECTION: [HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::ACCEPT_ENCODING,
    header::EXPECT,
];

/// The commerce processes, and how they are asked.
#[derive(Clone)]
pub struct Commerce {
    client: reqwest::Client,
    urls: Arc<Vec<String>>,
    passes: Passes,
    ids: Ids,
    known: Cache<Shown, Known>,
}

impl Commerce {
    /// The processes at these addresses: `http://10.0.0.2:8080`.
    ///
    /// # Errors
    /// When no client can be made: a defect of the machine.
    pub fn new(urls: Vec<String>, passes: Passes, ids: Ids) -> Result<Self, reqwest::Error> {
        let urls = urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        Ok(Self {
            client: reqwest::Client::builder().connect_timeout(CONNECT).build()?,
            urls: Arc::new(urls),
            passes,
            ids,
            known: Cache::builder().max_capacity(CALLERS).time_to_live(BELIEVED).build(),
        })
    }

    /// Asks one process after the other until one answers.
    async fn any(
        &self,
        ask: impl Fn(&str) -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, Option<reqwest::Error>> {
        let mut failed = None;
        for url in self.urls.iter() {
            match ask(url).send().await {
                Ok(response) => return Ok(response),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed)
    }

    async fn ask_who(&self, shown: &Shown) -> Result<Known, GatewayError> {
        let ask = |url: &str| {
            let request = self.client.post(format!("{url}{IDENTITY}")).timeout(ANSWER).json(shown);
            request.header(pass::HEADER, self.passes.issue(None))
        };
        let away =
            || GatewayError::new(ErrorCode::SubgraphUnavailable, "The shop does not answer: try again.");
        let response = self.any(ask).await.map_err(|error| {
            tracing::warn!(?error, "no commerce process answers");
            away()
        })?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(|_| away());
        }
        /// Problem details, as far as they are told on.
        #[derive(Deserialize)]
        struct Problem {
            detail: String,
        }
        match (status, response.json::<Problem>().await) {
            (StatusCode::FORBIDDEN, Ok(problem)) => Err(GatewayError::unauthenticated(problem.detail)),
            (StatusCode::UNPROCESSABLE_ENTITY, Ok(problem)) => {
                Err(GatewayError::new(ErrorCode::BadUserInput, problem.detail))
            }
            (StatusCode::SERVICE_UNAVAILABLE, Ok(problem)) => {
                Err(GatewayError::new(ErrorCode::SubgraphUnavailable, problem.detail))
            }
            _ => {
                tracing::warn!(%status, "commerce refused this gateway: compare secrets.internal_key and the clocks");
                Err(away())
            }
        }
    }
}

/// Who asks, as commerce knows it.
struct AskCommerce(Commerce);

#[async_trait]
impl Identify for AskCommerce {
    async fn identify(
        &self,
        headers: &HeaderMap,
        params: Option<&serde_json::Value>,
    ) -> Result<Caller, GatewayError> {
        let text = |name: &str| identity::value(headers, params, name).map(ToOwned::to_owned);
        let shown = Shown {
            authorization: text(header::AUTHORIZATION.as_str()),
            channel: text(identity::CHANNEL),
            accept_language: text(header::ACCEPT_LANGUAGE.as_str()),
        };
        let guest = identity::guest(headers, params)?;
        let known = match self.0.known.get(&shown).await {
            Some(known) => known,
            None => {
                let known = self.0.ask_who(&shown).await?;
                self.0.known.insert(shown, known.clone()).await;
                known
            }
        };
        let correlation = identity::correlation(headers, params);
        let bearer = pass::Bearer {
            principal: known.principal,
            guest,
            channel: known.channel,
            locale: known.locale,
            correlation_id: correlation.map_or_else(|| self.0.ids.next_uuid().to_string(), ToOwned::to_owned),
            client: client::noted(headers),
        };
        let authenticated = !matches!(bearer.principal, Principal::Anonymous);
        let scopes = bearer.principal.admitted();
        let (key, mode) = (identity::key(&bearer.principal), identity::mode(&bearer.principal));
        let mut forward = HeaderMap::new();
        // It is made of hexadecimal digits and a dot.
        if let Ok(pass) = HeaderValue::from_str(&self.0.passes.issue(Some(bearer))) {
            forward.insert(HeaderName::from_static(pass::HEADER), pass);
        }
        Ok(Caller { authenticated, scopes, mode, forward, key, ..Caller::anonymous() })
    }

    fn address(&self, headers: &HeaderMap, _: Option<IpAddr>) -> Option<IpAddr> {
        client::noted(headers)
    }
}

#[derive(Clone)]
struct Shared {
    commerce: Commerce,
    metrics: Option<PrometheusHandle>,
}

/// Every route of a gateway: the graph, and what commerce answers under the same address.
///
/// # Errors
/// [`GraphError`]: a defect of the schema.
pub fn router(
    commerce: Commerce,
    config: Config,
    metrics: Option<PrometheusHandle>,
    proxies: Proxies,
) -> Result<Router, GraphError> {
    let longest = config.subgraph_answer_bytes;
    let builder = Gateway::builder(Supergraph::from_sdl(SUPERGRAPH)).config(config);
    let gateway = ROOMS.into_iter().fold(builder, |builder, room| {
        let urls = commerce.urls.iter().map(|url| format!("{url}{GRAPH}/{room}"));
        let remote = Remote::among(commerce.client.clone(), urls.collect());
        builder.subgraph(room, remote.longest_answer(longest))
    });
    let graph =
        emporia_gateway::router(gateway.build()?, AskCommerce(commerce.clone()), HttpOptions::default())
            .layer(from_fn_with_state(proxies, client::note));
    let rest = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|State(shared): State<Shared>| async move { web::rendered(shared.metrics) }))
        .route(WEBHOOK, post(webhook))
        .route(web::TOKEN_KEYS, get(token_keys))
        .with_state(Shared { commerce, metrics });
    Ok(web::finish(graph.merge(rest), "There is nothing here. The graph is at /graphql."))
}

/// Ready when one commerce process is.
async fn ready(State(Shared { commerce, .. }): State<Shared>) -> Response {
    let mut missing = vec![];
    for url in commerce.urls.iter() {
        match commerce.client.get(format!("{url}/readyz")).timeout(ANSWER).send().await {
            Ok(answer) if answer.status().is_success() => return (StatusCode::OK, "ready\n").into_response(),
            Ok(answer) => missing.push(format!("{url}: {}", answer.status())),
            Err(error) => missing.push(format!("{url}: {}", error.without_url())),
        }
    }
    web::problem(
        StatusCode::SERVICE_UNAVAILABLE,
        &format!("no commerce process is ready: {}", missing.join("; ")),
    )
}

/// The public keys of access tokens are commerce's.
async fn token_keys(State(Shared { commerce, .. }): State<Shared>) -> Response {
    match commerce.any(|url| commerce.client.get(format!("{url}{}", web::TOKEN_KEYS)).timeout(ANSWER)).await {
        Ok(answer) => {
            let (status, headers) = (answer.status(), answer.headers().clone());
            let kept = [header::CONTENT_TYPE, header::CACHE_CONTROL].into_iter();
            let kept: HeaderMap =
                kept.filter_map(|name| headers.get(&name).cloned().map(|value| (name, value))).collect();
            (status, kept, answer.bytes().await.unwrap_or_default()).into_response()
        }
        Err(_) => web::problem(StatusCode::SERVICE_UNAVAILABLE, "The shop does not answer: try again."),
    }
}

/// Hands a webhook on as it came: its signature is checked where it is applied.
async fn webhook(State(shared): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    let body = match emporia_gateway::read_body(body, web::WEBHOOK_BYTES).await {
        Ok(body) => body,
        Err(error) => return web::problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let mut handed = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(name)) {
        handed.append(name.clone(), value.clone());
    }
    let commerce = &shared.commerce;
    let ask = |url: &str| {
        let request = commerce.client.post(format!("{url}{WEBHOOK}")).timeout(ANSWER);
        request.headers(handed.clone()).body(body.clone())
    };
    match commerce.any(ask).await {
        Ok(answer) => {
            let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
            let body = answer.bytes().await.unwrap_or_default();
            (status, kind.map(|kind| [(header::CONTENT_TYPE, kind)]), body).into_response()
        }
        // The provider sends it again.
        Err(_) => {
            web::problem(StatusCode::SERVICE_UNAVAILABLE, "The shop does not answer: send it again later.")
        }
    }
}
