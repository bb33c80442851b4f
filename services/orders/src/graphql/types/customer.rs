use crate::graphql::query::{OrderConnection, page};
use async_graphql::{Context, ID, Object, Result};
use emporia_subgraph::context;

/// A customer, as far as orders know him.
pub struct Customer {
    pub(crate) id: emporia_contracts::ids::CustomerId,
}

#[Object]
impl Customer {
    /// The customer.
    async fn id(&self) -> ID {
        self.id.to_string().into()
    }

    /// His orders, newest first.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
    ) -> Result<OrderConnection> {
        let asks = context(ctx)?;
        let owner = emporia_contracts::Owner::Customer(self.id);
        if !asks.is(&owner) && !asks.may("orders:read") {
            return Err(emporia_subgraph::forbidden("these are another customer's orders"));
        }
        page(ctx, &crate::OrderQuery::Owner(owner), first, after, None, None).await
    }
}
