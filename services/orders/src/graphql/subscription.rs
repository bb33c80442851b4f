use crate::{
    graphql::{query::visible, types::Order},
    service::OrdersService,
};
use async_graphql::{Context, ID, Result};
use emporia_contracts::ids::OrderId;
use emporia_events::Live;
use emporia_subgraph::{access::*, not_found, parse_id};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::broadcast::error::RecvError;

/// What is told as it happens.
pub struct Subscription;

#[async_graphql::Subscription]
impl Subscription {
    /// An order of the caller's own (or any, for operators): as it is now, then after every change.
    #[graphql(directive = public::apply())]
    async fn order_updated(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<impl Stream<Item = Result<Order>> + use<>> {
        let id: OrderId = parse_id("id", &id)?;
        let service = ctx.data::<OrdersService>()?.clone();
        // First the ear, then the look: what happens between is heard.
        let events = ctx.data::<Live>()?.subscribe();
        let now = service.get(id).await.map_err(super::query::gone)?;
        let now = match now {
            Some(now) if visible(ctx, &now).await? => now,
            _ => return Err(not_found(format!("there is no order {id}"))),
        };
        let subject = format!("order/{id}");
        let later =
            stream::unfold((service, events, subject), move |(service, mut events, subject)| async move {
                loop {
                    match events.recv().await {
                        Ok(event) if event.subject() != subject => {}
                        // A listener that was too slow missed some: what counts is the order as it is now.
                        Ok(_) | Err(RecvError::Lagged(_)) => {
                            let order = service.get(id).await.map_err(super::query::gone).transpose()?;
                            return Some((order.map(Order), (service, events, subject)));
                        }
                        Err(RecvError::Closed) => return None,
                    }
                }
            });
        Ok(stream::iter([Ok(Order(now))]).chain(later))
    }
}
