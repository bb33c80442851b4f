//! A catalogue to measure on.

use emporia::platform::Platform;
use emporia_catalog::{ProductDraft, Texts, VariantDraft};
use emporia_contracts::{
    context::system_meta,
    inventory::{Inventory, MovementLine, MovementReason, StockFact},
};
use emporia_money::UnitPrice;
use emporia_pricing::{Expected, SetPrice};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;

/// Variants of each product.
const VARIANTS: usize = 3;

/// An article that can be bought.
pub(crate) struct Article {
    pub(crate) slug: String,
    pub(crate) sku: String,
}

/// Puts so many products into the category `all`, each with stock for every measurement.
pub(crate) async fn seed(platform: &Platform, products: usize) -> Vec<Article> {
    let meta = system_meta("bench", "seed", None);
    let english: emporia_contracts::values::Locale = "en".parse().unwrap();
    let sku = |product: usize, variant: usize| format!("BENCH-{product:05}-{variant}");
    let draft = |product: usize| ProductDraft {
        external_id: None,
        product_type: "goods".parse().unwrap(),
        slug: format!("bench-{product:05}").parse().unwrap(),
        title: Texts::of(english.clone(), format!("Article {product}")),
        description: Texts::of(
            english.clone(),
            "A sentence or two about the article, as shops have them. ".repeat(4),
        ),
        attributes: BTreeMap::new(),
        options: vec!["Colour".into()],
        variants: (0..VARIANTS)
            .map(|variant| VariantDraft {
                sku: sku(product, variant).parse().unwrap(),
                gtin: None,
                options: vec![["Red", "Green", "Blue"][variant].into()],
                attributes: BTreeMap::new(),
                tax_category: "standard".parse().unwrap(),
                weight_grams: 250,
                shippable: true,
                image: None,
            })
            .collect(),
        media: vec![],
        categories: vec!["all".parse().unwrap()],
        position: 10 + i32::try_from(product).unwrap(),
        published_in: Some(vec!["eu".parse().unwrap()]),
    };
    platform.catalog.upsert_products((0..products).map(draft).collect(), meta.clone()).await.unwrap();
    let all: Vec<(usize, String)> = (0..products)
        .flat_map(|product| (0..VARIANTS).map(move |variant| (product, sku(product, variant))))
        .collect();
    let price = |(product, sku): &(usize, String)| SetPrice {
        channel: "eu".parse().unwrap(),
        sku: sku.parse().unwrap(),
        unit: UnitPrice::parse(&format!("{}.90", 5 + product % 90), "EUR".parse().unwrap()).unwrap(),
        compare_at: None,
        valid_from: None,
        valid_until: None,
        expected: Expected::Anything,
    };
    platform.pricing.set_prices(all.iter().map(price).collect(), meta.clone()).await.unwrap();
    let receipts = all.chunks(60).enumerate().map(|(number, chunk)| StockFact {
        external_id: format!("bench/{number}").parse().unwrap(),
        location: "warehouse".parse().unwrap(),
        reason: MovementReason::Receipt,
        lines: chunk
            .iter()
            .map(|(_, sku)| MovementLine { sku: sku.parse().unwrap(), delta: 10_000_000 })
            .collect(),
        at: platform.store.clock().now(),
        meta: meta.clone(),
    });
    let record = |fact| platform.inventory.record(fact);
    stream::iter(receipts).map(record).buffer_unordered(32).try_collect::<()>().await.unwrap();
    all.into_iter().map(|(product, sku)| Article { slug: format!("bench-{product:05}"), sku }).collect()
}
