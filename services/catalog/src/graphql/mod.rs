//! The subgraph of the catalogue: thin resolvers.

mod attributes;
mod category;
mod inputs;
mod loaders;
mod mutations;
mod product;
mod query;
mod reader;
mod subscription;

use crate::service::CatalogService;
use async_graphql::Schema;
use emporia_events::Live;
use emporia_subgraph::{Subgraph, recorded};

/// Builds the subgraph.
pub fn schema(service: CatalogService, live: Live) -> Subgraph {
    Subgraph::new(
        Schema::build(query::Query, recorded(mutations::Mutation), subscription::Subscription)
            .data(loaders::products(&service))
            .data(loaders::skus(&service))
            .data(service)
            .data(live),
    )
}
