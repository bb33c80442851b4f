use crate::graphql::ProductVariant;
use async_graphql::{Context, Result};
use emporia_contracts::{
    inventory::{ReservationCommitted, ReservationReleased, StockMoved, StockReserved},
    values::Sku,
};
use emporia_events::{Envelope, EventPayload, Live};
use emporia_subgraph::{access::*, bad_input, parse};
use futures_util::{Stream, stream};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::broadcast::error::RecvError;

/// What is told as it happens.
pub struct Subscription;

#[async_graphql::Subscription]
impl Subscription {
    /// A variant whose stock changed, of those asked for. Ask for its availability to see the number.
    #[graphql(directive = public::apply())]
    async fn stock_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 100 SKUs.")] skus: Vec<String>,
    ) -> Result<impl Stream<Item = ProductVariant> + use<>> {
        if skus.is_empty() || skus.len() > 100 {
            return Err(bad_input("skus: 1 to 100"));
        }
        let wanted: Arc<BTreeSet<Sku>> =
            Arc::new(skus.iter().map(|sku| parse("skus", sku)).collect::<Result<_>>()?);
        let events = ctx.data::<Live>()?.subscribe();
        Ok(stream::unfold(
            (wanted, events, vec![]),
            |(wanted, mut events, mut waiting): (_, _, Vec<Sku>)| async move {
                loop {
                    if let Some(sku) = waiting.pop() {
                        return Some((ProductVariant::of(sku), (wanted, events, waiting)));
                    }
                    waiting = match events.recv().await {
                        Ok(event) => changed(&event).into_iter().filter(|sku| wanted.contains(sku)).collect(),
                        // Too slow: any of them may have changed.
                        Err(RecvError::Lagged(_)) => wanted.iter().cloned().collect(),
                        Err(RecvError::Closed) => return None,
                    };
                }
            },
        ))
    }
}

/// The SKUs whose stock an event changed.
fn changed(event: &Envelope) -> BTreeSet<Sku> {
    if event.source != StockMoved::SOURCE {
        return BTreeSet::new();
    }
    let allocated = |allocations: Vec<emporia_contracts::inventory::Allocation>| {
        allocations.into_iter().map(|a| a.sku).collect::<BTreeSet<_>>()
    };
    // An event that cannot be read tells nothing to a page; whoever must not miss it is a consumer.
    if let Ok(moved) = event.payload::<StockMoved>() {
        return moved.lines.into_iter().map(|line| line.sku).collect();
    }
    if let Ok(reserved) = event.payload::<StockReserved>() {
        return allocated(reserved.allocations);
    }
    if let Ok(released) = event.payload::<ReservationReleased>() {
        return allocated(released.allocations);
    }
    event.payload::<ReservationCommitted>().map(|c| allocated(c.allocations)).unwrap_or_default()
}
