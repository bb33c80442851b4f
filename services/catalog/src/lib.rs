#![doc = include_str!("../README.md")]

mod commands;
mod graphql;
mod model;
mod projections;
mod service;
mod tree;

pub use commands::{
    CatalogRefusal,
    categories::DefineCategory,
    product_types::DefineProductType,
    products::{ProductDraft, ProductPatch, VariantDraft},
};
pub use graphql::schema;
pub use model::{
    AttributeDefinition, AttributeKind, AttributeLevel, AttributeValue, Category, Media, Product,
    ProductType, Texts, Variant, space,
};
pub use service::{
    CatalogError, CatalogService, ListProducts, ProductPage, ProductSort, StoredProduct, Upserted, Window,
};
pub use tree::CategoryTree;
