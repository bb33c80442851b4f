use crate::model::Texts;
use emporia_contracts::{ids::CategoryId, values::Slug};
use emporia_store::{Document, IndexEntry, IndexKey, Key};
use serde::{Deserialize, Serialize};

/// A node of the catalogue's tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    /// The category.
    pub id: CategoryId,
    /// Its name in addresses of pages: unique.
    pub slug: Slug,
    /// Its name for people.
    pub name: Texts,
    /// Its parent; none for a root.
    pub parent: Option<CategoryId>,
    /// Place among its siblings, ascending.
    pub position: i32,
    /// It was moved, and products below it may still be listed under its former ancestors.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) relist: bool,
}

impl Category {
    pub(crate) fn key_of(id: CategoryId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }
}

impl Document for Category {
    const COLLECTION: &'static str = "category";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let mut entries = vec![IndexEntry::new("categories", IndexKey::new().text(self.slug.as_str()))];
        if self.relist {
            entries.push(IndexEntry::new("categories_to_relist", IndexKey::new()));
        }
        entries
    }
}

/// Changes with every change of the tree. Whoever decides something by the tree reads this in the same transaction, so
/// that the tree cannot change under the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TreeRevision {
    pub(crate) revision: u64,
}

impl TreeRevision {
    pub(crate) fn key_of() -> Key {
        Key::of(Self::COLLECTION, "tree")
    }
}

impl Document for TreeRevision {
    const COLLECTION: &'static str = "tree-revision";

    fn key(&self) -> Key {
        Self::key_of()
    }
}
