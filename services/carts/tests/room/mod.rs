//! A room of carts on a real store, with small rooms around it that do what a test says.
#![allow(dead_code, reason = "each test file uses its part")]

use async_graphql::{Request, Variables};
use emporia_carts::{CartsDeps, CartsService, schema, space};
use emporia_contracts::{
    Fault, GuestKey, Principal, RequestContext,
    catalog::{Catalog, VariantFacts, VariantsRequest},
    channels::{Channel, ChannelFacts, Channels, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    ids::CartId,
    inventory::{
        Allocation, Availability, AvailabilityRequest, CommitRefusal, CommitReservation, Inventory,
        ReleaseReservation, Reserve, ReserveRefusal, Reserved, StockFact, StockRefusal,
    },
    pricing::{Price, PriceRequest, Pricing},
    values::{ChannelKey, Sku},
};
use emporia_events::{Envelope, EventMeta, EventPayload};
use emporia_id::{FixedClock, Ids};
use emporia_money::{Rounding, UnitPrice};
use emporia_store::{Position, Store};
use emporia_teststore::Place;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

/// Everything is published, costs 1.00 and is there, unless a test says otherwise. SKUs that begin with `NO` are unknown.
#[derive(Default)]
pub struct Shop {
    pub prices: Mutex<BTreeMap<String, Option<&'static str>>>,
    pub unpublished: Mutex<BTreeSet<String>>,
    pub stock: Mutex<BTreeMap<String, i64>>,
}

#[async_trait::async_trait]
impl Channels for Shop {
    async fn channel(&self, key: ChannelKey) -> Result<Option<Channel>, Fault> {
        Ok(Some(channel(key.as_str())))
    }

    async fn channels(&self) -> Result<Vec<Channel>, Fault> {
        Ok(vec![channel("eu"), channel("us")])
    }
}

#[async_trait::async_trait]
impl Catalog for Shop {
    async fn variants(&self, request: VariantsRequest) -> Result<Vec<Option<VariantFacts>>, Fault> {
        let ids = Ids::random(Arc::new(emporia_id::SystemClock));
        let fact = |sku: Sku| VariantFacts {
            published: !self.unpublished.lock().unwrap().contains(sku.as_str()),
            title: format!("Title of {sku}"),
            sku,
            variant_id: ids.next(),
            product_id: ids.next(),
            options: vec![],
            image_url: None,
            tax_category: "standard".parse().unwrap(),
            gtin: None,
            weight_grams: 100,
            shippable: true,
        };
        Ok(request.skus.into_iter().map(|sku| (!sku.as_str().starts_with("NO")).then(|| fact(sku))).collect())
    }
}

#[async_trait::async_trait]
impl Pricing for Shop {
    async fn prices(&self, request: PriceRequest) -> Result<Vec<Option<Price>>, Fault> {
        let currency = channel(request.channel.as_str()).currency;
        let prices = self.prices.lock().unwrap();
        let price = |sku: Sku| {
            let unit = prices.get(sku.as_str()).copied().unwrap_or(Some("1.00"))?;
            let unit = UnitPrice::parse(unit, currency).unwrap();
            Some(Price { sku, unit, kind: PriceKind::Gross, compare_at: None, valid_until: None })
        };
        Ok(request.skus.into_iter().map(price).collect())
    }
}

#[async_trait::async_trait]
impl Inventory for Shop {
    async fn availability(&self, request: AvailabilityRequest) -> Result<Vec<Availability>, Fault> {
        let stock = self.stock.lock().unwrap();
        let one = |sku: Sku| {
            let available = stock.get(sku.as_str()).copied().unwrap_or(1_000_000_000);
            Availability { sku, available, tracked: true, backorder: false }
        };
        Ok(request.skus.into_iter().map(one).collect())
    }

    async fn reserve(&self, _: Reserve) -> Result<Reserved, ReserveRefusal> {
        Err(not_here().into())
    }

    async fn commit(&self, _: CommitReservation) -> Result<Vec<Allocation>, CommitRefusal> {
        Err(not_here().into())
    }

    async fn release(&self, _: ReleaseReservation) -> Result<(), Fault> {
        Err(not_here())
    }

    async fn record(&self, _: StockFact) -> Result<(), StockRefusal> {
        Err(not_here().into())
    }
}

fn not_here() -> Fault {
    Fault::permanent("test", "carts only ask what is there")
}

pub struct Room {
    pub store: Store,
    pub carts: CartsService,
    pub graph: emporia_subgraph::Subgraph,
    pub shop: Arc<Shop>,
    pub clock: Arc<FixedClock>,
    pub ids: Ids,
    _place: Place,
}

impl Room {
    pub async fn open() -> Self {
        let clock = Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let place = Place::new();
        let store = place.open(clock.clone(), vec![space()]).await;
        let ids = Ids::seeded(clock.clone(), 7);
        let shop = Arc::new(Shop::default());
        let deps = CartsDeps {
            channels: shop.clone(),
            catalog: shop.clone(),
            pricing: shop.clone(),
            inventory: shop.clone(),
        };
        let carts = CartsService::new(store.space("carts").unwrap(), ids.clone(), deps);
        Self { graph: schema(carts.clone()), store, carts, shop, clock, ids, _place: place }
    }

    pub fn pass(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }

    pub async fn ask(&self, context: &RequestContext, text: &str, variables: Value) -> Value {
        let request = Request::new(text).variables(Variables::from_json(variables)).data(context.clone());
        serde_json::to_value(self.graph.execute(request).await).unwrap()
    }

    /// A mutation: its payload, or the error's code under `error`.
    pub async fn change(&self, context: &RequestContext, name: &str, input: Value) -> Value {
        let text = format!(
            "mutation($input: {}{}Input!) {{ {name}(input: $input) {{ {} cart {{ id revision state units lines {{ id sku quantity }} }}
             userErrors {{ code field }} }} }}",
            name[..1].to_uppercase(),
            &name[1..],
            if name == "createCart" { "guestToken" } else { "" },
        );
        let answer = self.ask(context, &text, json!({ "input": input })).await;
        match answer["errors"][0]["extensions"]["code"].as_str() {
            Some(code) => json!({ "error": code }),
            None => answer["data"][name].clone(),
        }
    }

    /// A cart with these lines.
    pub async fn cart(&self, context: &RequestContext, rows: &[(&str, i64)]) -> String {
        let made = self.change(context, "createCart", json!({ "lines": lines(rows) })).await;
        made["cart"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    pub async fn add(&self, context: &RequestContext, cart: &str, rows: &[(&str, i64)]) -> Value {
        self.change(context, "addCartLines", json!({ "cartId": cart, "lines": lines(rows) })).await
    }

    /// What is in a cart that the caller sees, by SKU.
    pub async fn content(&self, context: &RequestContext, cart: &str) -> Option<BTreeMap<String, i64>> {
        let text = "query($id: ID!) { cart(id: $id) { lines { sku quantity } } }";
        let answer = self.ask(context, text, json!({ "id": cart })).await;
        let lines = answer["data"]["cart"]["lines"].as_array()?.clone();
        Some(
            lines
                .iter()
                .map(|l| (l["sku"].as_str().unwrap().to_owned(), l["quantity"].as_i64().unwrap()))
                .collect(),
        )
    }

    pub async fn told<P: EventPayload>(&self) -> Vec<P> {
        let log = self.store.log_of("carts");
        let batch = self.store.read_log(&log, Position::default(), 1000, None).await.unwrap();
        let events = batch.records.iter().map(|r| Envelope::from_record(r).unwrap());
        events.filter(|e| e.is::<P>()).map(|e| e.payload().unwrap()).collect()
    }
}

pub fn lines(rows: &[(&str, i64)]) -> Value {
    rows.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect()
}

pub fn id(cart: &str) -> CartId {
    cart.parse().unwrap()
}

pub fn content(rows: &[(&str, i64)]) -> BTreeMap<String, i64> {
    rows.iter().map(|(sku, n)| ((*sku).to_owned(), *n)).collect()
}

pub fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

pub fn channel(key: &str) -> Channel {
    Arc::new(ChannelFacts {
        key: key.parse().unwrap(),
        name: key.to_uppercase(),
        currency: if key == "us" { "USD" } else { "EUR" }.parse().unwrap(),
        price_kind: PriceKind::Gross,
        default_locale: "en".parse().unwrap(),
        locales: vec!["en".parse().unwrap()],
        countries: vec!["DE".parse().unwrap()],
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: vec!["berlin".parse().unwrap()],
        order_prefix: "E".into(),
        time_zone: "UTC".into(),
    })
}

pub fn context(principal: Principal, guest: Option<&str>) -> RequestContext {
    RequestContext {
        principal,
        guest: guest.map(GuestKey::of),
        channel: channel("eu"),
        locale: "en".parse().unwrap(),
        correlation_id: "test".into(),
        client: None,
    }
}

pub fn guest(token: &str) -> RequestContext {
    context(Principal::Anonymous, Some(token))
}
