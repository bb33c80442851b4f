use crate::model::{AttributeDefinition, Texts};
use emporia_contracts::{ids::ProductTypeId, values::Slug};
use emporia_store::{Document, IndexEntry, IndexKey, Key};
use serde::{Deserialize, Serialize};

/// A kind of product: which attributes its products have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductType {
    /// Its id.
    pub id: ProductTypeId,
    /// Its key: never changes.
    pub key: Slug,
    /// Its name for people.
    pub name: Texts,
    /// Attributes, in the order in which they are shown.
    pub attributes: Vec<AttributeDefinition>,
}

impl ProductType {
    pub(crate) fn key_of(key: &Slug) -> Key {
        Key::of(Self::COLLECTION, key.as_str())
    }
}

impl Document for ProductType {
    const COLLECTION: &'static str = "product-type";

    fn key(&self) -> Key {
        Self::key_of(&self.key)
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("product_types", IndexKey::new().text(self.key.as_str()))]
    }
}
