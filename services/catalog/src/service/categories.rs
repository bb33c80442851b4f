//! The tree of categories, and products that move with it.

use crate::{
    commands::{categories, categories::DefineCategory},
    model::{Category, Product, TreeRevision},
    service::{CatalogError, CatalogService, Room, StoredProduct},
    tree::CategoryTree,
};
use emporia_contracts::{catalog::ProductUpdated, context::system_meta};
use emporia_events::EventMeta;
use emporia_store::{Key, Query, StoreError, Tx, Versioned};
use std::sync::Arc;

/// Products that are listed anew in one transaction.
const BATCH: usize = 40;

impl CatalogService {
    /// Defines a category, or changes the one with the id or slug. Idempotent: the same again changes nothing. When a
    /// category moves, the products below it are listed under its new ancestors before this returns.
    ///
    /// # Errors
    /// [`CatalogError::Refused`] says which rule it breaks.
    pub async fn define_category(
        &self,
        wanted: DefineCategory,
        meta: EventMeta,
    ) -> Result<Category, CatalogError> {
        self.to_the_end(async move |room: Arc<Room>| {
            let (wanted, meta, this) = (&wanted, &meta, &room);
            let category = room
                .space
                .transact(|tx| async move {
                    let tree = this.tree_within(&tx).await?;
                    let (category, event) = categories::define(&tree, wanted, &this.ids)?;
                    if let Some(event) = event {
                        let key = TreeRevision::key_of();
                        let revision = tx.get::<TreeRevision>(&key).await?.map_or(0, |r| r.revision);
                        tx.put(&TreeRevision { revision: revision.wrapping_add(1) })?;
                        tx.overwrite(&category)?;
                        this.emit(&tx, &event, meta)?;
                    }
                    Ok::<_, CatalogError>(category)
                })
                .await?;
            room.reload_tree().await?;
            if category.relist {
                room.relist(&category).await?;
            }
            Ok(category)
        })
        .await
    }
}

impl Room {
    /// The tree as it is in the transaction: that it stays so is checked at commit.
    pub(crate) async fn tree_within(&self, tx: &Tx) -> Result<Arc<CategoryTree>, StoreError> {
        let revision = tx.get::<TreeRevision>(&TreeRevision::key_of()).await?.map(|found| found.version);
        let held = self.tree.load_full();
        if held.revision == revision { Ok(held) } else { self.reload_tree().await }
    }

    /// Reads the tree into memory; a tree that is older than the one there is let go of.
    pub(crate) async fn reload_tree(&self) -> Result<Arc<CategoryTree>, StoreError> {
        // The revision first: if the tree changes meanwhile, the next who needs it sees another one and reads again.
        let revision =
            self.space.get::<TreeRevision>(&TreeRevision::key_of()).await?.map(|found| found.version);
        let (mut all, mut after) = (vec![], None);
        loop {
            let page = self.space.query::<Category>(Query::index("categories").after(after)).await?;
            after = page.items.last().map(|(cursor, _)| cursor.clone()).filter(|_| page.has_more);
            all.extend(page.items.into_iter().map(|(_, found)| found.value));
            if after.is_none() {
                break;
            }
        }
        let tree = Arc::new(CategoryTree::new(revision, all));
        self.tree
            .rcu(|held| if held.revision > tree.revision { Arc::clone(held) } else { Arc::clone(&tree) });
        Ok(tree)
    }

    /// Lists the products below a moved category under its present ancestors, then takes the mark away. Cut off, it is
    /// done again at the next start.
    pub(crate) async fn relist(&self, moved: &Category) -> Result<(), StoreError> {
        let meta = system_meta("catalog-relist", self.ids.next_uuid().to_string(), None);
        let tree = self.tree.load_full();
        for category in tree.subtree(moved.id) {
            let mut after = None;
            loop {
                let prefix = emporia_store::IndexKey::new().text(&category.to_string());
                let products = Query::index("in_category").prefix(prefix).limit(BATCH).after(after);
                let page = self.space.query_keys::<Product>(products).await?;
                after = page.items.last().map(|(cursor, _)| cursor.clone()).filter(|_| page.has_more);
                let keys: Vec<Key> = page.items.into_iter().map(|(_, key)| key).collect();
                self.relist_batch(&keys, &meta).await?;
                if after.is_none() {
                    break;
                }
            }
        }
        let key = Category::key_of(moved.id);
        let key = &key;
        self.space
            .transact(|tx| async move {
                // Moved once more: whoever did that lists once more.
                let found = tx.get::<Category>(key).await?.filter(|c| c.relist && c.parent == moved.parent);
                match found {
                    Some(found) => tx.put(&Category { relist: false, ..found.value }),
                    None => Ok(()),
                }
            })
            .await?;
        self.reload_tree().await.map(drop)
    }

    async fn relist_batch(&self, keys: &[Key], meta: &EventMeta) -> Result<(), StoreError> {
        let this = self;
        let landed = self
            .space
            .transact_versioned(|tx| async move {
                let tree = this.tree_within(&tx).await?;
                let mut changed = vec![];
                for Versioned { value, .. } in tx.get_many::<Product>(keys).await?.into_iter().flatten() {
                    let listed_under = tree.with_ancestors(&value.categories);
                    if listed_under != value.listed_under {
                        let product = Product { listed_under, ..value };
                        tx.put(&product)?;
                        this.emit(&tx, &ProductUpdated { product: product.facts() }, meta)?;
                        changed.push(product);
                    }
                }
                Ok::<_, StoreError>(changed)
            })
            .await?;
        if let Some(version) = landed.version {
            landed
                .value
                .into_iter()
                .for_each(|product| drop(self.memory.keep(StoredProduct { version, product })));
        }
        Ok(())
    }
}
