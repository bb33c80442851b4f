use crate::{
    commands::{CatalogRefusal, checks},
    model::{AttributeLevel, AttributeValue, Media, Product, ProductType, Texts, Variant},
    tree::CategoryTree,
};
use emporia_contracts::{
    channels::Channel,
    ids::CategoryId,
    values::{ChannelKey, ExternalId, Gtin, Sku, Slug, TaxCategory},
};
use emporia_id::Ids;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Variants of one product.
pub(crate) const VARIANTS: usize = 250;
/// The heaviest unit: 100 tonnes.
const HEAVIEST: u32 = 100_000_000;

/// A product as somebody wants it: the whole of it, except where it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDraft {
    /// Another system's id: by it the product is found again. Without one, by its slug.
    pub external_id: Option<ExternalId>,
    /// Key of its type.
    pub product_type: Slug,
    /// Its name in addresses of pages.
    pub slug: Slug,
    /// Its title.
    pub title: Texts,
    /// Its description.
    pub description: Texts,
    /// Values of its attributes, as text.
    pub attributes: BTreeMap<Slug, String>,
    /// Names of its options.
    pub options: Vec<String>,
    /// Its variants.
    pub variants: Vec<VariantDraft>,
    /// Pictures, the main one first.
    pub media: Vec<Media>,
    /// Slugs of its categories, the main one first.
    pub categories: Vec<Slug>,
    /// Place in listings, ascending.
    pub position: i32,
    /// Where it is published; absent leaves that as it is.
    pub published_in: Option<Vec<ChannelKey>>,
}

/// A variant as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantDraft {
    /// Its stock keeping unit.
    pub sku: Sku,
    /// Its trade item number.
    pub gtin: Option<Gtin>,
    /// Its choices, in the order of the product's options.
    pub options: Vec<String>,
    /// Values of its attributes, as text.
    pub attributes: BTreeMap<Slug, String>,
    /// Class of goods for tax.
    pub tax_category: TaxCategory,
    /// Weight of one unit in grams.
    pub weight_grams: u32,
    /// Whether it has to be delivered.
    pub shippable: bool,
    /// Its own picture.
    pub image: Option<String>,
}

/// Changes of a product: what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ProductPatch {
    /// Another slug.
    pub slug: Option<Slug>,
    /// Another title, in all languages.
    pub title: Option<Texts>,
    /// Another description, in all languages.
    pub description: Option<Texts>,
    /// Other attributes, all of them.
    pub attributes: Option<BTreeMap<Slug, String>>,
    /// Other options, all of them.
    pub options: Option<Vec<String>>,
    /// Other variants, all of them.
    pub variants: Option<Vec<VariantDraft>>,
    /// Other pictures, all of them.
    pub media: Option<Vec<Media>>,
    /// Other categories, all of them.
    pub categories: Option<Vec<Slug>>,
    /// Another place in listings.
    pub position: Option<i32>,
    /// Publish here.
    pub publish: Vec<ChannelKey>,
    /// And no longer here.
    pub unpublish: Vec<ChannelKey>,
}

/// What a product is decided by, beside itself.
pub(crate) struct Surroundings<'a> {
    pub(crate) types: &'a BTreeMap<Slug, ProductType>,
    pub(crate) tree: &'a CategoryTree,
    pub(crate) channels: &'a BTreeMap<ChannelKey, Channel>,
    pub(crate) ids: &'a Ids,
    pub(crate) now: Timestamp,
}

/// The product that a draft makes of what was there. `None` when nothing would change. Names that must be unique in the
/// catalogue are not looked at here.
pub(crate) fn shape(
    before: Option<&Product>,
    draft: &ProductDraft,
    around: &Surroundings<'_>,
) -> Result<Option<Product>, CatalogRefusal> {
    let kind = around.types.get(&draft.product_type);
    let kind = kind.ok_or_else(|| CatalogRefusal::UnknownType(draft.product_type.clone()))?;
    checks::title("title", &draft.title, 300)?;
    checks::prose("description", &draft.description, 20_000)?;
    check_options(draft)?;
    checks::at_most("media", draft.media.len(), 50, "media")?;
    for (place, media) in draft.media.iter().enumerate() {
        checks::url(&format!("media.{place}.url"), &media.url)?;
        checks::prose(&format!("media.{place}.alt"), &media.alt, 300)?;
    }
    let categories = categories(draft, around.tree)?;
    let product = Product {
        id: before.map_or_else(|| around.ids.next(), |b| b.id),
        external_id: draft.external_id.clone().or_else(|| before.and_then(|b| b.external_id.clone())),
        product_type: draft.product_type.clone(),
        slug: draft.slug.clone(),
        title: draft.title.clone(),
        description: draft.description.clone(),
        attributes: attributes(kind, AttributeLevel::Product, "attributes", &draft.attributes)?,
        options: draft.options.clone(),
        variants: variants(before, draft, kind, around.ids)?,
        media: draft.media.clone(),
        listed_under: around.tree.with_ancestors(&categories),
        categories,
        position: draft.position,
        publications: publications(before, draft, around.channels)?,
        created_at: before.map_or(around.now, |b| b.created_at),
        updated_at: before.map_or(around.now, |b| b.updated_at),
    };
    if before == Some(&product) {
        return Ok(None);
    }
    Ok(Some(Product { updated_at: around.now, ..product }))
}

fn check_options(draft: &ProductDraft) -> Result<(), CatalogRefusal> {
    checks::at_most("options", draft.options.len(), 5, "options")?;
    for (place, option) in draft.options.iter().enumerate() {
        let field = format!("options.{place}");
        checks::line(&field, option, 60)?;
        if draft.options.iter().take(place).any(|other| other == option) {
            return Err(CatalogRefusal::invalid(field, "comes twice"));
        }
    }
    if draft.variants.is_empty() {
        return Err(CatalogRefusal::invalid("variants", "a product has at least one variant"));
    }
    checks::at_most("variants", draft.variants.len(), VARIANTS, "variants")?;
    let mut choices: HashMap<&[String], usize> = HashMap::with_capacity(draft.variants.len());
    let mut skus: HashSet<&Sku> = HashSet::with_capacity(draft.variants.len());
    for (place, variant) in draft.variants.iter().enumerate() {
        if !skus.insert(&variant.sku) {
            return Err(CatalogRefusal::invalid(format!("variants.{place}.sku"), "comes twice"));
        }
        let field = format!("variants.{place}.options");
        if variant.options.len() != draft.options.len() {
            let reason = format!(
                "has {} choices, the product has {} options",
                variant.options.len(),
                draft.options.len()
            );
            return Err(CatalogRefusal::invalid(field, reason));
        }
        variant.options.iter().try_for_each(|choice| checks::line(&field, choice, 100))?;
        if let Some(other) = choices.insert(&variant.options, place) {
            return Err(CatalogRefusal::invalid(field, format!("are the same as those of variants.{other}")));
        }
    }
    Ok(())
}

fn categories(draft: &ProductDraft, tree: &CategoryTree) -> Result<Vec<CategoryId>, CatalogRefusal> {
    checks::at_most("categories", draft.categories.len(), 20, "categories")?;
    let mut categories = Vec::with_capacity(draft.categories.len());
    for slug in &draft.categories {
        let category = tree.by_slug(slug).ok_or_else(|| CatalogRefusal::UnknownCategory(slug.to_string()))?;
        if !categories.contains(&category.id) {
            categories.push(category.id);
        }
    }
    Ok(categories)
}

fn attributes(
    kind: &ProductType,
    level: AttributeLevel,
    field: &str,
    texts: &BTreeMap<Slug, String>,
) -> Result<BTreeMap<Slug, AttributeValue>, CatalogRefusal> {
    let own = || kind.attributes.iter().filter(|definition| definition.level == level);
    if let Some(stranger) = texts.keys().find(|key| !own().any(|definition| definition.key == **key)) {
        let reason = format!("products of type {} have no such attribute here", kind.key);
        return Err(CatalogRefusal::invalid(format!("{field}.{stranger}"), reason));
    }
    let mut values = BTreeMap::new();
    for definition in own() {
        let field = || format!("{field}.{}", definition.key);
        match texts.get(&definition.key) {
            Some(text) => {
                let value = AttributeValue::parse(&definition.kind, text);
                let value = value.map_err(|reason| CatalogRefusal::invalid(field(), reason))?;
                values.insert(definition.key.clone(), value);
            }
            None if definition.required => return Err(CatalogRefusal::invalid(field(), "is required")),
            None => {}
        }
    }
    Ok(values)
}

fn variants(
    before: Option<&Product>,
    draft: &ProductDraft,
    kind: &ProductType,
    ids: &Ids,
) -> Result<Vec<Variant>, CatalogRefusal> {
    let known: HashMap<_, _> = before.iter().flat_map(|b| &b.variants).map(|v| (&v.sku, v.id)).collect();
    let variant = |(place, v): (usize, &VariantDraft)| {
        let field = |part: &str| format!("variants.{place}.{part}");
        if v.weight_grams > HEAVIEST {
            let reason = format!("is more than {HEAVIEST} grams");
            return Err(CatalogRefusal::too_much(field("weightGrams"), reason));
        }
        if let Some(image) = &v.image {
            checks::url(&field("image"), image)?;
        }
        Ok(Variant {
            id: known.get(&v.sku).copied().unwrap_or_else(|| ids.next()),
            sku: v.sku.clone(),
            gtin: v.gtin.clone(),
            options: v.options.clone(),
            attributes: attributes(kind, AttributeLevel::Variant, &field("attributes"), &v.attributes)?,
            tax_category: v.tax_category.clone(),
            weight_grams: v.weight_grams,
            shippable: v.shippable,
            image: v.image.clone(),
        })
    };
    draft.variants.iter().enumerate().map(variant).collect()
}

fn publications(
    before: Option<&Product>,
    draft: &ProductDraft,
    channels: &BTreeMap<ChannelKey, Channel>,
) -> Result<BTreeMap<ChannelKey, String>, CatalogRefusal> {
    let kept = || before.map(|b| b.publications.keys().cloned().collect()).unwrap_or_default();
    let wanted: Vec<ChannelKey> = draft.published_in.clone().unwrap_or_else(kept);
    let publication = |key: ChannelKey| {
        let channel = channels.get(&key).ok_or_else(|| CatalogRefusal::UnknownChannel(key.clone()))?;
        let title =
            draft.title.for_reader(&channel.default_locale, &channel.default_locale).unwrap_or_default();
        // As much as index keys hold; beyond it, products sort by their id.
        let sorted = title.trim().to_lowercase().chars().filter(|c| *c != '\0').take(80).collect();
        Ok((key, sorted))
    };
    wanted.into_iter().map(publication).collect()
}

impl Product {
    /// The draft that makes this product of itself.
    pub(crate) fn draft(&self, tree: &CategoryTree) -> ProductDraft {
        let texts = |values: &BTreeMap<Slug, AttributeValue>| {
            values.iter().map(|(key, value)| (key.clone(), value.to_string())).collect()
        };
        let variant = |v: &Variant| VariantDraft {
            sku: v.sku.clone(),
            gtin: v.gtin.clone(),
            options: v.options.clone(),
            attributes: texts(&v.attributes),
            tax_category: v.tax_category.clone(),
            weight_grams: v.weight_grams,
            shippable: v.shippable,
            image: v.image.clone(),
        };
        ProductDraft {
            external_id: self.external_id.clone(),
            product_type: self.product_type.clone(),
            slug: self.slug.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            attributes: texts(&self.attributes),
            options: self.options.clone(),
            variants: self.variants.iter().map(variant).collect(),
            media: self.media.clone(),
            categories: self
                .categories
                .iter()
                .filter_map(|id| tree.get(*id))
                .map(|c| c.slug.clone())
                .collect(),
            position: self.position,
            published_in: None,
        }
    }

    /// The draft that makes the patched product of this one.
    pub(crate) fn patched(&self, patch: &ProductPatch, around: &Surroundings<'_>) -> ProductDraft {
        fn put<T: Clone>(slot: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                slot.clone_from(value);
            }
        }
        let mut draft = self.draft(around.tree);
        // The type may have lost attributes since; values of those go with the next change.
        let defined =
            around.types.get(&self.product_type).map(|kind| kind.attributes.as_slice()).unwrap_or_default();
        draft.attributes.retain(|key, _| defined.iter().any(|d| d.key == *key));
        draft
            .variants
            .iter_mut()
            .for_each(|v| v.attributes.retain(|key, _| defined.iter().any(|d| d.key == *key)));
        put(&mut draft.slug, patch.slug.as_ref());
        put(&mut draft.title, patch.title.as_ref());
        put(&mut draft.description, patch.description.as_ref());
        put(&mut draft.attributes, patch.attributes.as_ref());
        put(&mut draft.options, patch.options.as_ref());
        put(&mut draft.variants, patch.variants.as_ref());
        put(&mut draft.media, patch.media.as_ref());
        put(&mut draft.categories, patch.categories.as_ref());
        put(&mut draft.position, patch.position.as_ref());
        let stays = |key: &&ChannelKey| !patch.unpublish.contains(key);
        draft.published_in =
            Some(self.publications.keys().chain(&patch.publish).filter(stays).cloned().collect());
        draft
    }
}

/// A product on its way from one form to another, with at most `most` SKUs more or fewer than before: a transaction
/// holds no more. `None` when the way is one step.
pub(crate) fn part_way(before: Option<&Product>, target: &Product, most: usize) -> Option<Product> {
    let old = before.map(|b| b.variants.as_slice()).unwrap_or_default();
    let had: HashSet<&Sku> = old.iter().map(|v| &v.sku).collect();
    let wanted: HashSet<&Sku> = target.variants.iter().map(|v| &v.sku).collect();
    let leaving: Vec<&Variant> = old.iter().filter(|v| !wanted.contains(&v.sku)).collect();
    let coming = target.variants.iter().filter(|v| !had.contains(&v.sku)).count();
    if leaving.len() + coming <= most {
        return None;
    }
    let stay_on = leaving.iter().skip(most).map(|v| (*v).clone());
    let mut room = most.saturating_sub(leaving.len());
    let there = target.variants.iter().filter(|v| {
        let take = had.contains(&v.sku) || room > 0;
        room -= usize::from(take && !had.contains(&v.sku));
        take
    });
    let mut variants: Vec<Variant> = there.cloned().collect();
    variants.extend(stay_on);
    Some(Product { variants, ..target.clone() })
}
