//! Puts the sample retailer into the rooms. The same again changes nothing.

use crate::{
    demo::generator::{SampleError, SampleVariant, sample},
    platform::Platform,
};
use emporia_catalog::{
    AttributeDefinition, AttributeKind, AttributeLevel, DefineProductType, Texts, Upserted,
};
use emporia_checkout::{DeliveryOption, DeliveryRate};
use emporia_contracts::{
    Principal,
    channels::{ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    inventory::{Inventory, MovementLine, MovementReason, StockFact},
    values::Locale,
};
use emporia_customers::{AccountRefusal, CustomersError, Registration};
use emporia_events::EventMeta;
use emporia_inventory::{Location, LocationKind};
use emporia_money::{Money, Rounding};
use emporia_pricing::{Expected, SetPrice};
use emporia_tax::TaxRate;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// The password of every sample account.
pub const DEMO_PASSWORD: &str = "demo-password";

/// Why the sample cannot be put in.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The table of the sample.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A room refuses.
    #[error("the sample cannot be put in: {0}")]
    Room(String),
}

fn room(error: impl Display) -> SeedError {
    SeedError::Room(error.to_string())
}

fn key<T: FromStr<Err = E>, E: Display>(text: &str) -> Result<T, SeedError> {
    text.parse().map_err(room)
}

fn keys<T: FromStr<Err = E>, E: Display>(texts: &str) -> Result<Vec<T>, SeedError> {
    texts.split(' ').map(key).collect()
}

/// Puts the sample retailer in.
///
/// # Errors
/// [`SeedError`] says which room refuses what.
pub async fn seed(platform: &Platform) -> Result<(), SeedError> {
    let meta = system_meta("demo", platform.ids.next_uuid().to_string(), None);
    channels(platform, &meta).await?;
    locations(platform).await?;
    tax(platform, &meta).await?;
    delivery(platform, &meta).await?;
    assortment(platform, &meta).await?;
    people(platform, &meta).await
}

async fn channels(platform: &Platform, meta: &EventMeta) -> Result<(), SeedError> {
    let rows = [
        (
            "eu",
            "Europe",
            "EUR",
            PriceKind::Gross,
            "en",
            "en de",
            "DE AT FR NL BE LU IT ES IE",
            RoundingPlace::Line,
            "rotterdam berlin-mitte paris-marais",
            "EU",
            "Europe/Berlin",
        ),
        (
            "jp",
            "Japan",
            "JPY",
            PriceKind::Gross,
            "en",
            "en",
            "JP",
            RoundingPlace::RateGroup,
            "tokyo-ginza rotterdam",
            "JP",
            "Asia/Tokyo",
        ),
        (
            "us",
            "United States",
            "USD",
            PriceKind::Net,
            "en",
            "en",
            "US CA",
            RoundingPlace::Line,
            "reno new-york-soho",
            "US",
            "America/New_York",
        ),
    ];
    for (channel, name, currency, price_kind, default, locales, countries, place, pool, prefix, zone) in rows
    {
        let facts = ChannelFacts {
            key: key(channel)?,
            name: name.into(),
            currency: key(currency)?,
            price_kind,
            default_locale: key(default)?,
            locales: keys(locales)?,
            countries: keys(countries)?,
            rounding: RoundingPolicy { mode: Rounding::HalfEven, place },
            stock_pool: keys(pool)?,
            order_prefix: prefix.into(),
            time_zone: zone.into(),
        };
        platform.channels.define(facts, meta.clone()).await.map_err(room)?;
    }
    Ok(())
}

async fn locations(platform: &Platform) -> Result<(), SeedError> {
    let rows = [
        ("rotterdam", "Rotterdam warehouse", LocationKind::Warehouse, "NL"),
        ("reno", "Reno warehouse", LocationKind::Warehouse, "US"),
        ("berlin-mitte", "Berlin Mitte", LocationKind::Store, "DE"),
        ("paris-marais", "Paris Marais", LocationKind::Store, "FR"),
        ("new-york-soho", "New York SoHo", LocationKind::Store, "US"),
        ("tokyo-ginza", "Tokyo Ginza", LocationKind::Store, "JP"),
    ];
    for (location, name, kind, country) in rows {
        let location = Location { key: key(location)?, name: name.into(), kind, country: key(country)? };
        platform.inventory.define_location(location).await.map_err(room)?;
    }
    Ok(())
}

/// Standard and reduced rates as of 2026; the American one stands for a state's sales tax.
async fn tax(platform: &Platform, meta: &EventMeta) -> Result<(), SeedError> {
    let rows = [
        ("DE", "0.19", "0.07"),
        ("AT", "0.20", "0.10"),
        ("FR", "0.20", "0.055"),
        ("NL", "0.21", "0.09"),
        ("BE", "0.21", "0.06"),
        ("LU", "0.17", "0.08"),
        ("IT", "0.22", "0.10"),
        ("ES", "0.21", "0.10"),
        ("IE", "0.23", "0.135"),
        ("JP", "0.10", "0.08"),
        ("US", "0.08", "0"),
        ("CA", "0.05", "0"),
    ];
    let mut rates = vec![];
    for (country, standard, reduced) in rows {
        for (category, rate) in
            [("standard", standard), ("reduced", reduced), ("shipping", standard), ("zero", "0")]
        {
            rates.push(TaxRate {
                country: key(country)?,
                category: key(category)?,
                name: format!("{country} {category}"),
                rate: key(rate)?,
                valid_from: None,
                valid_until: None,
            });
        }
    }
    platform.tax.define_rates(rates, meta.clone()).await.map(drop).map_err(room)
}

async fn delivery(platform: &Platform, meta: &EventMeta) -> Result<(), SeedError> {
    // (channel, currency, key, English, German, charge, free from, days)
    let rows = [
        ("eu", "EUR", "standard", "Standard delivery", "Standardversand", 490, Some(7500), (2, 4), 1),
        ("eu", "EUR", "express", "Express delivery", "Expressversand", 1290, None, (1, 1), 2),
        ("us", "USD", "standard", "Ground", "Ground", 595, Some(9900), (3, 6), 1),
        ("us", "USD", "express", "Two-day air", "Two-day air", 1995, None, (2, 2), 2),
        ("jp", "JPY", "standard", "Standard delivery", "Standardversand", 800, Some(12000), (2, 3), 1),
        ("jp", "JPY", "express", "Next day", "Nächster Tag", 1800, None, (1, 1), 2),
    ];
    let mut options = vec![];
    for (channel, currency, option, en, de, charge, free_from, days, position) in rows {
        let currency = key(currency)?;
        let rate = |from, charge| DeliveryRate {
            from: Money::new(from, currency),
            charge: Money::new(charge, currency),
        };
        let mut rates = vec![rate(0, charge)];
        rates.extend(free_from.map(|from| rate(from, 0)));
        options.push(DeliveryOption {
            key: option.into(),
            channel: key(channel)?,
            names: BTreeMap::from([("en".to_owned(), en.to_owned()), ("de".to_owned(), de.to_owned())]),
            countries: vec![],
            max_weight_grams: Some(30_000),
            rates,
            tax_category: key("shipping")?,
            days,
            position,
        });
    }
    platform.checkout.define_delivery_options(&options, meta).await.map_err(room)
}

async fn assortment(platform: &Platform, meta: &EventMeta) -> Result<(), SeedError> {
    let (en, de): (Locale, Locale) = (key("en")?, key("de")?);
    let make = AttributeDefinition {
        key: key("make")?,
        name: Texts::of(en.clone(), "Make").with(de.clone(), "Marke"),
        kind: AttributeKind::Text,
        required: false,
        level: AttributeLevel::Product,
    };
    let goods = DefineProductType {
        key: key("sample-goods")?,
        name: Texts::of(en, "Goods").with(de, "Ware"),
        attributes: vec![make],
    };
    platform.catalog.define_product_type(goods, meta.clone()).await.map_err(room)?;
    let sample = sample()?;
    for category in sample.categories {
        platform.catalog.define_category(category, meta.clone()).await.map_err(room)?;
    }
    for upserted in platform.catalog.upsert_products(sample.products, meta.clone()).await.map_err(room)? {
        if let Upserted::Refused(refusal) = upserted {
            return Err(room(refusal));
        }
    }
    prices(platform, &sample.variants, meta).await?;
    stock(platform, &sample.variants, meta).await
}

async fn prices(platform: &Platform, variants: &[SampleVariant], meta: &EventMeta) -> Result<(), SeedError> {
    let mut wanted = vec![];
    for variant in variants {
        for (channel, unit) in &variant.prices {
            wanted.push(SetPrice {
                channel: key(channel)?,
                sku: variant.sku.clone(),
                unit: *unit,
                compare_at: None,
                valid_from: None,
                valid_until: None,
                expected: Expected::Anything,
            });
        }
    }
    for set in platform.pricing.set_prices(wanted, meta.clone()).await.map_err(room)? {
        set.map_err(room)?;
    }
    Ok(())
}

/// One receipt per location and sixty SKUs, many at once so that they share the store's flushes.
async fn stock(platform: &Platform, variants: &[SampleVariant], meta: &EventMeta) -> Result<(), SeedError> {
    let mut places: BTreeMap<&str, Vec<MovementLine>> = BTreeMap::new();
    for variant in variants {
        for (location, units) in variant.stock.iter().filter(|(_, units)| *units > 0) {
            let line = MovementLine { sku: variant.sku.clone(), delta: *units };
            places.entry(location).or_default().push(line);
        }
    }
    let mut facts = vec![];
    for (location, lines) in places {
        for (number, lines) in lines.chunks(60).enumerate() {
            facts.push(StockFact {
                external_id: key(&format!("sample/opening/{location}/{number}"))?,
                location: key(location)?,
                reason: MovementReason::Receipt,
                lines: lines.to_vec(),
                at: platform.store.clock().now(),
                meta: meta.clone(),
            });
        }
    }
    let record = |fact: StockFact| platform.inventory.record(fact);
    stream::iter(facts).map(record).buffer_unordered(64).try_collect::<()>().await.map_err(room)
}

/// Sample customers and one operator of each role.
async fn people(platform: &Platform, meta: &EventMeta) -> Result<(), SeedError> {
    let customers = [
        "Ada Lovelace",
        "Grace Hopper",
        "Alan Turing",
        "Katherine Johnson",
        "Edsger Dijkstra",
        "Barbara Liskov",
    ];
    for name in customers {
        let first = name.split(' ').next().unwrap_or(name).to_lowercase();
        let who = Registration {
            email: format!("{first}@example.com"),
            password: DEMO_PASSWORD.into(),
            name: Some(name.into()),
            phone: None,
        };
        match platform.customers.open_account(who, meta).await {
            // Known from an earlier start that was cut off.
            Ok(_) | Err(CustomersError::Refused(AccountRefusal::EmailTaken)) => {}
            Err(error) => return Err(room(error)),
        }
    }
    for role in ["admin", "merchandiser", "fulfilment", "service", "analyst"] {
        let (email, name) = (format!("{role}@example.com"), format!("Demo {role}"));
        let granter = Principal::System("demo".into());
        let roles = [role.to_owned()];
        match platform.customers.create_operator(&email, &name, DEMO_PASSWORD, &roles, &granter, meta).await {
            Ok(_) | Err(CustomersError::Refused(AccountRefusal::EmailTaken)) => {}
            Err(error) => return Err(room(error)),
        }
    }
    Ok(())
}
