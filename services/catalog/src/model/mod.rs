//! What the catalogue keeps.

mod attributes;
mod category;
mod claim;
mod product;
mod product_type;
mod texts;

pub use attributes::{AttributeDefinition, AttributeKind, AttributeLevel, AttributeValue};
pub use category::Category;
pub(crate) use category::TreeRevision;
pub(crate) use claim::{Claim, Claimed};
pub(crate) use product::{LISTING_NEWEST, LISTING_POSITION, LISTING_TITLE};
pub use product::{Media, Product, Variant};
pub use product_type::ProductType;
pub use texts::Texts;

use emporia_store::SpaceSchema;

/// The key-space of this service.
pub fn space() -> SpaceSchema {
    SpaceSchema::new("catalog")
        .with(emporia_subgraph::audit_entries)
        .schema(1)
        .collection::<ProductType>()
        .index("product_types")
        .collection::<Category>()
        .index("categories")
        .index("categories_to_relist")
        .collection::<TreeRevision>()
        .collection::<Product>()
        .index("newest")
        .index("in_category")
        .index(LISTING_POSITION)
        .index(LISTING_NEWEST)
        .index(LISTING_TITLE)
        .collection::<Claim>()
}
