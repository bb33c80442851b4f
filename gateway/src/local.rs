//! A subgraph in this process.

use async_graphql::{Executor, Request, Variables};
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};

use crate::{
    caller::Caller,
    entities,
    error::ResponseError,
    subgraph::{FetchOp, SubResponse, Subgraph},
};

type Prepare = dyn Fn(Request, &Caller) -> Request + Send + Sync;

/// An async-graphql schema in this process. The parsed operation goes straight in: no text, no JSON between.
pub struct Local<E> {
    schema: E,
    prepare: Box<Prepare>,
}

impl<E: Executor> Local<E> {
    /// This schema.
    pub fn new(schema: E) -> Self {
        Self { schema, prepare: Box::new(|request, _| request) }
    }

    /// Puts into each request what the resolvers read from their context: identity, channel, batch loaders.
    /// Runs once per call, so a batch loader made here lives as long as the call.
    #[must_use]
    pub fn with_context(
        mut self,
        prepare: impl Fn(Request, &Caller) -> Request + Send + Sync + 'static,
    ) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    fn request(&self, operation: &FetchOp, variables: Variables, caller: &Caller) -> Request {
        let mut request = Request::new(String::new()).variables(variables);
        request.set_parsed_query(operation.document.clone());
        (self.prepare)(request, caller)
    }
}

impl<E: Executor> Subgraph for Local<E> {
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
            let call = async |variables| {
                let request = self.request(operation, variables, caller);
                sub_response(self.schema.execute(request).await)
            };
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
        let request = self.request(operation, variables, caller);
        self.schema.execute_stream(request, None).map(sub_response).boxed()
    }
}

fn sub_response(response: async_graphql::Response) -> SubResponse {
    let errors = response.errors.into_iter().map(ResponseError::from).collect();
    SubResponse { data: response.data, errors }
}
