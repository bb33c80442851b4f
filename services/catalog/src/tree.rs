use crate::model::Category;
use emporia_contracts::{ids::CategoryId, values::Slug};
use emporia_store::Version;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Levels that the tree may have.
pub(crate) const DEPTH: usize = 12;

/// All categories in memory. A tree never changes; a changed category makes a new one.
#[derive(Debug, Default)]
pub struct CategoryTree {
    pub(crate) revision: Option<Version>,
    by_id: HashMap<CategoryId, Arc<Category>>,
    by_slug: HashMap<Slug, CategoryId>,
    children: HashMap<Option<CategoryId>, Vec<Arc<Category>>>,
}

impl CategoryTree {
    pub(crate) fn new(revision: Option<Version>, categories: Vec<Category>) -> Self {
        let mut tree = Self { revision, ..Self::default() };
        for category in categories.into_iter().map(Arc::new) {
            tree.by_slug.insert(category.slug.clone(), category.id);
            tree.children.entry(category.parent).or_default().push(category.clone());
            tree.by_id.insert(category.id, category);
        }
        for siblings in tree.children.values_mut() {
            siblings.sort_by(|a, b| (a.position, &a.slug).cmp(&(b.position, &b.slug)));
        }
        tree
    }

    /// The category of that id.
    pub fn get(&self, id: CategoryId) -> Option<&Arc<Category>> {
        self.by_id.get(&id)
    }

    /// The category of that slug.
    pub fn by_slug(&self, slug: &Slug) -> Option<&Arc<Category>> {
        self.by_id.get(self.by_slug.get(slug)?)
    }

    /// The children of a category, or the roots, in their order.
    pub fn children(&self, parent: Option<CategoryId>) -> &[Arc<Category>] {
        self.children.get(&parent).map(Vec::as_slice).unwrap_or_default()
    }

    /// From the root to the category itself.
    pub fn path(&self, id: CategoryId) -> Vec<Arc<Category>> {
        let up = std::iter::successors(self.get(id), |category| self.get(category.parent?));
        // Commands refuse cycles and deeper trees; the bound keeps damaged data from running in circles.
        let mut path: Vec<_> = up.take(DEPTH).cloned().collect();
        path.reverse();
        path
    }

    /// The category and everything below it.
    pub fn subtree(&self, id: CategoryId) -> Vec<CategoryId> {
        let (mut found, mut next) = (vec![id], 0);
        let mut seen = BTreeSet::from([id]);
        while let Some(parent) = found.get(next).copied() {
            next += 1;
            found.extend(self.children(Some(parent)).iter().map(|c| c.id).filter(|id| seen.insert(*id)));
        }
        found
    }

    /// Levels below the category: 0 for a leaf.
    pub(crate) fn height(&self, id: CategoryId) -> usize {
        let own = self.path(id).len();
        self.subtree(id).iter().map(|below| self.path(*below).len()).max().unwrap_or(own).saturating_sub(own)
    }

    /// The categories and all their ancestors, each once, in a fixed order.
    pub(crate) fn with_ancestors(&self, categories: &[CategoryId]) -> Vec<CategoryId> {
        let all: BTreeSet<_> = categories.iter().flat_map(|id| self.path(*id)).map(|c| c.id).collect();
        all.into_iter().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Every category, parents before children, siblings in their order.
    pub fn all(&self) -> Vec<Arc<Category>> {
        let mut all: Vec<Arc<Category>> = self.children(None).to_vec();
        let mut next = 0;
        while let Some(parent) = all.get(next).map(|c| c.id) {
            next += 1;
            all.extend_from_slice(self.children(Some(parent)));
        }
        all
    }
}
