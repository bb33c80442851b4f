//! The catalogue: load, decide, commit.

mod categories;
mod listing;
mod memory;
mod products;
mod upsert;

pub use listing::{ListProducts, ProductPage, ProductSort, Window};
pub use memory::StoredProduct;
pub use upsert::Upserted;

use crate::{
    commands::{CatalogRefusal, product_types, product_types::DefineProductType},
    model::{Category, ProductType, Variant},
    tree::CategoryTree,
};
use arc_swap::ArcSwap;
use emporia_contracts::{
    Fault,
    catalog::{Catalog, ProductTypeDefined, VariantFacts, VariantsRequest},
    channels::{Channel, Channels},
    ids::ProductId,
    values::{ChannelKey, Locale, Slug},
};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::Ids;
use emporia_store::{Query, Space, StoreError, Tx, carried};
use memory::ProductMemory;
use std::{collections::BTreeMap, sync::Arc};

/// Products, variants, categories and product types. Cheap to clone.
#[derive(Clone)]
pub struct CatalogService(pub(crate) Arc<Room>);

/// What all clones of the service share.
pub(crate) struct Room {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    channels: Arc<dyn Channels>,
    tree: ArcSwap<CategoryTree>,
    types: ArcSwap<BTreeMap<Slug, ProductType>>,
    memory: ProductMemory,
}

/// Why the catalogue does not do something.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not acceptable.
    #[error(transparent)]
    Refused(#[from] CatalogRefusal),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

pub(crate) fn fault(error: StoreError) -> Fault {
    if error.is_retryable() { Fault::transient("catalog", error) } else { Fault::permanent("catalog", error) }
}

impl From<CatalogError> for Fault {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Fault(fault) => fault,
            CatalogError::Store(error) => fault(error),
            CatalogError::Refused(refusal) => Self::permanent("catalog", refusal),
        }
    }
}

impl CatalogService {
    /// Reads categories and product types into memory, and finishes what a crash cut off.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn new(space: Space, ids: Ids, channels: Arc<dyn Channels>) -> Result<Self, StoreError> {
        let this = Self(Arc::new(Room {
            memory: ProductMemory::new(space.clone()),
            space,
            ids,
            channels,
            tree: ArcSwap::default(),
            types: ArcSwap::default(),
        }));
        this.0.reload_types().await?;
        this.0.reload_tree().await?;
        let unfinished = Query::index("categories_to_relist");
        for category in this.0.space.query::<Category>(unfinished).await?.into_values() {
            this.0.relist(&category).await?;
        }
        Ok(this)
    }

    /// Defines a product type, or changes the one with the key. Idempotent: the same again changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::Refused`] says which rule it breaks.
    pub async fn define_product_type(
        &self,
        wanted: DefineProductType,
        meta: EventMeta,
    ) -> Result<ProductType, CatalogError> {
        self.to_the_end(async move |room: Arc<Room>| {
            let (wanted, ids, meta, this) = (&wanted, &room.ids, &meta, &room);
            let key = ProductType::key_of(&wanted.key);
            let key = &key;
            let defined = room
                .space
                .transact(|tx| async move {
                    let before = tx.get::<ProductType>(key).await?.map(|found| found.value);
                    let Some(defined) = product_types::define(before.as_ref(), wanted, ids)? else {
                        return Ok(before);
                    };
                    tx.put(&defined)?;
                    let event = ProductTypeDefined {
                        product_type_id: defined.id,
                        key: defined.key.clone(),
                        attributes: defined.attributes.iter().map(|a| a.key.clone()).collect(),
                    };
                    this.emit(&tx, &event, meta)?;
                    Ok::<_, CatalogError>(Some(defined))
                })
                .await?;
            room.reload_types().await?;
            defined.ok_or_else(|| CatalogRefusal::UnknownType(wanted.key.clone()).into())
        })
        .await
    }

    /// Every product type, by key. From memory.
    pub fn product_types(&self) -> Arc<BTreeMap<Slug, ProductType>> {
        self.0.types.load_full()
    }

    /// Every category. From memory.
    pub fn categories(&self) -> Arc<CategoryTree> {
        self.0.tree.load_full()
    }

    /// Every category, parents before children, siblings in their order. From memory.
    pub fn all_categories(&self) -> Vec<Arc<Category>> {
        self.categories().all()
    }

    /// How often products were read from the store since the start; a batch of any size is one.
    pub fn store_reads(&self) -> u64 {
        self.0.memory.store_reads()
    }

    /// Does a piece of work in a task of its own: a caller that goes away must not leave the memory behind the store.
    pub(crate) async fn to_the_end<R, F>(&self, work: impl FnOnce(Arc<Room>) -> F) -> Result<R, CatalogError>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, CatalogError>> + Send + 'static,
    {
        let task = tokio::spawn(carried(work(Arc::clone(&self.0))));
        task.await.map_err(|error| StoreError::Unavailable { detail: error.to_string() })?
    }
}

impl Room {
    pub(crate) fn emit(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, self.space.clock().as_ref())?)
    }

    /// Every channel, by key.
    pub(crate) async fn channels(&self) -> Result<BTreeMap<ChannelKey, Channel>, Fault> {
        let channels = self.channels.channels().await?;
        Ok(channels.into_iter().map(|channel| (channel.key.clone(), channel)).collect())
    }

    pub(crate) async fn refresh(&self, products: &[ProductId]) -> Result<(), StoreError> {
        self.memory.refresh(products).await
    }

    pub(crate) fn forget(&self) {
        self.memory.forget();
    }

    pub(crate) async fn reload_types(&self) -> Result<(), StoreError> {
        let (mut types, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.space.query::<ProductType>(Query::index("product_types").after(after)).await?;
            after = page.items.last().map(|(cursor, _)| cursor.clone()).filter(|_| page.has_more);
            types.extend(page.items.into_iter().map(|(_, found)| (found.value.key.clone(), found.value)));
            if after.is_none() {
                self.types.store(Arc::new(types));
                return Ok(());
            }
        }
    }
}

#[async_trait::async_trait]
impl Catalog for CatalogService {
    async fn variants(&self, request: VariantsRequest) -> Result<Vec<Option<VariantFacts>>, Fault> {
        let VariantsRequest { skus, channel, locale } = request;
        let found = self.products_of_skus(&skus).await.map_err(fault)?;
        let default = self.0.channels.channel(channel.clone()).await?.map(|c| c.default_locale.clone());
        let default = default.unwrap_or_else(|| locale.clone());
        let facts = |(sku, stored): (_, Option<Arc<StoredProduct>>)| {
            let stored = stored?;
            Some(stored.facts_of(stored.product.variant(sku)?, &channel, &locale, &default))
        };
        Ok(skus.iter().zip(found).map(facts).collect())
    }
}

impl StoredProduct {
    fn facts_of(
        &self,
        variant: &Variant,
        channel: &ChannelKey,
        locale: &Locale,
        default: &Locale,
    ) -> VariantFacts {
        let product = &self.product;
        VariantFacts {
            sku: variant.sku.clone(),
            variant_id: variant.id,
            product_id: product.id,
            title: product.title.for_reader(locale, default).unwrap_or_default().to_owned(),
            options: product.selected_options(variant),
            image_url: product.image_of(variant).map(ToOwned::to_owned),
            tax_category: variant.tax_category.clone(),
            gtin: variant.gtin.clone(),
            weight_grams: if variant.shippable { variant.weight_grams } else { 0 },
            shippable: variant.shippable,
            published: product.is_published_in(channel),
        }
    }
}
