//! The catalogue: products, variants, categories.

use crate::{
    fault::Fault,
    ids::{CategoryId, ProductId, ProductTypeId, VariantId},
    values::{ChannelKey, Gtin, Locale, Sku, Slug, TaxCategory},
};
use emporia_events::EventPayload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A choice that makes a variant: colour red.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelectedOption {
    /// The option: `Colour`.
    pub name: String,
    /// The choice: `Red`.
    pub value: String,
}

/// What others need to know to sell a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariantFacts {
    /// The SKU.
    pub sku: Sku,
    /// The variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// The product's title in the language asked for, or the nearest there is.
    pub title: String,
    /// Options that tell it from its siblings.
    pub options: Vec<SelectedOption>,
    /// Its picture, or the product's.
    pub image_url: Option<String>,
    /// Class of goods for tax.
    pub tax_category: TaxCategory,
    /// Trade item number.
    pub gtin: Option<Gtin>,
    /// Weight of one unit in grams; 0 for what is not shipped.
    pub weight_grams: u32,
    /// Whether it has to be delivered (false: a service, a download).
    pub shippable: bool,
    /// Whether the product is published in the channel asked for.
    pub published: bool,
}

/// Asks for variants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VariantsRequest {
    /// Which.
    pub skus: Vec<Sku>,
    /// For which channel.
    pub channel: ChannelKey,
    /// In which language.
    pub locale: Locale,
}

/// What others may ask about the catalogue.
#[async_trait::async_trait]
pub trait Catalog: Send + Sync {
    /// A variant per SKU asked for, in that order; `None` where there is none.
    async fn variants(&self, request: VariantsRequest) -> Result<Vec<Option<VariantFacts>>, Fault>;
}

/// A product as events tell it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductFacts {
    /// The product.
    pub product_id: ProductId,
    /// Another system's id, when it came from there.
    pub external_id: Option<String>,
    /// Its slug.
    pub slug: Slug,
    /// Its title in the default language.
    pub title: String,
    /// The categories it is in.
    pub categories: Vec<CategoryId>,
    /// Its variants.
    pub skus: Vec<Sku>,
    /// Where it is published.
    pub published_in: Vec<ChannelKey>,
}

macro_rules! product_event {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The product as it is now.
            pub product: ProductFacts,
        }

        impl EventPayload for $name {
            const SOURCE: &'static str = "emporia.catalog";
            const DETAIL_TYPE: &'static str = stringify!($name);
            const SCHEMA: u32 = 1;

            fn subject(&self) -> String {
                format!("product/{}", self.product.product_id)
            }
        }
    };
}

product_event!(
    /// A product was made.
    ProductCreated
);
product_event!(
    /// A product's content, variants, categories or publication changed.
    ProductUpdated
);

/// A category was made or changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryDefined {
    /// The category.
    pub category_id: CategoryId,
    /// Its parent; absent for a root.
    pub parent_id: Option<CategoryId>,
    /// Its slug.
    pub slug: Slug,
    /// Its name in the default language.
    pub name: String,
}

impl EventPayload for CategoryDefined {
    const SOURCE: &'static str = "emporia.catalog";
    const DETAIL_TYPE: &'static str = "CategoryDefined";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        format!("category/{}", self.category_id)
    }
}

/// A product type was made or changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductTypeDefined {
    /// The product type.
    pub product_type_id: ProductTypeId,
    /// Its key: never changes.
    pub key: Slug,
    /// The keys of its attributes, in the order in which they are shown.
    pub attributes: Vec<Slug>,
}

impl EventPayload for ProductTypeDefined {
    const SOURCE: &'static str = "emporia.catalog";
    const DETAIL_TYPE: &'static str = "ProductTypeDefined";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        format!("product-type/{}", self.product_type_id)
    }
}
