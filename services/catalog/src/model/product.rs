use crate::model::{AttributeValue, Texts};
use emporia_contracts::{
    catalog::{ProductFacts, SelectedOption},
    ids::{CategoryId, ProductId, VariantId},
    values::{ChannelKey, ExternalId, Gtin, Sku, Slug, TaxCategory},
};
use emporia_store::{Document, IndexEntry, IndexKey, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) const LISTING_POSITION: &str = "listing_position";
pub(crate) const LISTING_NEWEST: &str = "listing_newest";
pub(crate) const LISTING_TITLE: &str = "listing_title";

/// A picture or film of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where it is: an http address or a path of this site.
    pub url: String,
    /// What it shows, for those who do not see it.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub alt: Texts,
}

/// What is sold: one choice of a product's options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// Its stock keeping unit: unique in the catalogue, never changes.
    pub sku: Sku,
    /// Its trade item number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<Gtin>,
    /// Its choices, in the order of the product's options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Its own attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Slug, AttributeValue>,
    /// Class of goods for tax.
    pub tax_category: TaxCategory,
    /// Weight of one unit in grams.
    pub weight_grams: u32,
    /// Whether it has to be delivered.
    pub shippable: bool,
    /// Its own picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// A product with its variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Another system's id, when it came from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Key of its type.
    pub product_type: Slug,
    /// Its name in addresses of pages: unique.
    pub slug: Slug,
    /// Its title.
    pub title: Texts,
    /// Its description.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub description: Texts,
    /// Attributes that all variants share.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Slug, AttributeValue>,
    /// Names of its options: `Colour`, `Size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Its variants, in the order in which they are shown.
    pub variants: Vec<Variant>,
    /// Pictures, the main one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// Categories that it was put in, the main one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryId>,
    /// Those and all their ancestors: where it is listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) listed_under: Vec<CategoryId>,
    /// Place in listings, ascending.
    pub position: i32,
    /// Where it is published, with the text by which it is sorted there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) publications: BTreeMap<ChannelKey, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Product {
    pub(crate) fn key_of(id: ProductId) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }

    /// Whether shoppers of the channel see it.
    pub fn is_published_in(&self, channel: &ChannelKey) -> bool {
        self.publications.contains_key(channel)
    }

    /// Where it is published.
    pub fn published_in(&self) -> impl Iterator<Item = &ChannelKey> {
        self.publications.keys()
    }

    /// The variant of that SKU.
    pub fn variant(&self, sku: &Sku) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.sku == *sku)
    }

    /// The choices that make a variant.
    pub fn selected_options(&self, variant: &Variant) -> Vec<SelectedOption> {
        let pairs = self.options.iter().zip(&variant.options);
        pairs.map(|(name, value)| SelectedOption { name: name.clone(), value: value.clone() }).collect()
    }

    /// The variant's picture, else the product's main one.
    pub fn image_of<'a>(&'a self, variant: &'a Variant) -> Option<&'a str> {
        variant.image.as_deref().or_else(|| self.media.first().map(|media| media.url.as_str()))
    }

    pub(crate) fn facts(&self) -> ProductFacts {
        ProductFacts {
            product_id: self.id,
            external_id: self.external_id.as_ref().map(ToString::to_string),
            slug: self.slug.clone(),
            title: self.title.neutral().to_owned(),
            categories: self.categories.clone(),
            skus: self.variants.iter().map(|v| v.sku.clone()).collect(),
            published_in: self.publications.keys().cloned().collect(),
        }
    }

    /// The beginning of listing keys: a channel, and a category or, empty, the whole channel.
    pub(crate) fn listing(channel: &ChannelKey, category: Option<CategoryId>) -> IndexKey {
        let category = category.map(|id| id.to_string()).unwrap_or_default();
        IndexKey::new().text(channel.as_str()).text(&category)
    }
}

impl Document for Product {
    const COLLECTION: &'static str = "product";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let mut entries = vec![IndexEntry::new("newest", IndexKey::new().time(self.created_at))];
        let in_category =
            |id: &CategoryId| IndexEntry::new("in_category", IndexKey::new().text(&id.to_string()));
        entries.extend(self.categories.iter().map(in_category));
        for (channel, title) in &self.publications {
            let places = std::iter::once(None).chain(self.listed_under.iter().copied().map(Some));
            for place in places.map(|category| Self::listing(channel, category)) {
                let position = place.clone().int(self.position.into());
                entries.push(IndexEntry::new(LISTING_POSITION, position));
                entries.push(IndexEntry::new(LISTING_NEWEST, place.clone().time(self.created_at)));
                entries.push(IndexEntry::new(LISTING_TITLE, place.text(title)));
            }
        }
        entries
    }
}
