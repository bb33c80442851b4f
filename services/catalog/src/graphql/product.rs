use crate::{
    graphql::{
        attributes::{GraphProductType, ProductAttribute, attributes},
        category::{GraphCategory, nodes},
        reader::{self, Translation},
    },
    model::{Texts, Variant},
    service::{CatalogService, ProductSort, StoredProduct},
};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use emporia_subgraph::{DateTime, Eager, access::*};
use std::sync::Arc;

/// The order of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "ProductSort")]
pub enum ProductOrder {
    /// As the merchant placed them.
    #[default]
    Position,
    /// Newest first.
    Newest,
    /// By title, in the channel's language.
    Title,
}

/// An option of a product with its choices.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProductOption {
    /// The option: `Colour`.
    name: String,
    /// Its choices, in the order of the variants.
    values: Vec<String>,
}

/// A choice that makes a variant.
#[derive(Debug, Clone, SimpleObject)]
pub struct VariantOption {
    /// The option: `Colour`.
    name: String,
    /// The choice: `Red`.
    value: String,
}

/// A picture or film of a product.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProductMedia {
    /// Where it is.
    url: String,
    /// What it shows, in the language of the request; empty when nobody said.
    alt: String,
}

/// A product with its variants.
pub struct GraphProduct(pub(super) Arc<StoredProduct>);

impl GraphProduct {
    fn variant(&self, place: usize) -> Eager<GraphVariant> {
        Eager(GraphVariant { stored: Arc::clone(&self.0), place })
    }
}

/// A product with its variants.
#[Object(name = "Product")]
impl GraphProduct {
    /// Its id.
    async fn id(&self) -> ID {
        self.0.product.id.to_string().into()
    }

    /// Its name in addresses of pages: unique.
    async fn slug(&self) -> String {
        self.0.product.slug.to_string()
    }

    /// Its title in the language of the request, or the nearest there is.
    async fn title(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(reader::text(ctx, &self.0.product.title)?.unwrap_or_default().to_owned())
    }

    /// Its description in the language of the request, or the nearest there is.
    async fn description(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(reader::text(ctx, &self.0.product.description)?.map(ToOwned::to_owned))
    }

    /// Its type.
    #[graphql(name = "type")]
    async fn product_type(&self, ctx: &Context<'_>) -> Result<Option<GraphProductType>> {
        let types = ctx.data::<CatalogService>()?.product_types();
        Ok(types.get(&self.0.product.product_type).cloned().map(GraphProductType))
    }

    /// Attributes that all variants share.
    async fn attributes(&self, ctx: &Context<'_>) -> Result<Vec<ProductAttribute>> {
        attributes(ctx, &self.0.product.product_type, &self.0.product.attributes)
    }

    /// Its options with their choices.
    async fn options(&self) -> Vec<ProductOption> {
        let product = &self.0.product;
        let option = |(place, name): (usize, &String)| {
            let mut values: Vec<String> = vec![];
            for value in product.variants.iter().filter_map(|v| v.options.get(place)) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            ProductOption { name: name.clone(), values }
        };
        product.options.iter().enumerate().map(option).collect()
    }

    /// Its variants, in the order in which they are shown.
    async fn variants(&self) -> Vec<Eager<GraphVariant>> {
        (0..self.0.product.variants.len()).map(|place| self.variant(place)).collect()
    }

    /// The variant of a SKU, when the product has it.
    async fn variant_by_sku(
        &self,
        #[graphql(desc = "Stock keeping unit.")] sku: String,
    ) -> Option<Eager<GraphVariant>> {
        let place = self.0.product.variants.iter().position(|v| v.sku.as_str() == sku)?;
        Some(self.variant(place))
    }

    /// Pictures, the main one first.
    async fn media(&self, ctx: &Context<'_>) -> Result<Vec<ProductMedia>> {
        let alt = |texts: &Texts| reader::text(ctx, texts).map(|text| text.unwrap_or_default().to_owned());
        self.0
            .product
            .media
            .iter()
            .map(|m| Ok(ProductMedia { url: m.url.clone(), alt: alt(&m.alt)? }))
            .collect()
    }

    /// Categories that it was put in, the main one first.
    async fn categories(&self, ctx: &Context<'_>) -> Result<Vec<GraphCategory>> {
        let tree = ctx.data::<CatalogService>()?.categories();
        Ok(self
            .0
            .product
            .categories
            .iter()
            .filter_map(|id| tree.get(*id).cloned())
            .map(GraphCategory)
            .collect())
    }

    /// From the root to its main category.
    async fn breadcrumb(&self, ctx: &Context<'_>) -> Result<Vec<GraphCategory>> {
        let tree = ctx.data::<CatalogService>()?.categories();
        Ok(self.0.product.categories.first().map(|id| nodes(&tree.path(*id))).unwrap_or_default())
    }

    /// Grows with every change; for `expectedVersion`.
    async fn version(&self) -> String {
        self.0.version.to_string()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.product.created_at.into()
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime {
        self.0.product.updated_at.into()
    }

    /// Another system's id, when it came from there.
    #[graphql(directive = requires_scopes::apply(scope(reader::SEES_ALL)))]
    async fn external_id(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        reader::only_staff(ctx)?;
        Ok(self.0.product.external_id.as_ref().map(ToString::to_string))
    }

    /// Keys of the channels in which it is published.
    #[graphql(directive = requires_scopes::apply(scope(reader::SEES_ALL)))]
    async fn published_in(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        reader::only_staff(ctx)?;
        Ok(self.0.product.published_in().map(ToString::to_string).collect())
    }

    /// Place in listings, ascending.
    #[graphql(directive = requires_scopes::apply(scope(reader::SEES_ALL)))]
    async fn position(&self, ctx: &Context<'_>) -> Result<i32> {
        reader::only_staff(ctx)?;
        Ok(self.0.product.position)
    }

    /// Its title in every language.
    #[graphql(directive = requires_scopes::apply(scope(reader::SEES_ALL)))]
    async fn title_translations(&self, ctx: &Context<'_>) -> Result<Vec<Translation>> {
        reader::only_staff(ctx)?;
        Ok(reader::translations(&self.0.product.title))
    }

    /// Its description in every language.
    #[graphql(directive = requires_scopes::apply(scope(reader::SEES_ALL)))]
    async fn description_translations(&self, ctx: &Context<'_>) -> Result<Vec<Translation>> {
        reader::only_staff(ctx)?;
        Ok(reader::translations(&self.0.product.description))
    }
}

/// What is sold: one choice of a product's options.
pub struct GraphVariant {
    pub(super) stored: Arc<StoredProduct>,
    /// Which of the product's variants it is.
    pub(super) place: usize,
}

impl GraphVariant {
    fn variant(&self) -> &Variant {
        &self.stored.product.variants[self.place]
    }
}

/// What is sold: one choice of a product's options.
#[Object(name = "ProductVariant")]
impl GraphVariant {
    /// Stock keeping unit.
    async fn sku(&self) -> String {
        self.variant().sku.to_string()
    }

    /// Its id.
    async fn id(&self) -> ID {
        self.variant().id.to_string().into()
    }

    /// The product's title in the language of the request; its options tell it from its siblings.
    async fn title(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(reader::text(ctx, &self.stored.product.title)?.unwrap_or_default().to_owned())
    }

    /// Its choices.
    async fn options(&self) -> Vec<Eager<VariantOption>> {
        let options = self.stored.product.selected_options(self.variant());
        options.into_iter().map(|o| Eager(VariantOption { name: o.name, value: o.value })).collect()
    }

    /// Trade item number (GTIN-8, -12, -13 or -14).
    async fn gtin(&self) -> Option<String> {
        self.variant().gtin.as_ref().map(ToString::to_string)
    }

    /// Address of its picture, or of the product's main one.
    async fn image(&self) -> Option<String> {
        self.stored.product.image_of(self.variant()).map(ToOwned::to_owned)
    }

    /// Its own attributes.
    async fn attributes(&self, ctx: &Context<'_>) -> Result<Vec<ProductAttribute>> {
        attributes(ctx, &self.stored.product.product_type, &self.variant().attributes)
    }

    /// Weight of one unit in grams.
    async fn weight_grams(&self) -> i32 {
        i32::try_from(self.variant().weight_grams).unwrap_or(i32::MAX)
    }

    /// Whether it has to be delivered.
    async fn shippable(&self) -> bool {
        self.variant().shippable
    }

    /// Class of goods for tax.
    #[graphql(directive = requires_scopes::apply(scope(reader::SEES_ALL)))]
    async fn tax_category(&self, ctx: &Context<'_>) -> Result<String> {
        reader::only_staff(ctx)?;
        Ok(self.variant().tax_category.to_string())
    }

    /// Its product.
    async fn product(&self) -> GraphProduct {
        // Not eager: a product has variants, and futures that hold each other need a box between.
        GraphProduct(Arc::clone(&self.stored))
    }
}
