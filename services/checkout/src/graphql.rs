//! The subgraph of checkout: thin.

mod delivery;
mod mutation;
mod types;

use crate::service::CheckoutService;
use async_graphql::{
    Context, EmptySubscription, ID, Object, Result, Schema,
    connection::{Connection, Edge},
};
use emporia_store::Cursor;
use emporia_subgraph::{Subgraph, access::*, context, page_size, parse_id, recorded, store_error};

/// Builds the subgraph.
pub fn schema(service: CheckoutService) -> Subgraph {
    Subgraph::new(Schema::build(Query, recorded(mutation::Mutation), EmptySubscription).data(service))
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

    /// Checkouts that do not go on by themselves, the longest first: see trouble, mend the cause, then retryCheckout.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn stuck_checkouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
    ) -> Result<Connection<String, types::Checkout>> {
        let after = after.map(|text| text.parse::<Cursor>()).transpose();
        let after = after.map_err(|e| store_error("checkout", e))?;
        let (size, paged) = (page_size(first, None, 20)?, after.is_some());
        let page = ctx.data::<CheckoutService>()?.stuck(size, after).await.map_err(mutation::failed)?;
        let mut connection = Connection::new(paged, page.has_more);
        let edge = |(cursor, checkout): (Cursor, emporia_store::Versioned<_>)| {
            Edge::new(cursor.to_string(), types::Checkout(checkout.value))
        };
        connection.edges.extend(page.items.into_iter().map(edge));
        Ok(connection)
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
