//! A service's part of the graph, without the types behind it.

use crate::Accounted;
use async_graphql::{
    Executor, ObjectType, Request, Response, SDLExportOptions, Schema, SchemaBuilder, SubscriptionType,
    ValidationMode,
};
use futures_util::{future::BoxFuture, stream::BoxStream};
use std::sync::Arc;

/// A subgraph: something with a schema that answers operations. Its resolvers are compiled with the service that has
/// them, not with everyone who calls it.
#[derive(Clone)]
pub struct Subgraph(Arc<dyn Erased>);

trait Erased: Send + Sync {
    fn sdl(&self) -> String;
    fn execute(&self, request: Request) -> BoxFuture<'_, Response>;
    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response>;
}

impl<Q, M, S> Erased for Schema<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn sdl(&self) -> String {
        let options = SDLExportOptions::new().federation().compose_directive();
        self.sdl_with_options(options.sorted_fields().sorted_arguments())
    }

    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(Schema::execute(self, request))
    }

    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response> {
        Box::pin(Schema::execute_stream(self, request))
    }
}

impl Subgraph {
    /// The subgraph of this schema. Who calls has validated the operation against the whole graph, so that only what
    /// guards the execution itself is checked again.
    pub fn new<Q, M, S>(schema: SchemaBuilder<Q, M, S>) -> Self
    where
        Q: ObjectType + 'static,
        M: Accounted + 'static,
        S: SubscriptionType + 'static,
    {
        let schema = schema
            .enable_federation()
            .enable_subscription_in_federation()
            .validation_mode(ValidationMode::Fast)
            .finish();
        Self(Arc::new(schema))
    }

    /// Its schema in the form that composition wants.
    pub fn sdl(&self) -> String {
        self.0.sdl()
    }

    /// Answers a query or mutation.
    pub async fn execute(&self, request: impl Into<Request>) -> Response {
        self.0.execute(request.into()).await
    }

    /// Answers a subscription: one response for each event.
    pub fn execute_stream(&self, request: impl Into<Request>) -> BoxStream<'static, Response> {
        self.0.execute_stream(request.into())
    }
}

impl Executor for Subgraph {
    async fn execute(&self, request: Request) -> Response {
        self.0.execute(request).await
    }

    fn execute_stream(
        &self,
        request: Request,
        _session: Option<Arc<async_graphql::Data>>,
    ) -> BoxStream<'static, Response> {
        self.0.execute_stream(request)
    }
}

impl std::fmt::Debug for Subgraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subgraph")
    }
}
