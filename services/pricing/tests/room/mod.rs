//! A pricing room on a real store, for tests.
#![allow(dead_code, reason = "each test file uses its part")]

use emporia_contracts::{
    Fault,
    channels::{Channel, ChannelFacts, Channels, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    pricing::Price,
    values::{ChannelKey, Sku},
};
use emporia_events::EventMeta;
use emporia_id::{FixedClock, Ids};
use emporia_money::{Rounding, UnitPrice};
use emporia_pricing::{Expected, PriceRefusal, PriceSetting, PricingService, SetPrice, space};
use emporia_store::{Position, Store};
use emporia_teststore::Place;
use std::sync::Arc;

pub struct Room {
    pub store: Store,
    pub pricing: PricingService,
    pub clock: Arc<FixedClock>,
    place: Place,
}

pub struct ThreeChannels;

pub fn channel(key: &str) -> Option<Channel> {
    let (currency, price_kind) = match key {
        "eu" => ("EUR", PriceKind::Gross),
        "us" => ("USD", PriceKind::Net),
        "jp" => ("JPY", PriceKind::Gross),
        _ => return None,
    };
    Some(Arc::new(ChannelFacts {
        key: key.parse().unwrap(),
        name: key.to_uppercase(),
        currency: currency.parse().unwrap(),
        price_kind,
        default_locale: "en".parse().unwrap(),
        locales: vec!["en".parse().unwrap()],
        countries: vec!["DE".parse().unwrap()],
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: vec![],
        order_prefix: "X".into(),
        time_zone: "UTC".into(),
    }))
}

#[async_trait::async_trait]
impl Channels for ThreeChannels {
    async fn channel(&self, key: ChannelKey) -> Result<Option<Channel>, Fault> {
        Ok(channel(key.as_str()))
    }

    async fn channels(&self) -> Result<Vec<Channel>, Fault> {
        Ok(["eu", "jp", "us"].into_iter().filter_map(channel).collect())
    }
}

impl Room {
    pub async fn open() -> Self {
        let clock = Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        Self::open_in(Place::new(), clock).await
    }

    async fn open_in(place: Place, clock: Arc<FixedClock>) -> Self {
        let store = place.open(clock.clone(), vec![space()]).await;
        let ids = Ids::seeded(clock.clone(), 7);
        let pricing =
            PricingService::new(store.space("pricing").unwrap(), ids, Arc::new(ThreeChannels)).await.unwrap();
        Self { store, pricing, clock, place }
    }

    pub async fn restart(self) -> Self {
        let Self { store, pricing, clock, place } = self;
        store.close().await;
        drop((store, pricing));
        Self::open_in(place, clock).await
    }

    pub async fn set(&self, prices: Vec<SetPrice>) -> Vec<Result<PriceSetting, PriceRefusal>> {
        self.pricing.set_prices(prices, meta()).await.unwrap()
    }

    pub fn at(&self, channel: &str, name: &str, at: &str) -> Option<Price> {
        self.pricing.prices_at(&channel.parse().unwrap(), &[sku(name)], at.parse().unwrap()).remove(0)
    }

    pub async fn events(&self) -> usize {
        let log = self.store.log_of("pricing");
        self.store.read_log(&log, Position::default(), 1000, None).await.unwrap().records.len()
    }
}

pub fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

pub fn sku(name: &str) -> Sku {
    name.parse().unwrap()
}

pub fn unit(amount: &str, currency: &str) -> UnitPrice {
    UnitPrice::parse(amount, currency.parse().unwrap()).unwrap()
}

/// A base price in the channel's currency.
pub fn price(key: &str, name: &str, amount: &str) -> SetPrice {
    let currency = channel(key).map_or("EUR", |c| c.currency.code());
    SetPrice {
        channel: key.parse().unwrap(),
        sku: sku(name),
        unit: unit(amount, currency),
        compare_at: None,
        valid_from: None,
        valid_until: None,
        expected: Expected::Anything,
    }
}

/// A price with a window.
pub fn windowed(key: &str, name: &str, amount: &str, from: Option<&str>, until: Option<&str>) -> SetPrice {
    let at = |text: &str| text.parse().unwrap();
    SetPrice { valid_from: from.map(at), valid_until: until.map(at), ..price(key, name, amount) }
}
