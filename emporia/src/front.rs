//! The gateway alone, before subgraphs that are reached over HTTP: other people's, or ours when they are split.

mod tokens;

use crate::{
    client,
    config::{AuthenticationConfig, ForwardConfig},
    identity,
};
use async_trait::async_trait;
use emporia_gateway::{BuildError, Caller, Config, Gateway, GatewayError, Identify, Supergraph};
use http::{HeaderMap, HeaderName, header};
use std::{net::IpAddr, path::Path, time::Duration};

/// How long a subgraph may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// The supergraph is not there.
    #[error("the supergraph {path}: {source}")]
    File {
        /// Where it was looked for.
        path: String,
        /// What happened.
        source: std::io::Error,
    },
    /// It cannot be served.
    #[error("{path}: {source}")]
    Build {
        /// The file.
        path: String,
        /// Why.
        source: BuildError,
    },
    /// The HTTP client does not start.
    #[error("the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The issuer of tokens cannot be used.
    #[error("authentication: {0}")]
    Tokens(#[from] emporia_oidc::SetupError),
    /// A header to forward is none.
    #[error("gateway.forward.headers: \"{0}\" is no name of a header")]
    Header(String),
}

/// The gateway over the subgraphs at the addresses in a supergraph (Apollo Federation v2).
///
/// # Errors
/// [`FrontError`].
pub fn gateway(file: &Path, config: Config) -> Result<Gateway, FrontError> {
    let path = file.display().to_string();
    let sdl =
        std::fs::read_to_string(file).map_err(|source| FrontError::File { path: path.clone(), source })?;
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        // An answer from elsewhere is no answer of the subgraph, and what is forwarded is not for elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let builder = Gateway::builder(Supergraph::from_sdl(sdl)).config(config).remote_subgraphs(&client);
    builder.build().map_err(|source| FrontError::Build { path, source })
}

/// What says who asks is passed on to the subgraphs, which judge it. Without an issuer whose tokens are believed everybody
/// is unknown here.
pub struct Forward {
    tokens: Option<tokens::Tokens>,
    names: Vec<HeaderName>,
    shown: &'static [&'static str],
}

impl Forward {
    /// Passes on these headers, and believes this issuer.
    ///
    /// # Errors
    /// [`FrontError::Header`], [`FrontError::Tokens`].
    pub fn new(config: &ForwardConfig, authentication: &AuthenticationConfig) -> Result<Self, FrontError> {
        let tokens = tokens::Tokens::of(authentication)?;
        let parse = |name: &String| name.parse().map_err(|_| FrontError::Header(name.clone()));
        let names: Vec<HeaderName> = config.headers.iter().map(parse).collect::<Result<_, _>>()?;
        // Once for the whole process: the configuration is read at its start.
        let shown = names.iter().map(|name| &*name.as_str().to_owned().leak()).collect::<Vec<_>>().leak();
        Ok(Self { tokens, names, shown })
    }
}

/// Headers that say who asks.
const WHO: [HeaderName; 2] = [header::AUTHORIZATION, header::COOKIE];

#[async_trait]
impl Identify for Forward {
    async fn identify(
        &self,
        headers: &HeaderMap,
        params: Option<&serde_json::Value>,
    ) -> Result<Caller, GatewayError> {
        let shown = identity::value(headers, params, header::AUTHORIZATION.as_str());
        let mut caller = match (&self.tokens, shown) {
            (Some(tokens), Some(authorization)) => tokens.caller(authorization).await?,
            _ => Caller::anonymous(),
        };
        let mut class = String::new();
        for name in &self.names {
            let param = || params?.as_object()?.iter().find(|(key, _)| name == key.as_str())?.1.as_str();
            let value = headers.get(name).cloned().or_else(|| param()?.parse().ok());
            if let Some(value) = value {
                class.push_str(value.to_str().unwrap_or_default());
                caller.forward.insert(name.clone(), value);
            }
            class.push('\n');
        }
        // Whom a subgraph may know gets answers of his own.
        let known = caller.authenticated || WHO.iter().any(|name| caller.forward.contains_key(name));
        caller.shared = (!known).then(|| class.into());
        Ok(caller)
    }

    fn address(&self, headers: &HeaderMap, _: Option<IpAddr>) -> Option<IpAddr> {
        client::noted(headers)
    }

    fn headers(&self) -> &'static [&'static str] {
        self.shown
    }
}
