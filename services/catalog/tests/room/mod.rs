//! A catalogue on a real store, for tests.
#![allow(dead_code, reason = "each test file uses its part")]

use async_graphql::{Request, Variables};
use emporia_catalog::{
    AttributeDefinition, AttributeKind, AttributeLevel, CatalogError, CatalogRefusal, CatalogService,
    DefineCategory, DefineProductType, ListProducts, ProductDraft, ProductSort, StoredProduct, Texts,
    Upserted, VariantDraft, Window, space,
};
use emporia_contracts::{
    Fault, Principal, RequestContext,
    channels::{Channel, ChannelFacts, Channels, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    values::{ChannelKey, Slug},
};
use emporia_events::EventMeta;
use emporia_id::{FixedClock, Ids};
use emporia_money::Rounding;
use emporia_store::{Position, Store};
use emporia_teststore::Place;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

pub struct Room {
    pub store: Store,
    pub catalog: CatalogService,
    pub clock: Arc<FixedClock>,
    place: Place,
}

struct TwoChannels;

pub fn channel(key: &str) -> Channel {
    let (currency, locale) = if key == "eu" { ("EUR", "en") } else { ("CHF", "de") };
    Arc::new(ChannelFacts {
        key: key.parse().unwrap(),
        name: key.to_uppercase(),
        currency: currency.parse().unwrap(),
        price_kind: PriceKind::Gross,
        default_locale: locale.parse().unwrap(),
        locales: vec!["en".parse().unwrap(), "de".parse().unwrap()],
        countries: vec!["DE".parse().unwrap()],
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: vec![],
        order_prefix: "X".into(),
        time_zone: "UTC".into(),
    })
}

#[async_trait::async_trait]
impl Channels for TwoChannels {
    async fn channel(&self, key: ChannelKey) -> Result<Option<Channel>, Fault> {
        Ok(Some(channel(key.as_str())).filter(|_| ["ch", "eu"].contains(&key.as_str())))
    }

    async fn channels(&self) -> Result<Vec<Channel>, Fault> {
        Ok(vec![channel("ch"), channel("eu")])
    }
}

impl Room {
    /// An empty catalogue.
    pub async fn empty() -> Self {
        let clock = Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        Self::open_in(Place::new(), clock).await
    }

    /// A catalogue with the product type `apparel` and the tree clothing → shirts, clothing → shoes; sale.
    pub async fn open() -> Self {
        let room = Self::empty().await;
        room.catalog.define_product_type(apparel(), meta()).await.unwrap();
        for (slug, parent) in
            [("clothing", None), ("shirts", Some("clothing")), ("shoes", Some("clothing")), ("sale", None)]
        {
            room.category(slug, parent).await.unwrap();
        }
        room
    }

    async fn open_in(place: Place, clock: Arc<FixedClock>) -> Self {
        let store = place.open(clock.clone(), vec![space()]).await;
        let ids = Ids::random(clock.clone());
        let catalog =
            CatalogService::new(store.space("catalog").unwrap(), ids, Arc::new(TwoChannels)).await.unwrap();
        Self { store, catalog, clock, place }
    }

    pub async fn restart(self) -> Self {
        let Self { store, catalog, clock, place } = self;
        store.close().await;
        drop((store, catalog));
        Self::open_in(place, clock).await
    }

    pub async fn category(&self, slug: &str, parent: Option<&str>) -> Result<(), CatalogRefusal> {
        let wanted = DefineCategory {
            id: None,
            slug: self::slug(slug),
            name: en(slug),
            parent: parent.map(self::slug),
            position: 0,
        };
        match self.catalog.define_category(wanted, meta()).await {
            Ok(_) => Ok(()),
            Err(CatalogError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn create(&self, draft: ProductDraft) -> Result<Arc<StoredProduct>, CatalogRefusal> {
        match self.catalog.create_product(draft, None, meta()).await {
            Ok(stored) => Ok(stored),
            Err(CatalogError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn upsert(&self, drafts: Vec<ProductDraft>) -> Vec<Upserted> {
        self.catalog.upsert_products(drafts, meta()).await.unwrap()
    }

    /// Slugs of the published products of a category, in an order.
    pub async fn listed(&self, channel: &str, category: Option<&str>, sort: ProductSort) -> Vec<String> {
        let tree = self.catalog.categories();
        let category = category.map(|name| tree.by_slug(&slug(name)).unwrap().id);
        let what = ListProducts::Published { channel: channel.parse().unwrap(), category, sort };
        let page = self.catalog.list(&what, Window { size: 1000, ..Window::default() }).await.unwrap();
        page.items.iter().map(|(_, stored)| stored.product.slug.to_string()).collect()
    }

    /// Detail types of all events so far.
    pub async fn events(&self) -> Vec<String> {
        let log = self.store.log_of("catalog");
        let batch = self.store.read_log(&log, Position::default(), 1000, None).await.unwrap();
        batch.records.iter().map(|record| record.detail_type.to_string()).collect()
    }

    pub async fn run(&self, asks: RequestContext, text: &str, variables: Value) -> Value {
        let live = emporia_events::Live::follow(Arc::new(self.store.clone()));
        let schema = emporia_catalog::schema(self.catalog.clone(), live);
        let request = Request::new(text).variables(Variables::from_json(variables)).data(asks);
        serde_json::to_value(schema.execute(request).await).unwrap()
    }
}

pub fn asks(principal: Principal, key: &str, locale: &str) -> RequestContext {
    RequestContext {
        principal,
        guest: None,
        channel: channel(key),
        locale: locale.parse().unwrap(),
        correlation_id: "test".into(),
        client: None,
    }
}

pub fn shopper(channel: &str, locale: &str) -> RequestContext {
    asks(Principal::Anonymous, channel, locale)
}

pub fn staff() -> RequestContext {
    asks(Principal::System("test".into()), "eu", "en")
}

pub fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn en(text: &str) -> Texts {
    Texts::of("en".parse().unwrap(), text)
}

pub fn attribute(key: &str, kind: AttributeKind, level: AttributeLevel) -> AttributeDefinition {
    AttributeDefinition { key: slug(key), name: en(key), kind, required: false, level }
}

pub fn apparel() -> DefineProductType {
    let fits = AttributeKind::Enum { values: vec!["slim".into(), "regular".into()] };
    let attributes = vec![
        AttributeDefinition {
            required: true,
            ..attribute("material", AttributeKind::Text, AttributeLevel::Product)
        },
        attribute("width", AttributeKind::Number, AttributeLevel::Product),
        attribute("organic", AttributeKind::Boolean, AttributeLevel::Product),
        attribute("fit", fits, AttributeLevel::Product),
        attribute("since", AttributeKind::Date, AttributeLevel::Product),
        attribute("length", AttributeKind::Number, AttributeLevel::Variant),
    ];
    DefineProductType { key: slug("apparel"), name: en("Apparel"), attributes }
}

pub fn variant(sku: &str, options: &[&str]) -> VariantDraft {
    VariantDraft {
        sku: sku.parse().unwrap(),
        gtin: None,
        options: options.iter().map(|o| (*o).to_owned()).collect(),
        attributes: BTreeMap::new(),
        tax_category: "standard".parse().unwrap(),
        weight_grams: 250,
        shippable: true,
        image: None,
    }
}

/// A published shirt with one variant, `<slug>-1`.
pub fn draft(name: &str) -> ProductDraft {
    ProductDraft {
        external_id: None,
        product_type: slug("apparel"),
        slug: slug(name),
        title: en(name),
        description: Texts::default(),
        attributes: BTreeMap::from([(slug("material"), "cotton".to_owned())]),
        options: vec![],
        variants: vec![variant(&format!("{name}-1"), &[])],
        media: vec![],
        categories: vec![slug("shirts")],
        position: 0,
        published_in: Some(vec!["eu".parse().unwrap()]),
    }
}

/// The draft with so many variants of one option.
pub fn with_variants(name: &str, numbers: std::ops::Range<usize>) -> ProductDraft {
    let variants = numbers.map(|n| variant(&format!("{name}-{n}"), &[&format!("Size {n}")])).collect();
    ProductDraft { options: vec!["Size".into()], variants, ..draft(name) }
}
