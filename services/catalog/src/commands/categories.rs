use crate::{
    commands::{CatalogRefusal, checks},
    model::{Category, Texts},
    tree::{CategoryTree, DEPTH},
};
use emporia_contracts::{catalog::CategoryDefined, ids::CategoryId, values::Slug};
use emporia_id::Ids;

/// Children that a category, and roots that the tree may have; and categories in all.
const MOST: usize = 20_000;

/// Defines a category, or changes the one with the id or, without an id, the slug.
#[derive(Debug, Clone)]
pub struct DefineCategory {
    /// Which one, to give it another slug.
    pub id: Option<CategoryId>,
    /// Its name in addresses of pages: unique.
    pub slug: Slug,
    /// Its name for people.
    pub name: Texts,
    /// Slug of its parent; none for a root.
    pub parent: Option<Slug>,
    /// Place among its siblings, ascending.
    pub position: i32,
}

/// Defines a category. `None` in the second place when nothing would change.
pub(crate) fn define(
    tree: &CategoryTree,
    wanted: &DefineCategory,
    ids: &Ids,
) -> Result<(Category, Option<CategoryDefined>), CatalogRefusal> {
    checks::title("name", &wanted.name, 120)?;
    let holder = tree.by_slug(&wanted.slug);
    let before = match wanted.id {
        Some(id) => Some(tree.get(id).ok_or_else(|| CatalogRefusal::UnknownCategory(id.to_string()))?),
        None => holder,
    };
    if holder.is_some_and(|holder| before.is_none_or(|before| before.id != holder.id)) {
        return Err(CatalogRefusal::SlugTaken(wanted.slug.clone()));
    }
    let unknown = |slug: &Slug| CatalogRefusal::UnknownCategory(slug.to_string());
    let parent =
        wanted.parent.as_ref().map(|slug| tree.by_slug(slug).ok_or_else(|| unknown(slug))).transpose()?;
    let path = parent.map(|parent| tree.path(parent.id)).unwrap_or_default();
    if before.is_some_and(|before| path.iter().any(|above| above.id == before.id)) {
        return Err(CatalogRefusal::Cycle(wanted.slug.clone()));
    }
    if path.len() + 1 + before.map_or(0, |before| tree.height(before.id)) > DEPTH {
        return Err(CatalogRefusal::too_much("parent", format!("the tree has at most {DEPTH} levels")));
    }
    if before.is_none() {
        checks::at_most("", tree.len() + 1, MOST, "categories")?;
    }
    let parent = parent.map(|parent| parent.id);
    let category = Category {
        id: before.map_or_else(|| ids.next(), |before| before.id),
        slug: wanted.slug.clone(),
        name: wanted.name.clone(),
        parent,
        position: wanted.position,
        relist: before.is_some_and(|before| before.relist || before.parent != parent),
    };
    if before.is_some_and(|before| **before == category) {
        return Ok((category, None));
    }
    let event = CategoryDefined {
        category_id: category.id,
        parent_id: category.parent,
        slug: category.slug.clone(),
        name: category.name.neutral().to_owned(),
    };
    Ok((category, Some(event)))
}
