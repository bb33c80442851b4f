//! A subgraph as the executor sees it: something that answers operations.

use async_graphql::{Name, Value, Variables, parser::types::ExecutableDocument};
use futures_util::{future::BoxFuture, stream::BoxStream};

use crate::{
    access::OperationAccess,
    caller::Caller,
    error::{ErrorCode, ResponseError},
};

/// One operation for one subgraph, prepared once per plan.
#[derive(Debug)]
pub struct FetchOp {
    /// Its text, for subgraphs behind a network.
    pub text: String,
    /// Its parsed form, for subgraphs in this process.
    pub document: ExecutableDocument,
    /// Its `_entities` fields, where it has any.
    pub entities: Vec<EntityField>,
    /// What it demands of the caller.
    pub access: OperationAccess,
}

/// One `_entities` field of a [`FetchOp`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityField {
    /// Its name in the response.
    pub key: String,
    /// The variable with its representations.
    pub variable: Name,
}

/// What a subgraph answers.
#[derive(Debug, Default)]
pub struct SubResponse {
    /// `data`.
    pub data: Value,
    /// `errors`.
    pub errors: Vec<ResponseError>,
}

impl SubResponse {
    /// No data, these errors.
    pub fn failed(errors: Vec<ResponseError>) -> Self {
        Self { data: Value::Null, errors }
    }

    /// No data, one error.
    pub fn error(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::failed(vec![ResponseError::new(code, message)])
    }
}

/// Something that answers the operations of one subgraph. Time-outs and panics are the executor's care.
pub trait Subgraph: Send + Sync {
    /// Answers a query or mutation.
    fn execute<'a>(
        &'a self,
        operation: &'a FetchOp,
        variables: Variables,
        caller: &'a Caller,
    ) -> BoxFuture<'a, SubResponse>;

    /// Answers a subscription: one response for each event.
    fn subscribe(
        &self,
        operation: &FetchOp,
        variables: Variables,
        caller: &Caller,
    ) -> BoxStream<'static, SubResponse>;
}
