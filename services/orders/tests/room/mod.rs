//! A room of orders on a real store, for tests.
#![allow(dead_code, reason = "each test file uses its part")]

mod counting;

use async_graphql::{Request, Variables};
use counting::Counting;
use emporia_contracts::{
    GuestKey, Owner, Principal, RequestContext,
    channels::{Channel, ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    ids::{OrderId, PaymentId},
    inventory::Allocation,
    orders::{
        DeliveryCharge, LineKind, OrderContact, OrderMode, OrderTender, Orders, PlaceOrder, PricedLine,
        PricedSnapshot, TenderKind,
    },
    payments::{PaymentCaptured, PaymentFacts, PaymentRefunded, PaymentState},
    tax::LineTax,
    values::{Quantity, Sku},
};
use emporia_events::{Consumer, ConsumerHandle, Envelope, EventMeta, EventPayload, envelope};
use emporia_id::{FixedClock, Ids};
use emporia_money::{Money, Rounding, UnitPrice};
use emporia_orders::{Order, OrdersFollowPayments, OrdersService, schema, space};
use emporia_store::{Position, SpaceSchema, Store};
use emporia_teststore::Place;
use emporia_vault::{MasterKey, Vault};
use serde_json::{Value, json};
use std::sync::{Arc, atomic::AtomicUsize};

pub const NOW: &str = "2026-11-24T12:00:00Z";

pub struct Room {
    pub store: Store,
    /// How often documents were read.
    pub reads: Arc<AtomicUsize>,
    pub orders: OrdersService,
    pub graph: emporia_subgraph::Subgraph,
    pub clock: Arc<FixedClock>,
    pub ids: Ids,
    pub vault: Vault,
    place: Place,
}

/// One line to be ordered: SKU, units, minor units of money for all of them.
pub type Row<'a> = (&'a str, i64, i64);

impl Room {
    pub async fn open() -> Self {
        let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
        let place = Place::new();
        let vault = Vault::open(&place.path().join("keys.db"), &MasterKey::generate()).unwrap();
        let ids = Ids::seeded(clock.clone(), 7);
        Self::open_in(place, clock, vault, ids).await
    }

    async fn open_in(place: Place, clock: Arc<FixedClock>, vault: Vault, ids: Ids) -> Self {
        // `payments` only speaks here: what it says is what orders follow.
        let schemas = vec![space(), SpaceSchema::new("payments").schema(1)];
        let reads = Arc::new(AtomicUsize::new(0));
        let backend = Counting(place.backend(clock.clone()).await, reads.clone());
        let store = Store::open(Arc::new(backend), schemas, clock.clone()).await.unwrap();
        let orders = OrdersService::new(store.space("orders").unwrap(), ids.clone(), vault.clone());
        Self {
            graph: schema(orders.clone(), emporia_events::Live::follow(std::sync::Arc::new(store.clone()))),
            store,
            reads,
            orders,
            clock,
            ids,
            vault,
            place,
        }
    }

    pub async fn restart(self) -> Self {
        let Self { store, clock, place, vault, ids, orders, graph, .. } = self;
        store.close().await;
        drop((store, orders, graph));
        Self::open_in(place, clock, vault, ids).await
    }

    pub fn line(&self, kind: LineKind, (name, units, minor): Row<'_>, currency: &str) -> PricedLine {
        let amount = money(minor, currency);
        PricedLine {
            id: self.ids.next(),
            kind,
            sku: sku(name),
            product_id: None,
            title: format!("Title of {name}"),
            options: vec![],
            image_url: None,
            quantity: Quantity::new(units).unwrap(),
            unit_price: UnitPrice::parse("1", currency.parse().unwrap()).unwrap(),
            amount,
            tax_category: "standard".parse().unwrap(),
            tax: LineTax {
                name: "none".into(),
                rate: "0".parse().unwrap(),
                net: amount,
                tax: money(0, currency),
                gross: amount,
            },
        }
    }

    /// An order asked for by a guest, paid by one card, allocated in Berlin.
    pub fn request(&self, rows: &[Row<'_>]) -> PlaceOrder {
        let lines = rows.iter().map(|row| self.line(LineKind::Goods, *row, "EUR")).collect();
        self.request_of(lines, 0, "EUR")
    }

    pub fn request_of(&self, lines: Vec<PricedLine>, postage: i64, currency: &str) -> PlaceOrder {
        let allocations = lines
            .iter()
            .filter(|l| l.kind == LineKind::Goods)
            .map(|l| allocation(l.sku.as_str(), "berlin", l.quantity.units()))
            .collect();
        let amount = money(postage, currency);
        let tax = LineTax {
            name: "none".into(),
            rate: "0".parse().unwrap(),
            net: amount,
            tax: money(0, currency),
            gross: amount,
        };
        let delivery = DeliveryCharge { option: "post".into(), name: "Post".into(), amount, tax };
        let delivery = (postage > 0).then_some(delivery);
        let (code, at) = (currency.parse().unwrap(), NOW.parse().unwrap());
        let snapshot = PricedSnapshot::new(code, PriceKind::Gross, lines, delivery, "v1".into(), at).unwrap();
        let total = snapshot.totals.total;
        PlaceOrder {
            order: self.ids.next(),
            mode: OrderMode::Request,
            external_id: None,
            channel: "eu".parse().unwrap(),
            number_prefix: "EU".into(),
            owner: Some(Owner::Guest(GuestKey::of("ann"))),
            customer: None,
            person: None,
            contact: None,
            locale: "en".into(),
            country: "DE".parse().unwrap(),
            snapshot,
            tenders: vec![self.card(total)],
            allocations,
            reservation: None,
            checkout: None,
            cart: None,
            placed_at: at,
            fulfilled_from: None,
            differences: vec![],
            meta: meta(),
        }
    }

    pub fn card(&self, amount: Money) -> OrderTender {
        let payment_id = Some(self.ids.next());
        OrderTender { kind: TenderKind::Card, amount, payment_id, label: "Visa •••• 4242".into() }
    }

    pub async fn place(&self, request: &PlaceOrder) -> OrderId {
        self.orders.place(request.clone()).await.unwrap().order
    }

    pub async fn order(&self, id: OrderId) -> Order {
        self.orders.get(id).await.unwrap().unwrap().value
    }

    pub async fn ask(&self, context: RequestContext, text: &str, variables: Value) -> Value {
        let request = Request::new(text).variables(Variables::from_json(variables)).data(context);
        serde_json::to_value(self.graph.execute(request).await).unwrap()
    }

    /// An operator's mutation: its payload.
    pub async fn operate(&self, name: &str, input: Value) -> Value {
        let of = match name {
            "cancelOrder" => "order { version status }",
            "recordReturn" => "refund { amount } order { version }",
            _ => "fulfilment { id state location lines { orderLineId quantity } } order { version status }",
        };
        let kind = if matches!(name, "deliverFulfilment" | "cancelFulfilment") {
            "FulfilmentInput".to_owned()
        } else {
            format!("{}{}Input", name[..1].to_uppercase(), &name[1..])
        };
        let text =
            format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ {of} userErrors {{ code }} }} }}");
        let answer = self.ask(operator(), &text, json!({ "input": input })).await;
        if answer["errors"].is_array() { answer["errors"][0].clone() } else { answer["data"][name].clone() }
    }

    /// Plans all that the location can serve, or these units, and ships and delivers it.
    pub async fn plan(&self, order: OrderId, location: Option<&str>, lines: Option<Value>) -> String {
        let input = json!({ "orderId": order.to_string(), "location": location, "lines": lines });
        let done = self.operate("createFulfilment", input).await;
        done["fulfilment"]["id"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned()
    }

    pub async fn pass(&self, name: &str, order: OrderId, fulfilment: &str) -> Value {
        self.operate(name, json!({ "orderId": order.to_string(), "fulfilmentId": fulfilment })).await
    }

    pub async fn ship(&self, order: OrderId, fulfilment: &str) {
        for name in ["shipFulfilment", "deliverFulfilment"] {
            let done = self.pass(name, order, fulfilment).await;
            assert_eq!(done["userErrors"], json!([]), "{done}");
        }
    }

    pub async fn events(&self) -> Vec<Envelope> {
        let log = self.store.log_of("orders");
        let (mut after, mut found) = (Position::default(), vec![]);
        loop {
            let batch = self.store.read_log(&log, after, 1000, Some("emporia.orders")).await.unwrap();
            if batch.next <= after {
                return found;
            }
            found.extend(batch.records.iter().map(|r| Envelope::from_record(r).unwrap()));
            after = batch.next;
        }
    }

    pub async fn told<P: EventPayload>(&self) -> Vec<P> {
        self.events().await.iter().filter(|e| e.is::<P>()).map(|e| e.payload().unwrap()).collect()
    }

    /// Lets payments say something.
    pub async fn says(&self, payload: &impl EventPayload) {
        let payments = self.store.space("payments").unwrap();
        payments
            .transact(
                |tx| async move { tx.emit(envelope(payload, &meta(), &self.ids, self.clock.as_ref())?) },
            )
            .await
            .unwrap();
    }

    pub async fn follow(&self) -> ConsumerHandle {
        let space = self.store.space("orders").unwrap();
        let handler = OrdersFollowPayments(self.orders.clone());
        Consumer::new("orders-follow-payments", Arc::new(self.store.clone()), space, handler)
            .start()
            .await
            .unwrap()
    }

    pub async fn captured(&self, order: OrderId, payment: PaymentId, amount: Money, key: &str) {
        let payment = facts(order, payment, amount);
        self.says(&PaymentCaptured { payment, amount, key: key.into() }).await;
    }

    pub async fn refunded(&self, order: OrderId, payment: PaymentId, amount: Money) {
        let payment = facts(order, payment, amount);
        self.says(&PaymentRefunded { payment, refund_id: self.ids.next(), amount, reason: "return".into() })
            .await;
    }
}

pub fn facts(order: OrderId, payment: PaymentId, amount: Money) -> PaymentFacts {
    PaymentFacts {
        payment_id: payment,
        reference: "chk".into(),
        order_id: Some(order),
        state: PaymentState::Captured,
        amount,
        authorised: amount,
        captured: amount,
        refunded: amount,
        action_url: None,
        decline_code: None,
        card_brand: None,
        card_last4: None,
        authorised_until: None,
    }
}

pub fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

pub fn sku(name: &str) -> Sku {
    name.parse().unwrap()
}

pub fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, currency.parse().unwrap())
}

pub fn allocation(name: &str, location: &str, units: i64) -> Allocation {
    Allocation {
        sku: sku(name),
        location: location.parse().unwrap(),
        quantity: Quantity::new(units).unwrap(),
    }
}

pub fn contact() -> OrderContact {
    OrderContact { email: "ann@example.com".parse().unwrap(), shipping: None, billing: None }
}

pub fn context(principal: Principal, guest: Option<&str>) -> RequestContext {
    RequestContext {
        principal,
        guest: guest.map(GuestKey::of),
        channel: channel(),
        locale: "en".parse().unwrap(),
        correlation_id: "test".into(),
        client: None,
    }
}

pub fn guest(token: &str) -> RequestContext {
    context(Principal::Anonymous, Some(token))
}

pub fn operator() -> RequestContext {
    let id = "opr_01jdf3x2n5e8qv0000000000ab".parse();
    let scopes = ["orders:read", "orders:write", "orders:fulfil", "orders:returns"].map(String::from).into();
    match id {
        Ok(id) => context(Principal::Operator { id, scopes }, None),
        Err(_) => context(Principal::System("operator".into()), None),
    }
}

fn channel() -> Channel {
    Arc::new(ChannelFacts {
        key: "eu".parse().unwrap(),
        name: "Europe".into(),
        currency: "EUR".parse().unwrap(),
        price_kind: PriceKind::Gross,
        default_locale: "en".parse().unwrap(),
        locales: vec!["en".parse().unwrap()],
        countries: vec!["DE".parse().unwrap()],
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        stock_pool: vec![],
        order_prefix: "EU".into(),
        time_zone: "UTC".into(),
    })
}
