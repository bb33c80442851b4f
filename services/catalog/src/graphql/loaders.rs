//! What rows of one page need is read at once.

use crate::service::{CatalogService, StoredProduct};
use async_graphql::dataloader::{DataLoader, Loader, NoCache};
use emporia_contracts::{ids::ProductId, values::Sku};
use emporia_store::StoreError;
use emporia_subgraph::batched;
use std::{collections::HashMap, sync::Arc};

pub(super) struct ById(CatalogService);
pub(super) struct BySku(CatalogService);

pub(super) type Products = DataLoader<ById, NoCache>;
pub(super) type Skus = DataLoader<BySku, NoCache>;

pub(super) fn products(service: &CatalogService) -> Products {
    batched(ById(service.clone()), 1000)
}

pub(super) fn skus(service: &CatalogService) -> Skus {
    batched(BySku(service.clone()), 1000)
}

fn found<K: std::hash::Hash + Eq + Clone>(
    keys: &[K],
    products: Vec<Option<Arc<StoredProduct>>>,
) -> HashMap<K, Arc<StoredProduct>> {
    keys.iter().zip(products).filter_map(|(key, product)| Some((key.clone(), product?))).collect()
}

impl Loader<ProductId> for ById {
    type Value = Arc<StoredProduct>;
    type Error = StoreError;

    async fn load(&self, keys: &[ProductId]) -> Result<HashMap<ProductId, Self::Value>, StoreError> {
        Ok(found(keys, self.0.products(keys).await?))
    }
}

impl Loader<Sku> for BySku {
    type Value = Arc<StoredProduct>;
    type Error = StoreError;

    async fn load(&self, keys: &[Sku]) -> Result<HashMap<Sku, Self::Value>, StoreError> {
        Ok(found(keys, self.0.products_of_skus(keys).await?))
    }
}
