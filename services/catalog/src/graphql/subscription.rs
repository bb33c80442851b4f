use crate::service::CatalogService;
use async_graphql::{Context, Result, SimpleObject};
use emporia_contracts::{
    catalog::{CategoryDefined, ProductCreated, ProductFacts, ProductUpdated},
    inventory::{
        Allocation, ReservationCommitted, ReservationReleased, SafetyStockSet, StockMoved, StockReserved,
    },
    pricing::PriceSet,
    values::Sku,
};
use emporia_events::{Envelope, EventPayload, Live};
use emporia_subgraph::{access::*, bad_input};
use futures_util::{Stream, stream};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::broadcast::error::RecvError;

/// What is told as it happens.
pub struct Subscription;

/// Tags of what changed: whoever keeps pages drops those that carry one of them.
#[derive(Debug, Clone, SimpleObject)]
pub struct ContentChange {
    /// `product:prd_…`, `sku:…`, `category:cat_…`; `all` when the listener was too slow to hear of everything.
    tags: Vec<String>,
}

#[async_graphql::Subscription]
impl Subscription {
    /// What a cache of pages must drop: after a change of content, price or stock.
    #[graphql(directive = public::apply())]
    async fn content_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these tags; all when absent. At most 200.")] tags: Option<Vec<String>>,
    ) -> Result<impl Stream<Item = ContentChange> + use<>> {
        if tags.as_ref().is_some_and(|tags| tags.is_empty() || tags.len() > 200) {
            return Err(bad_input("tags: 1 to 200, or none at all"));
        }
        let wanted: Option<Arc<BTreeSet<String>>> = tags.map(|tags| Arc::new(tags.into_iter().collect()));
        let (service, events) = (ctx.data::<CatalogService>()?.clone(), ctx.data::<Live>()?.subscribe());
        Ok(stream::unfold((service, wanted, events), |(service, wanted, mut events)| async move {
            loop {
                let mut changed = match events.recv().await {
                    Ok(event) => tags_of(&service, &event).await,
                    Err(RecvError::Lagged(_)) => {
                        let all = ContentChange { tags: vec!["all".to_owned()] };
                        return Some((all, (service, wanted, events)));
                    }
                    Err(RecvError::Closed) => return None,
                };
                if let Some(wanted) = &wanted {
                    changed.retain(|tag| wanted.contains(tag));
                }
                if !changed.is_empty() {
                    let change = ContentChange { tags: changed.into_iter().collect() };
                    return Some((change, (service, wanted, events)));
                }
            }
        }))
    }
}

/// The tags that an event touches. One that cannot be read touches nothing: whoever must not miss it is a consumer.
async fn tags_of(service: &CatalogService, event: &Envelope) -> BTreeSet<String> {
    let facts = match event.detail_type.as_str() {
        ProductCreated::DETAIL_TYPE => event.payload::<ProductCreated>().ok().map(|e| e.product),
        ProductUpdated::DETAIL_TYPE => event.payload::<ProductUpdated>().ok().map(|e| e.product),
        _ => None,
    };
    if let Some(product) = facts {
        return of_product(service, &product);
    }
    if let Ok(category) = event.payload::<CategoryDefined>() {
        return BTreeSet::from([format!("category:{}", category.category_id)]);
    }
    let skus = skus_of(event);
    let mut tags: BTreeSet<String> = skus.iter().map(|sku| format!("sku:{sku}")).collect();
    if !skus.is_empty() {
        // A product that cannot be read now still has the tags of its SKUs.
        let products = service.products_of_skus(&skus).await.unwrap_or_default();
        tags.extend(products.into_iter().flatten().map(|stored| format!("product:{}", stored.product.id)));
    }
    tags
}

fn of_product(service: &CatalogService, product: &ProductFacts) -> BTreeSet<String> {
    let listed = service.categories().with_ancestors(&product.categories);
    let categories = listed.into_iter().map(|id| format!("category:{id}"));
    let skus = product.skus.iter().map(|sku| format!("sku:{sku}"));
    categories.chain(skus).chain([format!("product:{}", product.product_id)]).collect()
}

/// SKUs whose price or stock an event of another room changed.
fn skus_of(event: &Envelope) -> Vec<Sku> {
    let allocated = |allocations: Vec<Allocation>| allocations.into_iter().map(|a| a.sku).collect();
    let read = match event.detail_type.as_str() {
        PriceSet::DETAIL_TYPE => event.payload::<PriceSet>().map(|e| vec![e.sku]),
        StockMoved::DETAIL_TYPE => {
            event.payload::<StockMoved>().map(|e| e.lines.into_iter().map(|l| l.sku).collect())
        }
        SafetyStockSet::DETAIL_TYPE => event.payload::<SafetyStockSet>().map(|e| vec![e.sku]),
        StockReserved::DETAIL_TYPE => event.payload::<StockReserved>().map(|e| allocated(e.allocations)),
        ReservationReleased::DETAIL_TYPE => {
            event.payload::<ReservationReleased>().map(|e| allocated(e.allocations))
        }
        ReservationCommitted::DETAIL_TYPE => {
            event.payload::<ReservationCommitted>().map(|e| allocated(e.allocations))
        }
        _ => return vec![],
    };
    read.unwrap_or_default()
}
