//! The subgraph of carts: thin.

mod mutation;
mod types;

use crate::{
    model::Cart,
    service::{CartError, CartsService},
};
use async_graphql::{Context, EmptySubscription, ID, Object, Result, Schema};
use emporia_subgraph::{Subgraph, access::*, context, fault, not_found, parse_id, recorded, store_error};

/// Builds the subgraph.
pub fn schema(service: CartsService) -> Subgraph {
    Subgraph::new(Schema::build(Query, recorded(mutation::Mutation), EmptySubscription).data(service))
}

/// What is an error, not something that the shopper can put right.
pub(crate) fn failed(error: CartError) -> async_graphql::Error {
    match error {
        CartError::NotFound(_) => not_found(error.to_string()),
        CartError::Fault(error) => fault(error),
        CartError::Store(error) => store_error("carts", error),
        error => emporia_subgraph::bad_input(error.to_string()),
    }
}

async fn own(ctx: &Context<'_>, id: &ID) -> Result<Option<types::Cart>> {
    match ctx.data::<CartsService>()?.get(parse_id("id", id)?, context(ctx)?).await {
        Ok(cart) => Ok(Some(types::Cart::new(cart))),
        Err(CartError::NotFound(_)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Questions about carts.
pub struct Query;

#[Object]
impl Query {
    /// A cart of the caller's own: of the signed-in customer, or of whoever shows the guest token.
    #[graphql(directive = public::apply())]
    async fn cart(&self, ctx: &Context<'_>, id: ID) -> Result<Option<types::Cart>> {
        own(ctx, &id).await
    }

    /// The newest cart of the caller in this channel that can still be bought.
    #[graphql(directive = public::apply())]
    async fn active_cart(&self, ctx: &Context<'_>) -> Result<Option<types::Cart>> {
        let asks = context(ctx)?;
        let Some(owner) = asks.owner() else { return Ok(None) };
        let found = ctx.data::<CartsService>()?.active(&owner, &asks.channel.key).await;
        Ok(found.map_err(|e| store_error("carts", e))?.map(|cart: Cart| types::Cart::new(cart)))
    }

    #[graphql(entity)]
    async fn find_cart_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<types::Cart>> {
        own(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_product_variant_by_sku(&self, #[graphql(key)] sku: String) -> types::ProductVariant {
        types::ProductVariant { sku }
    }
}
