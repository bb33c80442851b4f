//! One GraphQL request.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::caller::Caller;

/// What a client sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The document; empty when the request names one that the gateway knows.
    #[serde(default)]
    pub query: String,
    /// Which operation of it, when there are several.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// Values of its variables.
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
    /// The id of a trusted document, in the place of `query`; with or without `sha256:` before a hash.
    #[serde(default)]
    pub document_id: Option<String>,
    /// `persistedQuery` names a document by its hash; nothing else in it is used.
    #[serde(default)]
    pub extensions: Option<Map<String, Value>>,
}

impl Request {
    /// This document, without variables.
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: query.into(), ..Self::default() }
    }

    /// With these variables; anything but an object counts as none.
    #[must_use]
    pub fn variables(mut self, variables: Value) -> Self {
        self.variables = match variables {
            Value::Object(map) => Some(map),
            _ => None,
        };
        self
    }

    /// With this operation name.
    #[must_use]
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation_name = Some(name.into());
        self
    }
}

/// What the gateway knows about a request beside its text.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Who asks.
    pub caller: Caller,
    /// The name of this request in logs and in masked errors.
    pub request_id: Arc<str>,
    /// Whether the client wants to see the query plan (given only where the configuration allows it).
    pub query_plan: bool,
    /// Whether the transport may change anything; GET may not.
    pub mutations: bool,
}

impl RequestContext {
    /// For this caller, with a new request id.
    pub fn new(caller: Caller) -> Self {
        Self { caller, request_id: new_request_id(), query_plan: false, mutations: true }
    }
}

/// Sorts by time, like all our ids.
pub(crate) fn new_request_id() -> Arc<str> {
    uuid::Uuid::now_v7().simple().to_string().into()
}
