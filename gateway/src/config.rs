//! What can be set, with defaults fit for production.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// Settings of a gateway. The defaults are those of production.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Answer `__schema` and `__type`.
    pub introspection: bool,
    /// Hide the details of faults from clients.
    pub mask_errors: bool,
    /// Put the query plan into `extensions.queryPlan` when the header `emporia-query-plan` asks for it.
    pub query_plan_on_request: bool,
    /// What to do with root fields that do not say who may use them.
    pub undeclared_access: UndeclaredAccess,
    /// What one request may ask for.
    pub limits: Limits,
    /// Plans that are kept.
    pub plan_cache_capacity: u64,
    /// How long one operation may take to be planned.
    #[serde(with = "millis")]
    pub planning_timeout: Duration,
    /// How long one call of a subgraph may take.
    #[serde(with = "millis")]
    pub subgraph_timeout: Duration,
    /// Bytes that one answer of a subgraph behind HTTP may have.
    pub subgraph_answer_bytes: usize,
    /// How long a whole query or mutation may take.
    #[serde(with = "millis")]
    pub request_timeout: Duration,
    /// How often somebody may ask.
    pub rates: RateLimits,
    /// Which pages of other origins may ask.
    pub cors: CorsConfig,
    /// Documents that clients name instead of sending them.
    pub documents: DocumentsConfig,
    /// Answers that are kept.
    pub response_cache: ResponseCacheConfig,
    /// WebSockets and server-sent events.
    pub subscriptions: SubscriptionConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            introspection: false,
            mask_errors: true,
            query_plan_on_request: false,
            undeclared_access: UndeclaredAccess::default(),
            limits: Limits::default(),
            plan_cache_capacity: 2_000,
            planning_timeout: Duration::from_millis(1_000),
            subgraph_timeout: Duration::from_secs(10),
            subgraph_answer_bytes: 16 << 20,
            request_timeout: Duration::from_secs(30),
            rates: RateLimits::default(),
            cors: CorsConfig::default(),
            documents: DocumentsConfig::default(),
            response_cache: ResponseCacheConfig::default(),
            subscriptions: SubscriptionConfig::default(),
        }
    }
}

impl Config {
    /// For the demo and for developers: introspection, query plans, whole errors, no limits of rates.
    pub fn demo() -> Self {
        Self {
            introspection: true,
            mask_errors: false,
            query_plan_on_request: true,
            rates: RateLimits { enabled: false, ..RateLimits::default() },
            ..Self::default()
        }
    }
}

/// What to do with a field of `Query`, `Mutation` or `Subscription` that has none of `@public`,
/// `@authenticated`, `@requiresScopes`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndeclaredAccess {
    /// Refuse to start: somebody forgot to think about it. For our own services.
    #[default]
    RefuseToStart,
    /// Start, and refuse the field for everybody.
    Deny,
    /// Start, and let everybody use the field. For other people's supergraphs, which know no `@public`.
    Allow,
}

/// How often somebody may ask. Who asks more often is refused with `RATE_LIMITED` (429) and told how long to wait.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Count at all.
    pub enabled: bool,
    /// Requests from one address (of IPv6, one /64).
    pub per_address: Option<Rate>,
    /// Operations of one account or API key.
    pub per_caller: Option<Rate>,
}

impl Default for RateLimits {
    fn default() -> Self {
        let rate = Rate {
            per_second: NonZeroU32::MIN.saturating_add(99),
            burst: NonZeroU32::MIN.saturating_add(499),
        };
        Self { enabled: true, per_address: Some(rate), per_caller: Some(rate) }
    }
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once, after a rest.
    pub burst: NonZeroU32,
}

/// Which pages of other origins may ask (CORS). Without origins: none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsConfig {
    /// Origins (`https://shop.example`), or `*` for all. They may open WebSockets, too.
    pub allowed_origins: Vec<String>,
    /// Whether their requests may carry cookies.
    pub credentials: bool,
    /// How long a browser may remember the answer.
    #[serde(with = "millis")]
    pub max_age: Duration,
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self { allowed_origins: vec![], credentials: false, max_age: Duration::from_secs(600) }
    }
}

/// Documents that clients name instead of sending them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentsConfig {
    /// Remember documents by their hash, so that a client sends a text once (automatic persisted queries).
    pub automatic: bool,
    /// Bytes that remembered documents may take.
    pub automatic_bytes: u64,
    /// Trusted documents: a JSON manifest of ids and documents, or a directory of manifests and `.graphql` files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted: Option<PathBuf>,
    /// Answer nothing but trusted documents.
    pub only_trusted: bool,
}

impl Default for DocumentsConfig {
    fn default() -> Self {
        Self { automatic: true, automatic_bytes: 8 << 20, trusted: None, only_trusted: false }
    }
}

/// What one request may ask for. What is larger is refused before it costs anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the body.
    pub body_bytes: usize,
    /// Operations that one HTTP request may hold; each has limits of its own.
    pub batch: usize,
    /// Tokens of the document.
    pub tokens: usize,
    /// Nesting of fields.
    pub depth: u32,
    /// Aliases, fragments written out.
    pub aliases: u32,
    /// Root fields, fragments written out.
    pub root_fields: u32,
    /// Directives, fragments written out.
    pub directives: u32,
    /// Fields of all operations of a document, fragments written out.
    pub selections: u32,
    /// Cost of an operation by `@cost` and `@listSize`; without these about the number of objects in its answer, with
    /// sizes of lists from `first` and `last`.
    pub complexity: u64,
    /// Assumed size of a list that says nothing about its size.
    pub assumed_list_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            batch: 10,
            tokens: 4_000,
            depth: 16,
            aliases: 60,
            root_fields: 20,
            directives: 60,
            selections: 1_000,
            complexity: 20_000,
            assumed_list_size: 10,
        }
    }
}

/// Answers that are kept for everybody who may have the same one. See the README for what may be kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseCacheConfig {
    /// Keep answers at all.
    pub enabled: bool,
    /// Bytes that all kept answers may take.
    pub bytes: u64,
    /// What to make of fields without a hint.
    pub unhinted: UnhintedFields,
}

impl Default for ResponseCacheConfig {
    fn default() -> Self {
        Self { enabled: true, bytes: 64 << 20, unhinted: UnhintedFields::default() }
    }
}

/// What to make of a field below the root that leads to an object and has no `@cacheControl`, nor has its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnhintedFields {
    /// It is kept as long as what it is part of: hints are needed where something is kept for less time, or is private.
    #[default]
    AsParent,
    /// What has it is not kept. The rule of Apollo Server, which other people's supergraphs are written for.
    NotKept,
}

/// Limits of WebSocket and server-sent-event connections.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SubscriptionConfig {
    /// How long a WebSocket may stay silent before `connection_init`.
    #[serde(with = "millis")]
    pub init_timeout: Duration,
    /// Operations that may run at once on one WebSocket.
    pub operations_per_connection: usize,
    /// Messages that wait for a slow reader before the sources are held back.
    pub buffer: usize,
    /// How often a quiet connection is pinged, so that proxies leave it open.
    #[serde(with = "millis")]
    pub ping_interval: Duration,
    /// Origins, beside the server's own, whose pages may open a WebSocket (`https://shop.example`).
    pub allowed_origins: Vec<String>,
}

impl Default for SubscriptionConfig {
    fn default() -> Self {
        Self {
            init_timeout: Duration::from_secs(3),
            operations_per_connection: 50,
            buffer: 32,
            ping_interval: Duration::from_secs(20),
            allowed_origins: vec![],
        }
    }
}

/// Durations are whole milliseconds in configuration.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u64::deserialize(d).map(Duration::from_millis)
    }
}
