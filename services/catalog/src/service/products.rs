//! One product at a time: making, changing, publishing.

use crate::{
    commands::{
        CatalogRefusal,
        products::{self, ProductDraft, ProductPatch, Surroundings},
    },
    model::{Claim, Claimed, Product},
    service::{CatalogError, CatalogService, Room, StoredProduct},
};
use emporia_contracts::{
    catalog::{ProductCreated, ProductUpdated},
    ids::ProductId,
};
use emporia_events::EventMeta;
use emporia_store::{Key, Once, StoreError, Tx, Version};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// SKUs that one transaction may add and remove together.
pub(crate) const SKUS: usize = 80;

/// Who has a name, as the transaction has read or written it.
pub(crate) type Claims = HashMap<Key, Option<ProductId>>;

impl CatalogService {
    /// Makes a product. With an idempotency key, doing it again gives the first one back.
    ///
    /// # Errors
    /// [`CatalogError::Refused`] says which rule it breaks; [`StoreError::IdempotencyKeyReused`].
    pub async fn create_product(
        &self,
        draft: ProductDraft,
        once: Option<Once>,
        meta: EventMeta,
    ) -> Result<Arc<StoredProduct>, CatalogError> {
        let made = self
            .to_the_end(async move |room: Arc<Room>| {
                let channels = room.channels().await?;
                let (this, draft, channels, meta) = (&room, &draft, &channels, &meta);
                let act = |tx: Tx| async move {
                    let (tree, types) = (this.tree_within(&tx).await?, this.types.load_full());
                    let (ids, now) = (&this.ids, this.space.clock().now());
                    let around = Surroundings { types: &types, tree: &tree, channels, ids, now };
                    let Some(product) = products::shape(None, draft, &around)? else {
                        return Err(CatalogRefusal::Twice.into());
                    };
                    this.write_alone(&tx, None, &product, meta).await?;
                    Ok::<_, CatalogError>(product.id)
                };
                match once {
                    Some(once) => Ok(this.space.transact_once(once, act).await?.value),
                    None => this.space.transact(act).await,
                }
            })
            .await?;
        self.existing(made).await
    }

    /// Changes a product; what the patch leaves out stays. Idempotent: what is so already changes nothing.
    ///
    /// # Errors
    /// [`CatalogError::Refused`] says which rule it breaks, or that it is another version by now.
    pub async fn update_product(
        &self,
        id: ProductId,
        patch: ProductPatch,
        expected: Option<Version>,
        meta: EventMeta,
    ) -> Result<Arc<StoredProduct>, CatalogError> {
        self.to_the_end(async move |room: Arc<Room>| {
            let channels = room.channels().await?;
            let (this, patch, channels, meta) = (&room, &patch, &channels, &meta);
            let landed = room
                .space
                .transact_versioned(|tx| async move {
                    let (tree, types) = (this.tree_within(&tx).await?, this.types.load_full());
                    let found = tx.get::<Product>(&Product::key_of(id)).await?;
                    let before = found.ok_or(CatalogRefusal::UnknownProduct(id))?;
                    if let Some(expected) = expected.filter(|expected| *expected != before.version) {
                        let (expected, actual) = (expected.get(), before.version.get());
                        return Err(CatalogRefusal::VersionConflict { expected, actual }.into());
                    }
                    let (ids, now) = (&this.ids, this.space.clock().now());
                    let around = Surroundings { types: &types, tree: &tree, channels, ids, now };
                    let draft = before.patched(patch, &around);
                    let Some(product) = products::shape(Some(&before), &draft, &around)? else {
                        return Ok((before.version, before.value));
                    };
                    this.write_alone(&tx, Some(&before), &product, meta).await?;
                    Ok::<_, CatalogError>((before.version, product))
                })
                .await?;
            let (read, product) = landed.value;
            Ok(room.memory.keep(StoredProduct { version: landed.version.unwrap_or(read), product }))
        })
        .await
    }

    pub(crate) async fn existing(&self, id: ProductId) -> Result<Arc<StoredProduct>, CatalogError> {
        let found = self.products(&[id]).await?.pop().flatten();
        found.ok_or_else(|| CatalogRefusal::UnknownProduct(id).into())
    }
}

impl Room {
    async fn write_alone(
        &self,
        tx: &Tx,
        before: Option<&Product>,
        product: &Product,
        meta: &EventMeta,
    ) -> Result<(), CatalogError> {
        if products::part_way(before, product, SKUS).is_some() {
            let reason = format!("add and remove at most {SKUS} variants at once");
            return Err(CatalogRefusal::too_much("variants", reason).into());
        }
        let mut claims = Claims::new();
        self.read_claims(tx, &mut claims, wanted(before, product).into_iter().map(|(key, _)| key)).await?;
        Ok(self.write(tx, before, product, &mut claims, meta)??)
    }

    /// Reads who has these names, those that are not known yet.
    pub(crate) async fn read_claims(
        &self,
        tx: &Tx,
        claims: &mut Claims,
        keys: impl Iterator<Item = Key>,
    ) -> Result<(), StoreError> {
        let keys: Vec<Key> = keys.filter(|key| !claims.contains_key(key)).collect();
        let found = tx.get_many::<Claim>(&keys).await?;
        claims.extend(keys.into_iter().zip(found.into_iter().map(|claim| claim.map(|claim| claim.product))));
        Ok(())
    }

    /// Writes a product with its names and its event, if all names that it wants are free. The names must have been
    /// read into `claims`. A refusal has written nothing.
    pub(crate) fn write(
        &self,
        tx: &Tx,
        before: Option<&Product>,
        product: &Product,
        claims: &mut Claims,
        meta: &EventMeta,
    ) -> Result<Result<(), CatalogRefusal>, StoreError> {
        let wanted = wanted(before, product);
        for (key, name) in &wanted {
            if let Some(Some(other)) = claims.get(key).filter(|holder| **holder != Some(product.id)) {
                return Ok(Err(match *name {
                    Claimed::Sku(sku) => CatalogRefusal::SkuTaken { sku: sku.clone(), product: *other },
                    Claimed::Slug(slug) => CatalogRefusal::SlugTaken(slug.clone()),
                    Claimed::ExternalId(id) => CatalogRefusal::ExternalIdTaken(id.clone()),
                }));
            }
        }
        match if before.is_some() { tx.put(product) } else { tx.insert(product) } {
            Err(StoreError::TooLarge { size, limit, .. }) => {
                let reason =
                    format!("the product has {size} bytes, at most {limit} are allowed: shorten its texts");
                return Ok(Err(CatalogRefusal::too_much("", reason)));
            }
            outcome => outcome?,
        }
        for (key, name) in wanted {
            tx.put(&name.by(product.id))?;
            claims.insert(key, Some(product.id));
        }
        for key in given_up(before, product) {
            tx.delete(&key)?;
            claims.insert(key, None);
        }
        let facts = product.facts();
        match before {
            None => self.emit(tx, &ProductCreated { product: facts }, meta)?,
            Some(_) => self.emit(tx, &ProductUpdated { product: facts }, meta)?,
        }
        Ok(Ok(()))
    }
}

/// Names that the product has now and had not before.
pub(crate) fn wanted<'a>(before: Option<&Product>, product: &'a Product) -> Vec<(Key, Claimed<'a>)> {
    let had: HashSet<_> = before.iter().flat_map(|b| &b.variants).map(|v| &v.sku).collect();
    let skus = product.variants.iter().map(|v| &v.sku).filter(|sku| !had.contains(sku)).map(Claimed::Sku);
    let slug = before.is_none_or(|b| b.slug != product.slug).then_some(Claimed::Slug(&product.slug));
    let known = before.and_then(|b| b.external_id.as_ref());
    let external = product.external_id.as_ref().filter(|id| known != Some(*id)).map(Claimed::ExternalId);
    slug.into_iter().chain(external).chain(skus).map(|name| (name.key(), name)).collect()
}

/// Names that the product had before and has no more.
pub(crate) fn given_up(before: Option<&Product>, product: &Product) -> Vec<Key> {
    let Some(before) = before else { return vec![] };
    let has: HashSet<_> = product.variants.iter().map(|v| &v.sku).collect();
    let skus = before.variants.iter().map(|v| &v.sku).filter(|sku| !has.contains(sku)).map(Claimed::Sku);
    let slug = (before.slug != product.slug).then_some(Claimed::Slug(&before.slug));
    slug.into_iter().chain(skus).map(Claimed::key).collect()
}
