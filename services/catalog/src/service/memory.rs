//! Products in memory, and how they come there.

use crate::{
    model::{Claim, Claimed, Product},
    service::CatalogService,
};
use emporia_contracts::{
    ids::ProductId,
    values::{Sku, Slug},
};
use emporia_store::{Key, Space, StoreError, Version};
use moka::{ops::compute::Op, sync::Cache};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Products kept in memory.
const PRODUCTS: u64 = 50_000;
/// SKUs and slugs whose product is kept in memory.
const NAMES: u64 = 500_000;

/// A product and the version it was read or written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProduct {
    /// Grows with every change.
    pub version: Version,
    /// The product.
    pub product: Product,
}

pub(crate) struct ProductMemory {
    space: Space,
    products: Cache<ProductId, Arc<StoredProduct>>,
    // What these say is checked against the product, so they need no invalidation.
    skus: Cache<Sku, ProductId>,
    slugs: Cache<Slug, ProductId>,
    reads: AtomicU64,
}

impl ProductMemory {
    pub(crate) fn new(space: Space) -> Self {
        Self {
            space,
            products: Cache::new(PRODUCTS),
            skus: Cache::new(NAMES),
            slugs: Cache::new(NAMES),
            reads: AtomicU64::new(0),
        }
    }

    /// Keeps a product, unless a newer form of it is kept: a slow reader must not bring an old one back.
    pub(crate) fn keep(&self, stored: StoredProduct) -> Arc<StoredProduct> {
        let stored = Arc::new(stored);
        self.products.entry(stored.product.id).and_compute_with(|held| match held {
            Some(held) if held.value().version >= stored.version => Op::Nop,
            _ => Op::Put(Arc::clone(&stored)),
        });
        stored
    }

    /// Keeps these products as the store has them now.
    pub(crate) async fn refresh(&self, ids: &[ProductId]) -> Result<(), StoreError> {
        let keys: Vec<Key> = ids.iter().copied().map(Product::key_of).collect();
        for read in self.space.get_many::<Product>(&keys).await?.into_iter().flatten() {
            self.keep(StoredProduct { version: read.version, product: read.value });
        }
        Ok(())
    }

    pub(crate) fn forget(&self) {
        self.products.invalidate_all();
    }

    pub(crate) fn store_reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    async fn products(&self, ids: &[ProductId]) -> Result<Vec<Option<Arc<StoredProduct>>>, StoreError> {
        let mut found: HashMap<ProductId, Arc<StoredProduct>> = HashMap::with_capacity(ids.len());
        let mut missing = BTreeSet::new();
        for id in ids {
            match self.products.get(id) {
                Some(stored) => drop(found.insert(*id, stored)),
                None => drop(missing.insert(*id)),
            }
        }
        if !missing.is_empty() {
            let keys: Vec<Key> = missing.into_iter().map(Product::key_of).collect();
            self.reads.fetch_add(1, Ordering::Relaxed);
            for read in self.space.get_many::<Product>(&keys).await?.into_iter().flatten() {
                let stored = self.keep(StoredProduct { version: read.version, product: read.value });
                found.insert(stored.product.id, stored);
            }
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn claimed(&self, keys: &[Key]) -> Result<Vec<Option<ProductId>>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let claims = self.space.get_many::<Claim>(keys).await?;
        Ok(claims.into_iter().map(|claim| claim.map(|claim| claim.product)).collect())
    }
}

impl CatalogService {
    /// Products by id, in their order: from memory, else all that are missing in one read.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn products(&self, ids: &[ProductId]) -> Result<Vec<Option<Arc<StoredProduct>>>, StoreError> {
        self.0.memory.products(ids).await
    }

    /// The product of each SKU, in their order: from memory, else two reads for all that are missing.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn products_of_skus(
        &self,
        skus: &[Sku],
    ) -> Result<Vec<Option<Arc<StoredProduct>>>, StoreError> {
        let memory = &self.0.memory;
        let has = |stored: &Arc<StoredProduct>, sku: &Sku| stored.product.variant(sku).is_some();
        let from_memory =
            |sku: &Sku| memory.products.get(&memory.skus.get(sku)?).filter(|stored| has(stored, sku));
        let mut found: Vec<_> = skus.iter().map(from_memory).collect();
        let missing: Vec<usize> =
            (0..).zip(&found).filter(|(_, f)| f.is_none()).map(|(place, _)| place).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let unknown: Vec<&Sku> = missing.iter().filter_map(|place| skus.get(*place)).collect();
        let keys: Vec<Key> = unknown.iter().map(|sku| Claimed::Sku(sku).key()).collect();
        let owners = memory.claimed(&keys).await?;
        let ids: Vec<ProductId> = owners.iter().flatten().copied().collect();
        let mut products = memory.products(&ids).await?.into_iter();
        for ((place, sku), owner) in missing.iter().zip(unknown).zip(owners) {
            let Some(id) = owner else { continue };
            let stored = products.next().flatten().filter(|stored| has(stored, sku));
            if stored.is_some() {
                memory.skus.insert(sku.clone(), id);
            }
            if let Some(slot) = found.get_mut(*place) {
                *slot = stored;
            }
        }
        Ok(found)
    }

    /// The product of that slug.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn product_by_slug(&self, slug: &Slug) -> Result<Option<Arc<StoredProduct>>, StoreError> {
        let memory = &self.0.memory;
        if let Some(id) = memory.slugs.get(slug) {
            let known = memory.products(&[id]).await?.pop().flatten();
            if let Some(stored) = known.filter(|stored| stored.product.slug == *slug) {
                return Ok(Some(stored));
            }
        }
        let Some(id) = memory.claimed(&[Claimed::Slug(slug).key()]).await?.pop().flatten() else {
            return Ok(None);
        };
        memory.slugs.insert(slug.clone(), id);
        let stored = memory.products(&[id]).await?.pop().flatten();
        Ok(stored.filter(|stored| stored.product.slug == *slug))
    }
}
