//! A small assortment with numbers that tests can rely on.

use emporia::platform::Platform;
use emporia_catalog::{DefineCategory, DefineProductType, ProductDraft, Texts, VariantDraft};
use emporia_checkout::{DeliveryOption, DeliveryRate};
use emporia_contracts::{
    channels::{ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    inventory::{Inventory, MovementLine, MovementReason, StockFact},
    values::Locale,
};
use emporia_inventory::{Location, LocationKind};
use emporia_money::{Money, Rounding, UnitPrice};
use emporia_pricing::{Expected, SetPrice};
use emporia_tax::TaxRate;
use std::{collections::BTreeMap, fmt::Debug, str::FromStr};

fn key<T: FromStr<Err = E>, E: Debug>(text: &str) -> T {
    text.parse().unwrap()
}

/// SKU, title, price in euro, dollars, yen; units in the warehouse.
type Article<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, i64);

const ARTICLES: [Article<'_>; 6] = [
    ("SHIRT-RED", "Red shirt", "19.99", "18.50", "2980", 100),
    ("SHIRT-BLUE", "Blue shirt", "19.99", "18.50", "2980", 100),
    ("MUG", "Mug", "7.50", "7.00", "1200", 50),
    ("TEAPOT", "Teapot", "34.95", "32.00", "5800", 3),
    ("LAST-ONE", "The last one", "10.00", "9.00", "1500", 1),
    ("BOOK", "Book", "12.00", "11.00", "1800", 1000),
];

/// Defines channels `eu`, `us` and `jp`, two locations, tax, delivery, and six articles with prices and stock.
pub async fn seed(platform: &Platform) {
    let meta = system_meta("test", "seed", None);
    let english: Locale = key("en");
    for (channel, currency, kind, countries, prefix) in [
        ("eu", "EUR", PriceKind::Gross, "DE FR", "EU"),
        ("jp", "JPY", PriceKind::Gross, "JP", "JP"),
        ("us", "USD", PriceKind::Net, "US", "US"),
    ] {
        let facts = ChannelFacts {
            key: key(channel),
            name: channel.into(),
            currency: key(currency),
            price_kind: kind,
            default_locale: english.clone(),
            locales: vec![english.clone(), key("de")],
            countries: countries.split(' ').map(key).collect(),
            rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
            stock_pool: vec![key("warehouse"), key("store")],
            order_prefix: prefix.into(),
            time_zone: "UTC".into(),
        };
        platform.channels.define(facts, meta.clone()).await.unwrap();
        let currency = key(currency);
        let rate = |from, charge| DeliveryRate {
            from: Money::new(from, currency),
            charge: Money::new(charge, currency),
        };
        let option = DeliveryOption {
            key: "standard".into(),
            channel: key(channel),
            names: BTreeMap::from([
                ("en".to_owned(), "Parcel".to_owned()),
                ("de".to_owned(), "Paket".to_owned()),
            ]),
            countries: vec![],
            max_weight_grams: None,
            rates: vec![rate(0, 490), rate(10_000, 0)],
            tax_category: key("shipping"),
            days: (2, 4),
            position: 1,
        };
        platform.checkout.define_delivery_options(&[option], &meta).await.unwrap();
    }
    for (location, kind) in [("warehouse", LocationKind::Warehouse), ("store", LocationKind::Store)] {
        let location = Location { key: key(location), name: location.into(), kind, country: key("DE") };
        platform.inventory.define_location(location).await.unwrap();
    }
    let mut rates = vec![];
    for (country, standard, reduced) in
        [("DE", "0.19", "0.07"), ("FR", "0.20", "0.055"), ("JP", "0.10", "0.08"), ("US", "0.08", "0")]
    {
        for (category, rate) in [("standard", standard), ("reduced", reduced), ("shipping", standard)] {
            rates.push(TaxRate {
                country: key(country),
                category: key(category),
                name: format!("{country} {category}"),
                rate: key(rate),
                valid_from: None,
                valid_until: None,
            });
        }
    }
    platform.tax.define_rates(rates, meta.clone()).await.unwrap();
    let goods = DefineProductType {
        key: key("goods"),
        name: Texts::of(english.clone(), "Goods"),
        attributes: vec![],
    };
    platform.catalog.define_product_type(goods, meta.clone()).await.unwrap();
    let all = DefineCategory {
        id: None,
        slug: key("all"),
        name: Texts::of(english.clone(), "All"),
        parent: None,
        position: 1,
    };
    platform.catalog.define_category(all, meta.clone()).await.unwrap();
    assort(platform, &ARTICLES, "opening").await;
}

/// Adds so many articles: `MORE-001`, `MORE-002` …, five euros and 100 units each.
pub async fn more(platform: &Platform, count: usize) {
    let skus: Vec<String> = (1..=count).map(|n| format!("MORE-{n:03}")).collect();
    let articles: Vec<Article<'_>> =
        skus.iter().map(|sku| (&**sku, &**sku, "5.00", "4.50", "700", 100)).collect();
    for (number, some) in articles.chunks(50).enumerate() {
        assort(platform, some, &format!("more-{count}-{number}")).await;
    }
}

/// Puts articles into the catalogue, with prices, and units in the warehouse.
async fn assort(platform: &Platform, articles: &[Article<'_>], opening: &str) {
    let meta = system_meta("test", "seed", None);
    let english: Locale = key("en");
    let draft = |(position, a): (usize, &Article<'_>)| ProductDraft {
        external_id: None,
        product_type: key("goods"),
        slug: key(&a.0.to_lowercase()),
        title: Texts::of(english.clone(), a.1),
        description: Texts::of(english.clone(), a.1),
        attributes: BTreeMap::new(),
        options: vec![],
        variants: vec![VariantDraft {
            sku: key(a.0),
            gtin: None,
            options: vec![],
            attributes: BTreeMap::new(),
            tax_category: key(if a.0 == "BOOK" { "reduced" } else { "standard" }),
            weight_grams: 200,
            shippable: true,
            image: None,
        }],
        media: vec![],
        categories: vec![key("all")],
        position: i32::try_from(position).unwrap(),
        published_in: Some(vec![key("eu"), key("jp"), key("us")]),
    };
    platform
        .catalog
        .upsert_products(articles.iter().enumerate().map(draft).collect(), meta.clone())
        .await
        .unwrap();
    let mut prices = vec![];
    for article in articles {
        for (channel, currency, price) in
            [("eu", "EUR", article.2), ("us", "USD", article.3), ("jp", "JPY", article.4)]
        {
            prices.push(SetPrice {
                channel: key(channel),
                sku: key(article.0),
                unit: UnitPrice::parse(price, key(currency)).unwrap(),
                compare_at: None,
                valid_from: None,
                valid_until: None,
                expected: Expected::Anything,
            });
        }
    }
    for set in platform.pricing.set_prices(prices, meta.clone()).await.unwrap() {
        set.unwrap();
    }
    let opening = StockFact {
        external_id: key(opening),
        location: key("warehouse"),
        reason: MovementReason::Receipt,
        lines: articles.iter().map(|a| MovementLine { sku: key(a.0), delta: a.5 }).collect(),
        at: platform.store.clock().now(),
        meta,
    };
    platform.inventory.record(opening).await.unwrap();
}
