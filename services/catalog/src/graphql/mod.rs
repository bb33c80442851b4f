//! The subgraph of the catalogue: thin resolvers.

mod attributes;
mod category;
mod inputs;
mod loaders;
mod mutations;
mod product;
mod query;
mod reader;

use crate::service::CatalogService;
use async_graphql::{EmptySubscription, Schema};

/// The subgraph of the catalogue.
pub type CatalogSchema = Schema<query::Query, mutations::Mutation, EmptySubscription>;

/// Builds the subgraph.
pub fn schema(service: CatalogService) -> CatalogSchema {
    Schema::build(query::Query, mutations::Mutation, EmptySubscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .data(loaders::products(&service))
        .data(loaders::skus(&service))
        .data(service)
        .finish()
}
