//! The subgraph of checkout: thin.

mod delivery;
mod mutation;
mod types;

use crate::service::CheckoutService;
use async_graphql::{Context, EmptySubscription, ID, Object, Result, Schema};
use emporia_subgraph::{access::*, context, parse_id};

/// The subgraph of checkout.
pub type CheckoutSchema = Schema<Query, mutation::Mutation, EmptySubscription>;

/// Builds the subgraph.
pub fn schema(service: CheckoutService) -> CheckoutSchema {
    Schema::build(Query, mutation::Mutation, EmptySubscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .data(service)
        .finish()
}

/// Questions about checkouts.
pub struct Query;

#[Object]
impl Query {
    /// A checkout of the caller's own.
    #[graphql(directive = public::apply())]
    async fn checkout(&self, ctx: &Context<'_>, id: ID) -> Result<Option<types::Checkout>> {
        let found = ctx.data::<CheckoutService>()?.get(parse_id("id", &id)?, context(ctx)?).await;
        match found {
            Ok(checkout) => Ok(Some(types::Checkout(checkout.value))),
            Err(crate::CheckoutError::NotFound(_)) => Ok(None),
            Err(error) => Err(mutation::failed(error)),
        }
    }

    #[graphql(entity)]
    async fn find_cart_by_id(&self, #[graphql(key)] id: ID) -> types::Cart {
        types::Cart { id }
    }

    #[graphql(entity)]
    async fn find_order_by_id(&self, #[graphql(key)] id: ID) -> types::Order {
        types::Order { id }
    }
}
