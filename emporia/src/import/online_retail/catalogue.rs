//! What the file says about articles and customers, put together before anything is replayed.

use crate::import::online_retail::{Class, Row, class::kind};
use emporia_catalog::{ProductDraft, Texts, VariantDraft};
use emporia_contracts::{
    orders::LineKind,
    values::{ChannelKey, Locale, Sku, Slug, TaxCategory},
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Display,
    str::FromStr,
    sync::Arc,
};

/// An article of the file.
pub(crate) struct Article {
    pub(crate) sku: Sku,
    pub(crate) title: String,
    /// The price that most of its rows have, in pounds.
    pub(crate) price: Decimal,
    /// Units that must have been there at the beginning, for stock never to be below zero.
    pub(crate) opening: i64,
}

pub(crate) fn parsed<T: FromStr<Err = E>, E: Display>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: E| e.to_string())
}

/// The SKU of a code: codes of charges have spaces.
pub(crate) fn sku(code: &str) -> Result<Sku, String> {
    parsed(&code.replace(' ', "-"))
}

/// The most frequent of many.
fn most<T: Ord + Clone>(counts: &BTreeMap<T, usize>) -> Option<T> {
    counts.iter().max_by_key(|(_, count)| **count).map(|(value, _)| value.clone())
}

/// Every article of the file. `rows` are in the order of time.
pub(crate) fn articles(rows: &[&Row]) -> Result<Vec<Article>, String> {
    #[derive(Default)]
    struct Seen {
        titles: BTreeMap<Arc<str>, usize>,
        prices: BTreeMap<Decimal, usize>,
        balance: i64,
        lowest: i64,
    }
    let mut seen: BTreeMap<Arc<str>, Seen> = BTreeMap::new();
    for row in rows.iter().filter(|row| kind(&row.code) == LineKind::Goods) {
        let article = seen.entry(row.code.clone()).or_default();
        let class = Class::of(row);
        if matches!(class, Class::Sale | Class::Return) {
            if !row.description.is_empty() {
                *article.titles.entry(row.description.clone()).or_default() += 1;
            }
            if row.price > Decimal::ZERO {
                *article.prices.entry(row.price).or_default() += 1;
            }
        }
        // Sales go out, returns come in with a negative quantity, write-offs go out with one.
        article.balance += if class == Class::WriteOff { row.quantity } else { -row.quantity };
        article.lowest = article.lowest.min(article.balance);
    }
    let article = |(code, seen): (Arc<str>, Seen)| {
        Ok(Article {
            sku: sku(&code)?,
            title: most(&seen.titles).map_or_else(|| format!("Article {code}"), |title| title.to_string()),
            price: most(&seen.prices).unwrap_or_default(),
            opening: -seen.lowest,
        })
    };
    seen.into_iter().map(article).collect()
}

/// Customers by number.
pub(crate) fn customers(rows: &[&Row]) -> BTreeSet<u32> {
    rows.iter().filter_map(|row| row.customer).collect()
}

/// Products to be put into the catalogue: one of one variant for every article.
pub(crate) fn drafts(articles: &[Article], channel: &ChannelKey) -> Result<Vec<ProductDraft>, String> {
    let english: Locale = parsed("en")?;
    let mut slugs: HashMap<String, usize> = HashMap::new();
    let mut drafts = Vec::with_capacity(articles.len());
    for (position, article) in articles.iter().enumerate() {
        // Some codes differ only in the case of a letter: their slugs are told apart by a number.
        let plain = slug(&format!("{} {}", article.title, article.sku));
        let count = slugs.entry(plain.clone()).or_default();
        *count += 1;
        let slug: Slug = parsed(&if *count == 1 { plain } else { format!("{plain}-{count}") })?;
        drafts.push(ProductDraft {
            external_id: Some(parsed(&format!("online-retail/{}", article.sku))?),
            product_type: parsed("giftware")?,
            slug,
            title: Texts::of(english.clone(), article.title.clone()),
            description: Texts::of(english.clone(), article.title.clone()),
            attributes: BTreeMap::new(),
            options: vec![],
            variants: vec![VariantDraft {
                sku: article.sku.clone(),
                gtin: None,
                options: vec![],
                attributes: BTreeMap::new(),
                tax_category: parsed::<TaxCategory, _>("standard")?,
                weight_grams: 0,
                shippable: true,
                image: None,
            }],
            media: vec![],
            categories: vec![parsed("giftware")?],
            position: i32::try_from(position).unwrap_or(i32::MAX),
            published_in: Some(vec![channel.clone()]),
        });
    }
    Ok(drafts)
}

/// Lower-case letters, digits and single hyphens, at most 110 of them.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.chars().take(110).collect::<String>().trim_matches('-').to_owned()
}
