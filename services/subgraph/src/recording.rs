//! Whatever a mutation writes is recorded in the caller's name.

use async_graphql::{
    Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry, resolver_utils::ContainerType,
};
use emporia_audit::Author;
use emporia_contracts::{Principal, RequestContext};
use std::borrow::Cow;

/// A mutation root whose fields leave an entry in the audit log of everything they write. [`crate::Subgraph`] takes no
/// other.
///
/// Writes of operators and services are recorded always; those of shoppers only where it is said, because their purchases
/// are told by events and must not wait for anything else.
#[derive(Debug, Default)]
pub struct Recorded<M> {
    mutation: M,
    shoppers: bool,
}

/// Records what operators and services write.
pub fn recorded<M: ObjectType>(mutation: M) -> Recorded<M> {
    Recorded { mutation, shoppers: false }
}

impl<M> Recorded<M> {
    /// Records what shoppers write too, unless it is nothing that may be told.
    #[must_use]
    pub fn and_shoppers(self) -> Self {
        Self { shoppers: true, ..self }
    }

    fn author(&self, ctx: &Context<'_>) -> Option<Author> {
        let asks = ctx.data_opt::<RequestContext>()?;
        let staff = matches!(asks.principal, Principal::Operator { .. } | Principal::Service { .. });
        if !staff && !self.shoppers {
            return None;
        }
        let author = Author::new(asks.actor(), ctx.field().name(), &*asks.correlation_id);
        Some(if staff { author } else { author.silent_on_the_untold() })
    }
}

impl<M: ObjectType> ContainerType for Recorded<M> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let resolved = self.mutation.resolve_field(ctx);
        match self.author(ctx) {
            Some(author) => Box::pin(author.writes(resolved)).await,
            None => resolved.await,
        }
    }
}

impl<M: ObjectType> OutputType for Recorded<M> {
    fn type_name() -> Cow<'static, str> {
        M::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        M::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.mutation.resolve(ctx, field).await
    }
}

impl<M: ObjectType> ObjectType for Recorded<M> {}

/// A mutation root of which nothing that it writes goes unrecorded.
pub trait Accounted: ObjectType {}

impl<M: ObjectType> Accounted for Recorded<M> {}
impl Accounted for async_graphql::EmptyMutation {}
