//! Who asks.

use std::{any::Any, collections::BTreeSet, fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use http::HeaderMap;

use crate::{access::AuthMode, error::GatewayError};

/// Who asks, and what they may do. Made once per request (or connection) by [`Identify`].
#[derive(Clone)]
pub struct Caller {
    /// Whether we know who it is.
    pub authenticated: bool,
    /// What the caller may do, in the words of `@requiresScopes`.
    pub scopes: BTreeSet<String>,
    /// What holds of the caller, in the words of `@policy`.
    pub policies: BTreeSet<String>,
    /// With what kind of credential he asks, in the words of `@authModes`.
    pub mode: Option<AuthMode>,
    /// What the subgraphs of this process need to know (identity, channel, locale); see
    /// [`Local::with_context`](crate::Local::with_context).
    pub data: Arc<dyn Any + Send + Sync>,
    /// Headers that remote subgraphs get.
    pub forward: HeaderMap,
    /// Callers with the same text here get the same answers to operations that anybody may run: kept answers are
    /// shared among them. `None` for those whose answers depend on who they are: nothing kept is given to them.
    pub shared: Option<Arc<str>>,
    /// The account or API key whose requests are counted together; `None` for those who are known by their address only.
    pub key: Option<Arc<str>>,
}

impl Caller {
    /// Somebody unknown, without scopes.
    pub fn anonymous() -> Self {
        Self {
            authenticated: false,
            scopes: BTreeSet::new(),
            policies: BTreeSet::new(),
            mode: None,
            data: Arc::new(()),
            forward: HeaderMap::new(),
            shared: None,
            key: None,
        }
    }

    /// Somebody known, with these scopes.
    pub fn with_scopes<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self {
            authenticated: true,
            scopes: scopes.into_iter().map(Into::into).collect(),
            ..Self::anonymous()
        }
    }
}

impl fmt::Debug for Caller {
    /// Without headers and data: they hold tokens and people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("authenticated", &self.authenticated)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Finds out who asks: tokens, API keys, channel, locale. The executable implements it.
#[async_trait]
pub trait Identify: Send + Sync + 'static {
    /// `connection_params` is the payload of `connection_init` on WebSockets, whose clients cannot set headers.
    ///
    /// # Errors
    /// A token that is there but not valid is an error (`UNAUTHENTICATED`); no token is an anonymous caller.
    async fn identify(
        &self,
        headers: &HeaderMap,
        connection_params: Option<&serde_json::Value>,
    ) -> Result<Caller, GatewayError>;

    /// The address that asks, for limits of rates: that of the connection, or what a trusted proxy says it is.
    fn address(&self, _headers: &HeaderMap, connection: Option<IpAddr>) -> Option<IpAddr> {
        connection
    }

    /// The headers that it looks at: caches on the way to the client keep answers apart by them.
    fn headers(&self) -> &'static [&'static str] {
        &["authorization"]
    }
}

/// Everybody is anonymous.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Identify for Anonymous {
    async fn identify(&self, _: &HeaderMap, _: Option<&serde_json::Value>) -> Result<Caller, GatewayError> {
        Ok(Caller { shared: Some("".into()), ..Caller::anonymous() })
    }
}
