//! One GraphQL response, already written.

use std::sync::Arc;

use axum::body::Bytes;
use serde::Serialize;

use crate::{cache::Kept, error::ResponseError};

/// How a request ended; a label of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Data, no errors.
    Ok,
    /// Data (or its null) and errors: something ran.
    Partial,
    /// Nothing ran: the request as a whole was refused.
    Refused,
}

impl Outcome {
    /// The text of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Refused => "refused",
        }
    }
}

/// A GraphQL response: the JSON text and what the transport and the tests want to know about it.
#[derive(Debug, Clone)]
pub struct Response {
    /// The JSON text.
    pub body: Bytes,
    /// The entries of `errors`.
    pub errors: Vec<ResponseError>,
    /// How it ended.
    pub outcome: Outcome,
    /// How many calls of subgraphs it took.
    pub subgraph_calls: u32,
    /// Where it is kept, if it is: a kept answer may also be kept by others on the way to the client.
    pub kept: Option<Arc<Kept>>,
}

impl Response {
    /// A refusal of the whole request: `errors` and no `data`.
    pub fn refused(errors: Vec<ResponseError>) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            errors: &'a [ResponseError],
        }
        // Strings, numbers and string-keyed maps: there is nothing in it that could fail to become JSON.
        let body = serde_json::to_vec(&Body { errors: &errors }).unwrap_or_default();
        Self { body: body.into(), errors, outcome: Outcome::Refused, subgraph_calls: 0, kept: None }
    }

    /// A kept answer.
    pub(crate) fn kept(kept: Arc<Kept>) -> Self {
        let body = kept.body().clone();
        Self { body, errors: vec![], outcome: Outcome::Ok, subgraph_calls: 0, kept: Some(kept) }
    }

    /// The HTTP status for `application/graphql-response+json`.
    pub fn http_status(&self) -> u16 {
        if self.outcome != Outcome::Refused {
            return 200;
        }
        let code = self.errors.first().and_then(ResponseError::code);
        crate::error::status_of_code(code)
    }

    /// The response as a JSON value; for tests and tools.
    ///
    /// # Errors
    /// Never for a response of this crate.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
    }
}

impl<E: Into<ResponseError>> From<E> for Response {
    fn from(error: E) -> Self {
        Self::refused(vec![error.into()])
    }
}
