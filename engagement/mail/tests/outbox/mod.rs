//! Orders that happen, and the outbox that follows them, on a real store.
#![allow(dead_code, reason = "each test file uses its part")]

use emporia_contracts::{
    catalog::SelectedOption,
    channels::PriceKind,
    context::system_meta,
    ids::{FulfilmentId, OrderLineId},
    orders::{
        DeliveryCharge, FulfilmentShipped, LineKind, LineUnits, OrderContact, OrderLinesPlaced, OrderMode,
        OrderPlaced, OrderTender, PricedLine, PricedSnapshot, TenderKind,
    },
    tax::LineTax,
    values::{Address, Quantity},
};
use emporia_events::{Consumer, ConsumerHandle, EventPayload, envelope};
use emporia_id::{FixedClock, Ids};
use emporia_mail::{MailFollowsOrders, MailOptions, MailService, OpenMail, space};
use emporia_money::{Money, UnitPrice};
use emporia_store::{SpaceSchema, Store};
use emporia_teststore::Place;
use emporia_vault::{MasterKey, PersonId, Vault};
use std::sync::Arc;

pub struct Outbox {
    pub store: Store,
    pub mail: MailService,
    pub consumer: ConsumerHandle,
    pub vault: Vault,
    pub ids: Ids,
    pub clock: Arc<FixedClock>,
    pub place: Place,
}

impl Outbox {
    pub async fn open() -> Self {
        let clock = Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let place = Place::new();
        let store = place.open(clock.clone(), vec![SpaceSchema::new("orders"), space()]).await;
        let vault = Vault::open(&place.path().join("keys.db"), &MasterKey::generate()).unwrap();
        let options = MailOptions {
            outbox: place.path().join("mail"),
            from: "Emporia <shop@example.com>".into(),
            shop: "Emporia".into(),
        };
        let mail = MailService::new(store.space("mail").unwrap(), vault.clone(), options).unwrap();
        let follows = MailFollowsOrders(mail.clone());
        let log = Arc::new(store.clone());
        let consumer =
            Consumer::new("mail", log, store.space("mail").unwrap(), follows).start().await.unwrap();
        let ids = Ids::seeded(clock.clone(), 7);
        Self { store, mail, consumer, vault, ids, clock, place }
    }

    /// Events happen in one transaction of the orders' room, and the outbox has seen them.
    pub async fn happens(&self, events: Vec<emporia_store::NewEvent>) {
        let events = &events;
        let orders = self.store.space("orders").unwrap();
        orders
            .transact(|tx| async move { events.iter().try_for_each(|e| tx.emit(e.clone())) })
            .await
            .unwrap();
        self.consumer.caught_up().await.unwrap();
    }

    pub fn event(&self, payload: &impl EventPayload) -> emporia_store::NewEvent {
        let meta = system_meta("test", "test", None);
        envelope(payload, &meta, &self.ids, self.clock.as_ref()).unwrap()
    }

    pub async fn placed(&self, order: &OrderPlaced) {
        self.happens(vec![self.event(order)]).await;
    }

    pub async fn mails(&self) -> Vec<OpenMail> {
        let mut all = Vec::new();
        for summary in self.mail.list(1000).await.unwrap() {
            all.push(self.mail.show(summary.id).await.unwrap().unwrap());
        }
        all
    }

    pub fn order(&self, contact: &OrderContact) -> OrderPlaced {
        let person = self.vault.new_person().unwrap();
        let lines = vec![
            self.line("MUG-1", "White mug", &[("Colour", "Blue & white")], 2, "12.50", 2500, 399),
            self.line("TEA-9", "Green tea", &[], 1, "3.333", 333, 53),
        ];
        let tax = LineTax {
            net: eur(412),
            tax: eur(78),
            gross: eur(490),
            rate: rate("0.19"),
            name: "DE 19 %".into(),
        };
        let delivery =
            DeliveryCharge { option: "std".into(), name: "Standard".into(), amount: eur(490), tax };
        let at = "2026-11-24T11:59:00Z".parse().unwrap();
        let snapshot =
            PricedSnapshot::new(currency(), PriceKind::Gross, lines, Some(delivery), "1".into(), at).unwrap();
        OrderPlaced {
            order_id: self.ids.next(),
            number: "EU-1001".into(),
            mode: OrderMode::Request,
            external_id: None,
            channel: "eu".parse().unwrap(),
            customer_id: None,
            person_id: Some(person),
            contact: Some(self.vault.seal(person, contact).unwrap()),
            locale: "en".into(),
            country: "DE".parse().unwrap(),
            tenders: vec![OrderTender {
                kind: TenderKind::Card,
                amount: snapshot.totals.total,
                payment_id: None,
                label: "Visa •••• 4242".into(),
            }],
            snapshot,
            further_lines: 0,
            allocations: vec![],
            reservation_id: None,
            checkout_id: None,
            cart_id: None,
            placed_at: at,
            captures: vec![],
            fulfilled_from: None,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a line has so many parts")]
    pub fn line(
        &self,
        sku: &str,
        title: &str,
        options: &[(&str, &str)],
        quantity: i64,
        unit: &str,
        gross: i64,
        tax: i64,
    ) -> PricedLine {
        let option =
            |(name, value): &(&str, &str)| SelectedOption { name: (*name).into(), value: (*value).into() };
        PricedLine {
            id: self.ids.next::<OrderLineId>(),
            kind: LineKind::Goods,
            sku: sku.parse().unwrap(),
            product_id: None,
            title: title.into(),
            options: options.iter().map(option).collect(),
            image_url: None,
            quantity: Quantity::try_from(quantity).unwrap(),
            unit_price: UnitPrice::parse(unit, currency()).unwrap(),
            amount: eur(gross),
            tax_category: "standard".parse().unwrap(),
            tax: LineTax {
                net: eur(gross - tax),
                tax: eur(tax),
                gross: eur(gross),
                rate: rate("0.19"),
                name: "DE 19 %".into(),
            },
        }
    }

    pub fn further(&self, order: &OrderPlaced, offset: usize, lines: Vec<PricedLine>) -> OrderLinesPlaced {
        OrderLinesPlaced {
            order_id: order.order_id,
            number: order.number.clone(),
            lines,
            placed_at: order.placed_at,
            fulfilled_from: None,
            offset,
        }
    }

    pub fn shipped(&self, order: &OrderPlaced, of: &[usize]) -> FulfilmentShipped {
        let units = |i: &usize| {
            let line = &order.snapshot.lines[*i];
            LineUnits { line_id: line.id, sku: line.sku.clone(), quantity: Quantity::try_from(1).unwrap() }
        };
        FulfilmentShipped {
            order_id: order.order_id,
            number: order.number.clone(),
            fulfilment_id: self.ids.next::<FulfilmentId>(),
            location: "hub".parse().unwrap(),
            lines: of.iter().map(units).collect(),
            carrier: Some("DHL".into()),
            tracking_number: Some("JD0146".into()),
            void_payments: vec![],
            allocations: vec![],
            captures: vec![],
        }
    }

    /// All files that were delivered, by name.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = std::fs::read_dir(self.place.path().join("mail"))
            .unwrap()
            .map(|f| f.unwrap())
            .map(|f| (f.file_name().into_string().unwrap(), std::fs::read_to_string(f.path()).unwrap()))
            .collect();
        all.sort();
        all
    }
}

pub fn person_of(order: &OrderPlaced) -> PersonId {
    order.person_id.unwrap()
}

pub fn ada() -> OrderContact {
    let address = Address {
        name: "Ada Lovelace".into(),
        company: None,
        line1: "Byronweg 1".into(),
        line2: None,
        city: "Köln".into(),
        region: None,
        postal_code: Some("50667".into()),
        country: "DE".parse().unwrap(),
        phone: None,
    };
    OrderContact { email: "ada@example.com".parse().unwrap(), shipping: Some(address), billing: None }
}

fn currency() -> emporia_money::Currency {
    "EUR".parse().unwrap()
}

pub fn eur(minor: i64) -> Money {
    Money::new(minor, currency())
}

fn rate(text: &str) -> emporia_money::Rate {
    text.parse().unwrap()
}
