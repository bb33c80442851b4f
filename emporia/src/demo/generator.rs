//! Makes the sample retailer: the same every time, from one seed.

use crate::demo::assortment::{COLOURS, LEAVES, Leaf, MAKES, Range};
use emporia_catalog::{DefineCategory, ProductDraft, Texts, VariantDraft};
use emporia_contracts::values::{ChannelKey, Gtin, Locale, Sku, Slug, TaxCategory};
use emporia_money::{Currency, Money, UnitPrice};
use std::collections::BTreeMap;

/// Products per leaf category: 36 × 34 leaves are 1,224.
const PER_LEAF: usize = 36;

/// A small deterministic generator (SplitMix64, Steele et al. 2014): samples need no quality of randomness.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low + 1).unsigned_abs().max(1);
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }
}

/// A variant with its prices and stock.
pub(crate) struct SampleVariant {
    pub(crate) sku: Sku,
    /// Per channel key.
    pub(crate) prices: Vec<(&'static str, UnitPrice)>,
    /// Per location key.
    pub(crate) stock: Vec<(&'static str, i64)>,
}

/// All that the sample retailer sells.
pub(crate) struct Sample {
    pub(crate) categories: Vec<DefineCategory>,
    pub(crate) products: Vec<ProductDraft>,
    pub(crate) variants: Vec<SampleVariant>,
}

/// What went wrong in making the sample: a defect of the table.
#[derive(Debug, thiserror::Error)]
#[error("the sample's table is wrong at {place}: {what}")]
pub struct SampleError {
    place: String,
    what: String,
}

fn checked<T, E: std::fmt::Display>(place: &str, value: Result<T, E>) -> Result<T, SampleError> {
    value.map_err(|e| SampleError { place: place.to_owned(), what: e.to_string() })
}

fn key<T: std::str::FromStr<Err = E>, E: std::fmt::Display>(text: &str) -> Result<T, SampleError> {
    checked(text, text.parse())
}

/// Makes the sample.
pub(crate) fn sample() -> Result<Sample, SampleError> {
    let (en, de): (Locale, Locale) = (key("en")?, key("de")?);
    let mut sample = Sample { categories: vec![], products: vec![], variants: vec![] };
    let mut seen: Vec<String> = vec![];
    for (number, leaf) in LEAVES.iter().enumerate() {
        let mut parent: Option<Slug> = None;
        let mut slug = String::new();
        for (depth, (part, name_en, name_de)) in leaf.path.iter().enumerate() {
            // Groups such as "women" stand below several departments: their slugs carry the department's.
            slug = if depth == 1 { format!("{}-{part}", leaf.path[0].0) } else { (*part).to_owned() };
            if !seen.contains(&slug) {
                seen.push(slug.clone());
                sample.categories.push(DefineCategory {
                    id: None,
                    slug: key(&slug)?,
                    name: Texts::of(en.clone(), *name_en).with(de.clone(), *name_de),
                    parent: parent.clone(),
                    position: i32::try_from(seen.len()).unwrap_or(0),
                });
            }
            parent = Some(key(&slug)?);
        }
        let mut dice = Dice(7 + number as u64);
        for index in 0..PER_LEAF {
            product(&mut sample, leaf, &slug, number * PER_LEAF + index, index, &mut dice, (&en, &de))?;
        }
    }
    Ok(sample)
}

fn product(
    sample: &mut Sample,
    leaf: &Leaf,
    category: &str,
    serial: usize,
    index: usize,
    dice: &mut Dice,
    (en, de): (&Locale, &Locale),
) -> Result<(), SampleError> {
    let (noun_en, noun_de) = leaf.nouns[index % leaf.nouns.len()];
    let make = MAKES[index % MAKES.len()];
    let slug =
        format!("{}-{}", noun_en.to_lowercase().replace("'s", "s").replace(' ', "-"), make.to_lowercase());
    let code = format!("{}{:02}", leaf.code, index + 1);
    // Prices end in 90 or 95 cents, as people expect them.
    let euro = dice.between(leaf.cents.0 / 100, leaf.cents.1 / 100) * 100
        + if dice.next().is_multiple_of(3) { 95 } else { 90 };
    let mut variants = vec![];
    for (at, (suffix, options)) in choices(leaf.range, index).into_iter().enumerate() {
        let sku: Sku = key(&format!("{code}{suffix}"))?;
        let extra =
            if leaf.range == Range::Pack { euro * i64::try_from(at).unwrap_or(0) * 9 / 10 } else { 0 };
        sample.variants.push(SampleVariant {
            sku: sku.clone(),
            prices: prices(euro + extra)?,
            stock: stock(dice),
        });
        variants.push(VariantDraft {
            sku,
            gtin: Some(gtin(serial * 16 + at)?),
            options,
            attributes: BTreeMap::new(),
            tax_category: key::<TaxCategory, _>(leaf.tax)?,
            weight_grams: leaf.grams
                * if leaf.range == Range::Pack { u32::try_from(at).unwrap_or(0) + 1 } else { 1 },
            shippable: true,
            image: None,
        });
    }
    let publish = |channel: &str| key::<ChannelKey, _>(channel);
    let mut published_in = vec![publish("eu")?, publish("us")?];
    // The Japanese shop carries a part of the range.
    if index.is_multiple_of(2) {
        published_in.push(publish("jp")?);
    }
    let options = match leaf.range {
        Range::ColourSize | Range::ColourShoe => vec!["Colour".to_owned(), "Size".to_owned()],
        Range::Colour => vec!["Colour".to_owned()],
        Range::Pack => vec!["Pack".to_owned()],
        Range::Single => vec![],
    };
    sample.products.push(ProductDraft {
        external_id: Some(key(&format!("sample/{code}"))?),
        product_type: key("sample-goods")?,
        slug: key(&slug_of(&slug, leaf.code))?,
        title: Texts::of(en.clone(), format!("{noun_en} {make}"))
            .with(de.clone(), format!("{noun_de} {make}")),
        description: Texts::of(
            en.clone(),
            format!("{noun_en} by {make}, made to be used every day and mended when it must be."),
        )
        .with(de.clone(), format!("{noun_de} von {make}, für jeden Tag gemacht und leicht zu reparieren.")),
        attributes: [(key::<Slug, _>("make")?, make.to_owned())].into(),
        options,
        variants,
        media: vec![],
        categories: vec![key(category)?],
        position: i32::try_from(index).unwrap_or(0),
        published_in: Some(published_in),
    });
    Ok(())
}

/// Two leaves may have the same noun and make: the leaf's code keeps their slugs apart.
fn slug_of(slug: &str, code: &str) -> String {
    format!("{slug}-{}", code.to_lowercase())
}

fn choices(range: Range, index: usize) -> Vec<(String, Vec<String>)> {
    let colours = |count: usize| (0..count).map(move |i| COLOURS[(index + i) % COLOURS.len()].0);
    let short = |colour: &str| colour[..3].to_uppercase();
    let sizes: &[&str] = match range {
        Range::ColourSize => &["S", "M", "L", "XL"],
        Range::ColourShoe => &["38", "40", "42", "44"],
        _ => &[],
    };
    match range {
        Range::ColourSize | Range::ColourShoe => colours(2)
            .flat_map(|c| {
                sizes.iter().map(move |s| (format!("-{}-{s}", short(c)), vec![c.to_owned(), (*s).to_owned()]))
            })
            .collect(),
        Range::Colour => colours(3).map(|c| (format!("-{}", short(c)), vec![c.to_owned()])).collect(),
        Range::Pack => ["1", "2", "3"].map(|n| (format!("-{n}"), vec![format!("{n} ×")])).into(),
        Range::Single => vec![(String::new(), vec![])],
    }
}

/// Prices of the three channels from one in euro cents: gross, net, and yen with all digits whole.
fn prices(cents: i64) -> Result<Vec<(&'static str, UnitPrice)>, SampleError> {
    let currency = |code: &str| key::<Currency, _>(code);
    let usd = cents * 93 / 100 / 100 * 100 + 95;
    let yen = cents * 165 / 100 / 10 * 10;
    Ok(vec![
        ("eu", Money::new(cents, currency("EUR")?).into()),
        ("us", Money::new(usd, currency("USD")?).into()),
        ("jp", Money::new(yen, currency("JPY")?).into()),
    ])
}

fn stock(dice: &mut Dice) -> Vec<(&'static str, i64)> {
    // One variant in twenty is sold out somewhere, as in life.
    let level =
        |dice: &mut Dice, most: i64| if dice.next().is_multiple_of(20) { 0 } else { dice.between(1, most) };
    vec![
        ("rotterdam", level(dice, 400)),
        ("reno", level(dice, 250)),
        ("berlin-mitte", level(dice, 12)),
        ("paris-marais", level(dice, 12)),
        ("new-york-soho", level(dice, 12)),
        ("tokyo-ginza", level(dice, 40)),
    ]
}

/// A GTIN-13 of the range for restricted circulation (prefix 20, GS1 General Specifications 2.1.11).
fn gtin(serial: usize) -> Result<Gtin, SampleError> {
    let head = format!("20{serial:010}");
    let sum: u32 =
        head.bytes().rev().zip([3u32, 1].into_iter().cycle()).map(|(d, w)| u32::from(d - b'0') * w).sum();
    key(&format!("{head}{}", (10 - sum % 10) % 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_sample_is_large_unique_and_the_same_every_time() {
        let (a, b) = (sample().unwrap(), sample().unwrap());
        assert!(a.products.len() >= 1_200, "{}", a.products.len());
        let skus: BTreeSet<_> = a.variants.iter().map(|v| v.sku.clone()).collect();
        let slugs: BTreeSet<_> = a.products.iter().map(|p| p.slug.clone()).collect();
        let gtins: BTreeSet<_> =
            a.products.iter().flat_map(|p| &p.variants).map(|v| v.gtin.clone()).collect();
        assert_eq!((skus.len(), gtins.len()), (a.variants.len(), a.variants.len()));
        assert_eq!(slugs.len(), a.products.len());
        assert_eq!(a.products, b.products);
        assert!(a.categories.len() > 50);
    }
}
