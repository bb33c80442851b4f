//! The subgraph of orders: thin.

mod mutation;
mod query;
mod subscription;
mod types;

use crate::service::OrdersService;
use async_graphql::{
    Schema,
    dataloader::{DataLoader, Loader, NoCache},
};
use emporia_contracts::ids::OrderId;
use emporia_events::Live;
use emporia_store::{StoreError, Versioned};
use std::{collections::HashMap, time::Duration};

/// The subgraph of orders.
pub type OrdersSchema = Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// Builds the subgraph.
pub fn schema(service: OrdersService, live: Live) -> OrdersSchema {
    let loader = DataLoader::with_cache(OrderLoader(service.clone()), tokio::spawn, NoCache)
        .delay(Duration::ZERO)
        .max_batch_size(200);
    Schema::build(query::Query, mutation::Mutation, subscription::Subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .data(service)
        .data(live)
        .data(loader)
        .finish()
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

pub(crate) type Orders = DataLoader<OrderLoader, NoCache>;
