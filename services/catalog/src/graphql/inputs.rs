use crate::{
    commands::products::{ProductDraft, ProductPatch, VariantDraft},
    graphql::attributes::{AttributeKind, GraphAttributeLevel},
    model::{self, AttributeDefinition, Media, Texts},
};
use async_graphql::{ID, InputObject, Result};
use emporia_contracts::values::{ChannelKey, Slug};
use emporia_subgraph::{bad_input, parse, parse_key};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// A text in one language.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct TranslationInput {
    /// Language (BCP 47).
    locale: String,
    /// The text in it.
    text: String,
}

/// A value of an attribute.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct AttributeValueInput {
    /// Key of the attribute.
    key: String,
    /// The value as text: a decimal such as `12.5`, `true` or `false`, a day such as `2026-11-24`, or the text itself.
    value: String,
}

/// A picture or film of a product.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct ProductMediaInput {
    /// Where it is: an http address, or a path of this site.
    url: String,
    /// What it shows, for those who do not see it.
    #[graphql(default)]
    alt: Vec<TranslationInput>,
}

/// A variant.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct ProductVariantInput {
    /// Stock keeping unit: unique in the catalogue.
    sku: String,
    /// Trade item number (GTIN-8, -12, -13 or -14).
    gtin: Option<String>,
    /// Its choices, in the order of the product's options.
    #[graphql(default)]
    options: Vec<String>,
    /// Values of its attributes.
    #[graphql(default)]
    attributes: Vec<AttributeValueInput>,
    /// Class of goods for tax.
    tax_category: String,
    /// Weight of one unit in grams.
    #[graphql(default)]
    weight_grams: i32,
    /// Whether it has to be delivered.
    #[graphql(default = true)]
    shippable: bool,
    /// Address of its own picture.
    image: Option<String>,
}

/// Makes a product.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct CreateProductInput {
    /// Another system's id, when it comes from there.
    external_id: Option<String>,
    /// Key of its type.
    product_type: String,
    /// Its name in addresses of pages: unique.
    slug: String,
    /// Its title, in at least one language.
    title: Vec<TranslationInput>,
    /// Its description.
    #[graphql(default)]
    description: Vec<TranslationInput>,
    /// Values of its attributes.
    #[graphql(default)]
    attributes: Vec<AttributeValueInput>,
    /// Names of its options, at most 5.
    #[graphql(default)]
    options: Vec<String>,
    /// Its variants: 1 to 80 at once, 250 in all.
    variants: Vec<ProductVariantInput>,
    /// Pictures, the main one first.
    #[graphql(default)]
    media: Vec<ProductMediaInput>,
    /// Slugs of its categories, the main one first.
    #[graphql(default)]
    categories: Vec<String>,
    /// Place in listings, ascending.
    #[graphql(default)]
    position: i32,
    /// Keys of the channels in which to publish it at once.
    #[graphql(default)]
    publish_in: Vec<String>,
    /// The same key with the same input gives the first product back.
    pub(super) idempotency_key: Option<String>,
}

/// Changes a product; what is absent stays.
#[derive(Debug, Clone, InputObject)]
pub struct UpdateProductInput {
    /// Its id.
    pub(super) id: ID,
    /// Refuse when it is another version by now.
    pub(super) expected_version: Option<String>,
    /// Another slug.
    slug: Option<String>,
    /// Another title, in all languages.
    title: Option<Vec<TranslationInput>>,
    /// Another description, in all languages.
    description: Option<Vec<TranslationInput>>,
    /// Other attributes, all of them.
    attributes: Option<Vec<AttributeValueInput>>,
    /// Other options, all of them; the variants have to fit.
    options: Option<Vec<String>>,
    /// Other variants, all of them; at most 80 may come and go at once.
    variants: Option<Vec<ProductVariantInput>>,
    /// Other pictures, all of them.
    media: Option<Vec<ProductMediaInput>>,
    /// Slugs of other categories, all of them.
    categories: Option<Vec<String>>,
    /// Another place in listings.
    position: Option<i32>,
}

/// Publishes a product, or takes it back.
#[derive(Debug, Clone, InputObject)]
pub struct PublishProductInput {
    /// Its id.
    pub(super) id: ID,
    /// Keys of the channels; the request's own when absent.
    pub(super) channels: Option<Vec<String>>,
    /// Refuse when it is another version by now.
    pub(super) expected_version: Option<String>,
}

/// An attribute that products of a type have.
#[derive(Debug, Clone, InputObject)]
pub struct AttributeDefinitionInput {
    /// Its key, unique within the type.
    key: String,
    /// Its name, in at least one language.
    name: Vec<TranslationInput>,
    /// What values it has.
    kind: AttributeKind,
    /// The list of values of an enum.
    #[graphql(default)]
    values: Vec<String>,
    /// Whether a product cannot be without it.
    #[graphql(default)]
    required: bool,
    /// Per product or per variant.
    #[graphql(default_with = "GraphAttributeLevel::Product")]
    level: GraphAttributeLevel,
}

/// Defines a product type, or changes the one with the key.
#[derive(Debug, Clone, InputObject)]
pub struct DefineProductTypeInput {
    /// Its key: never changes.
    pub(super) key: String,
    /// Its name, in at least one language.
    pub(super) name: Vec<TranslationInput>,
    /// Its attributes, all of them, in the order in which they are shown.
    #[graphql(default)]
    pub(super) attributes: Vec<AttributeDefinitionInput>,
}

/// Defines a category, or changes the one with the id or, without an id, the slug.
#[derive(Debug, Clone, InputObject)]
pub struct DefineCategoryInput {
    /// Which one, to give it another slug.
    pub(super) id: Option<ID>,
    /// Its name in addresses of pages: unique.
    pub(super) slug: String,
    /// Its name, in at least one language.
    pub(super) name: Vec<TranslationInput>,
    /// Slug of its parent; absent for a root.
    pub(super) parent: Option<String>,
    /// Place among its siblings, ascending.
    #[graphql(default)]
    pub(super) position: i32,
}

pub(super) fn all<T: FromStr<Err = E>, E: Display>(field: &str, texts: &[String]) -> Result<Vec<T>> {
    texts.iter().enumerate().map(|(place, text)| parse(&format!("{field}.{place}"), text)).collect()
}

pub(super) fn texts(field: &str, inputs: Vec<TranslationInput>) -> Result<Texts> {
    let mut texts = Texts::default();
    for (place, input) in inputs.into_iter().enumerate() {
        let locale = parse(&format!("{field}.{place}.locale"), &input.locale)?;
        if texts.iter().any(|(known, _)| *known == locale) {
            return Err(bad_input(format!("{field}.{place}.locale: comes twice")));
        }
        texts = texts.with(locale, input.text);
    }
    Ok(texts)
}

fn values(field: &str, inputs: Vec<AttributeValueInput>) -> Result<BTreeMap<Slug, String>> {
    let mut values = BTreeMap::new();
    for (place, input) in inputs.into_iter().enumerate() {
        let key = parse(&format!("{field}.{place}.key"), &input.key)?;
        if values.insert(key, input.value).is_some() {
            return Err(bad_input(format!("{field}.{place}.key: comes twice")));
        }
    }
    Ok(values)
}

fn media(inputs: Vec<ProductMediaInput>) -> Result<Vec<Media>> {
    let one = |(place, m): (usize, ProductMediaInput)| {
        Ok(Media { url: m.url, alt: texts(&format!("media.{place}.alt"), m.alt)? })
    };
    inputs.into_iter().enumerate().map(one).collect()
}

fn variants(inputs: Vec<ProductVariantInput>) -> Result<Vec<VariantDraft>> {
    let one = |(place, v): (usize, ProductVariantInput)| {
        let field = |part: &str| format!("variants.{place}.{part}");
        let weight = u32::try_from(v.weight_grams);
        Ok(VariantDraft {
            sku: parse(&field("sku"), &v.sku)?,
            gtin: parse_key(&field("gtin"), v.gtin.as_deref())?,
            options: v.options,
            attributes: values(&field("attributes"), v.attributes)?,
            tax_category: parse(&field("taxCategory"), &v.tax_category)?,
            weight_grams: weight
                .map_err(|_| bad_input(format!("{}: must not be negative", field("weightGrams"))))?,
            shippable: v.shippable,
            image: v.image,
        })
    };
    inputs.into_iter().enumerate().map(one).collect()
}

impl CreateProductInput {
    pub(super) fn draft(self) -> Result<ProductDraft> {
        Ok(ProductDraft {
            external_id: parse_key("externalId", self.external_id.as_deref())?,
            product_type: parse("productType", &self.product_type)?,
            slug: parse("slug", &self.slug)?,
            title: texts("title", self.title)?,
            description: texts("description", self.description)?,
            attributes: values("attributes", self.attributes)?,
            options: self.options,
            variants: variants(self.variants)?,
            media: media(self.media)?,
            categories: all("categories", &self.categories)?,
            position: self.position,
            published_in: Some(all::<ChannelKey, _>("publishIn", &self.publish_in)?),
        })
    }
}

impl UpdateProductInput {
    pub(super) fn patch(self) -> Result<ProductPatch> {
        Ok(ProductPatch {
            slug: parse_key("slug", self.slug.as_deref())?,
            title: self.title.map(|t| texts("title", t)).transpose()?,
            description: self.description.map(|t| texts("description", t)).transpose()?,
            attributes: self.attributes.map(|a| values("attributes", a)).transpose()?,
            options: self.options,
            variants: self.variants.map(variants).transpose()?,
            media: self.media.map(media).transpose()?,
            categories: self.categories.map(|c| all("categories", &c)).transpose()?,
            position: self.position,
            publish: vec![],
            unpublish: vec![],
        })
    }
}

impl AttributeDefinitionInput {
    pub(super) fn definition(self, field: &str) -> Result<AttributeDefinition> {
        if self.kind != AttributeKind::Enum && !self.values.is_empty() {
            return Err(bad_input(format!("{field}.values: only an enum has a list of values")));
        }
        Ok(AttributeDefinition {
            key: parse(&format!("{field}.key"), &self.key)?,
            name: texts(&format!("{field}.name"), self.name)?,
            kind: match self.kind {
                AttributeKind::Text => model::AttributeKind::Text,
                AttributeKind::Number => model::AttributeKind::Number,
                AttributeKind::Boolean => model::AttributeKind::Boolean,
                AttributeKind::Enum => model::AttributeKind::Enum { values: self.values },
                AttributeKind::Date => model::AttributeKind::Date,
            },
            required: self.required,
            level: self.level.into(),
        })
    }
}
