//! What a client can be told when something is wrong, and what it must not be told.

use async_graphql::{PathSegment, ServerError};
use serde::Serialize;
use serde_json::{Map, Value};

/// Every `extensions.code` the gateway itself gives. Services add their own codes to their own errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The HTTP request is not a GraphQL request: no JSON, no `query`, wrong types of its parts.
    BadRequest,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// `operationName` is missing where it is needed, or names no operation of the document.
    OperationResolutionFailure,
    /// No trusted document has this id.
    DocumentNotFound,
    /// Only trusted documents are answered here.
    DocumentNotTrusted,
    /// The document with this hash is not remembered: send it once with the hash.
    PersistedQueryNotFound,
    /// Documents are not remembered here.
    PersistedQueryNotSupported,
    /// A variable or argument has a value its type does not allow.
    BadUserInput,
    /// No valid identity where one is needed, or a bad token.
    Unauthenticated,
    /// The caller is known and may not do this; or nobody may.
    Forbidden,
    /// A browser could have been tricked into sending this request.
    CsrfPrevented,
    /// A mutation came by GET, which must not change anything.
    MutationOverGet,
    /// This address or caller asks more often than allowed.
    RateLimited,
    /// Introspection is switched off here.
    IntrospectionDisabled,
    /// The request body is larger than allowed.
    LimitBody,
    /// One request holds more operations than allowed.
    LimitBatch,
    /// The document has more tokens than allowed.
    LimitTokens,
    /// The document nests deeper than allowed.
    LimitDepth,
    /// The document has more aliases than allowed.
    LimitAliases,
    /// The operation has more root fields than allowed.
    LimitRootFields,
    /// The document has more directives than allowed.
    LimitDirectives,
    /// The operation selects more fields (fragments written out) than allowed.
    LimitSelections,
    /// The operation may return more than allowed, as estimated from list sizes.
    LimitComplexity,
    /// A list does not say how long it is, or says it more than once, where the schema wants it said once.
    LimitListSize,
    /// Introspection lists are nested too deep.
    LimitIntrospection,
    /// More operations run on one connection than allowed.
    LimitOperations,
    /// The whole request took too long.
    RequestTimeout,
    /// The operation is too hard to plan in the time given for it.
    PlanningTimeout,
    /// One subgraph did not answer in time.
    SubgraphTimeout,
    /// One subgraph could not be reached or spoke no GraphQL.
    SubgraphUnavailable,
    /// One subgraph answered more than allowed.
    SubgraphAnswerTooLarge,
    /// One subgraph answered something its schema does not allow.
    SubgraphInvalidResponse,
    /// A fault on our side. The request id leads to the details in the log.
    InternalServerError,
}

impl ErrorCode {
    /// The text in `extensions.code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::DocumentNotFound => "DOCUMENT_NOT_FOUND",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::CsrfPrevented => "CSRF_PREVENTED",
            Self::MutationOverGet => "MUTATION_OVER_GET",
            Self::RateLimited => "RATE_LIMITED",
            Self::IntrospectionDisabled => "INTROSPECTION_DISABLED",
            Self::LimitBody => "LIMIT_BODY",
            Self::LimitBatch => "LIMIT_BATCH",
            Self::LimitTokens => "LIMIT_TOKENS",
            Self::LimitDepth => "LIMIT_DEPTH",
            Self::LimitAliases => "LIMIT_ALIASES",
            Self::LimitRootFields => "LIMIT_ROOT_FIELDS",
            Self::LimitDirectives => "LIMIT_DIRECTIVES",
            Self::LimitSelections => "LIMIT_SELECTIONS",
            Self::LimitComplexity => "LIMIT_COMPLEXITY",
            Self::LimitListSize => "LIMIT_LIST_SIZE",
            Self::LimitIntrospection => "LIMIT_INTROSPECTION",
            Self::LimitOperations => "LIMIT_OPERATIONS",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::PlanningTimeout => "PLANNING_TIMEOUT",
            Self::SubgraphTimeout => "SUBGRAPH_TIMEOUT",
            Self::SubgraphUnavailable => "SUBGRAPH_UNAVAILABLE",
            Self::SubgraphAnswerTooLarge => "SUBGRAPH_ANSWER_TOO_LARGE",
            Self::SubgraphInvalidResponse => "SUBGRAPH_INVALID_RESPONSE",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }

    /// The HTTP status of a request that failed as a whole with this code, where the media type of the
    /// answer allows one (`application/graphql-response+json`).
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden | Self::CsrfPrevented => 403,
            Self::MutationOverGet => 405,
            Self::LimitBody => 413,
            Self::RateLimited => 429,
            Self::InternalServerError => 500,
            Self::SubgraphInvalidResponse | Self::SubgraphUnavailable | Self::SubgraphAnswerTooLarge => 502,
            Self::RequestTimeout | Self::PlanningTimeout => 503,
            Self::SubgraphTimeout => 504,
            _ => 400,
        }
    }

    /// Whether this code says that a limit was exceeded.
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::LimitBody
                | Self::LimitBatch
                | Self::LimitTokens
                | Self::LimitDepth
                | Self::LimitAliases
                | Self::LimitRootFields
                | Self::LimitDirectives
                | Self::LimitSelections
                | Self::LimitComplexity
                | Self::LimitListSize
                | Self::LimitIntrospection
                | Self::LimitOperations
        )
    }
}

/// A place in the document of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Location {
    /// One-based line.
    pub line: usize,
    /// One-based column.
    pub column: usize,
}

/// One entry of `errors` in a GraphQL response.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ResponseError {
    /// For people.
    pub message: String,
    /// Where in the document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// Where in the response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<PathSegment>,
    /// `code` and what else there is for programs.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extensions: Map<String, Value>,
}

impl ResponseError {
    /// An error of the gateway.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut extensions = Map::new();
        extensions.insert("code".into(), code.as_str().into());
        Self { message: message.into(), extensions, ..Self::default() }
    }

    /// With its place in the response.
    #[must_use]
    pub fn at(mut self, path: Vec<PathSegment>) -> Self {
        self.path = path;
        self
    }

    /// The `extensions.code`, where there is one.
    pub fn code(&self) -> Option<&str> {
        self.extensions.get("code").and_then(Value::as_str)
    }
}

impl From<ServerError> for ResponseError {
    fn from(error: ServerError) -> Self {
        // Locations are those of the subgraph's operation, which the client has never seen.
        let extensions = match error.extensions.map(serde_json::to_value) {
            Some(Ok(Value::Object(map))) => map,
            _ => Map::new(),
        };
        // Validation takes an object for a scalar; only the subgraph notices.
        if extensions.is_empty() && error.message.starts_with("Expected input type") {
            return Self::new(ErrorCode::BadUserInput, without_value(&error.message)).at(error.path);
        }
        Self { message: error.message, locations: vec![], path: error.path, extensions }
    }
}

/// A refusal of the request as a whole, before anything ran.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct GatewayError {
    /// What kind.
    pub code: ErrorCode,
    /// For the client.
    pub message: String,
}

impl GatewayError {
    /// A refusal with this code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A bad, expired or revoked token.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unauthenticated, message)
    }
}

impl From<GatewayError> for ResponseError {
    fn from(error: GatewayError) -> Self {
        Self::new(error.code, error.message)
    }
}

/// A message about a value that does not fit, without the value: it could be a password.
pub(crate) fn without_value(message: &str) -> String {
    let end = [(", found ", 0), (" value: ", " value".len())];
    let end = end.into_iter().find_map(|(mark, kept)| message.find(mark).map(|at| at + kept));
    end.map_or_else(|| message.to_owned(), |end| format!("{}.", &message[..end]))
}

/// What is wrong with a JSON text, without the value that is wrong: it could be a password.
pub(crate) fn json_problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind("expected ") {
        Some(expected) if text.starts_with("invalid ") => text[expected..].to_owned(),
        _ => text,
    }
}

/// Hides faults from the client: an error without a code its author gave on purpose becomes
/// "internal error" with the request id; what really happened goes to the log.
pub(crate) fn mask(error: &mut ResponseError, request_id: &str) {
    let meant_for_clients = error.code().is_some_and(|code| {
        code != ErrorCode::InternalServerError.as_str()
            && !code.is_empty()
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    });
    if meant_for_clients {
        return;
    }
    tracing::error!(request_id, message = %error.message, path = ?error.path, extensions = ?error.extensions, "masked error");
    error.message = "internal error".into();
    error.extensions.clear();
    error.extensions.insert("code".into(), ErrorCode::InternalServerError.as_str().into());
    error.extensions.insert("requestId".into(), request_id.into());
}

/// The HTTP status for the code of the first error of a refused request.
pub(crate) fn status_of_code(code: Option<&str>) -> u16 {
    use ErrorCode as C;
    const NOT_400: [ErrorCode; 13] = [
        C::RateLimited,
        C::Unauthenticated,
        C::Forbidden,
        C::CsrfPrevented,
        C::LimitBody,
        C::InternalServerError,
        C::SubgraphInvalidResponse,
        C::SubgraphUnavailable,
        C::SubgraphAnswerTooLarge,
        C::RequestTimeout,
        C::PlanningTimeout,
        C::SubgraphTimeout,
        C::MutationOverGet,
    ];
    NOT_400.into_iter().find(|c| Some(c.as_str()) == code).map_or(400, ErrorCode::http_status)
}
