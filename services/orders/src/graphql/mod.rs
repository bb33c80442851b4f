//! The subgraph of orders: thin.

mod mutation;
mod query;
mod subscription;
mod types;

use crate::{
    model::{Fulfilment, ReturnDocument},
    service::{OrdersService, PartsOf},
};
use async_graphql::{
    Schema,
    dataloader::{DataLoader, Loader, NoCache},
};
use emporia_contracts::ids::{FulfilmentId, OrderId, ReturnId};
use emporia_events::Live;
use emporia_store::{StoreError, Versioned};
use emporia_subgraph::{Subgraph, batched, recorded};
use std::collections::HashMap;

/// Builds the subgraph.
pub fn schema(service: OrdersService, live: Live) -> Subgraph {
    let loader = batched(OrderLoader(service.clone()), 200);
    let parts = batched(PartLoader(service.clone()), 200);
    Subgraph::new(
        Schema::build(query::Query, recorded(mutation::Mutation), subscription::Subscription)
            .data(service)
            .data(live)
            .data(loader)
            .data(parts),
    )
}

/// Orders of one page in one read.
pub(crate) struct OrderLoader(OrdersService);

impl Loader<OrderId> for OrderLoader {
    type Value = Versioned<crate::model::Order>;
    type Error = StoreError;

    async fn load(&self, keys: &[OrderId]) -> Result<HashMap<OrderId, Self::Value>, StoreError> {
        let found = self.0.get_many(keys).await?;
        Ok(keys.iter().copied().zip(found).filter_map(|(id, order)| Some((id, order?))).collect())
    }
}

/// Fulfilments and returns of the orders of one page in one read each.
pub(crate) struct PartLoader(OrdersService);

impl Loader<PartsOf<FulfilmentId>> for PartLoader {
    type Value = Vec<Fulfilment>;
    type Error = StoreError;

    async fn load(
        &self,
        of: &[PartsOf<FulfilmentId>],
    ) -> Result<HashMap<PartsOf<FulfilmentId>, Self::Value>, StoreError> {
        Ok(of.iter().cloned().zip(self.0.fulfilments(of).await?).collect())
    }
}

impl Loader<PartsOf<ReturnId>> for PartLoader {
    type Value = Vec<ReturnDocument>;
    type Error = StoreError;

    async fn load(
        &self,
        of: &[PartsOf<ReturnId>],
    ) -> Result<HashMap<PartsOf<ReturnId>, Self::Value>, StoreError> {
        Ok(of.iter().cloned().zip(self.0.returns(of).await?).collect())
    }
}

pub(crate) type Parts = DataLoader<PartLoader, NoCache>;

pub(crate) type Orders = DataLoader<OrderLoader, NoCache>;
