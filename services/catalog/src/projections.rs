//! What other processes change.

use crate::CatalogService;
use emporia_contracts::{
    catalog::{CategoryDefined, ProductCreated, ProductTypeDefined, ProductUpdated},
    ids::ProductId,
};
use emporia_events::Envelope;
use emporia_store::StoreError;
use std::collections::BTreeSet;

/// Products read at once.
const BATCH: usize = 90;

/// The product that an event tells of.
fn product(event: &Envelope) -> Option<ProductId> {
    // An event that cannot be read is not one of this release: what it changed is read at the next start.
    if event.is::<ProductUpdated>() {
        event.payload::<ProductUpdated>().ok().map(|updated| updated.product.product_id)
    } else if event.is::<ProductCreated>() {
        event.payload::<ProductCreated>().ok().map(|created| created.product.product_id)
    } else {
        None
    }
}

impl CatalogService {
    /// Brings products, categories and product types in memory up to these events.
    ///
    /// # Errors
    /// What the store reports; hearing of the same again is harmless.
    pub async fn hear(&self, events: &[Envelope]) -> Result<(), StoreError> {
        if events.iter().any(Envelope::is::<ProductTypeDefined>) {
            self.0.reload_types().await?;
        }
        if events.iter().any(Envelope::is::<CategoryDefined>) {
            self.0.reload_tree().await?;
        }
        // Read again, not only forgotten: a slow reader could bring the old form back.
        let products: BTreeSet<ProductId> = events.iter().filter_map(product).collect();
        let products: Vec<ProductId> = products.into_iter().collect();
        for products in products.chunks(BATCH) {
            self.0.refresh(products).await?;
        }
        Ok(())
    }

    /// Reads product types and categories again, and forgets the products.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn reload(&self) -> Result<(), StoreError> {
        self.0.reload_types().await?;
        self.0.reload_tree().await?;
        self.0.forget();
        Ok(())
    }
}
