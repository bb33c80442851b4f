//! `kill -9` during purchases: what is acknowledged is there, what is paid is ordered, and nothing is paid, held or
//! ordered twice.

mod process;

use emporia::{
    platform::{Parts, Platform},
    serve,
};
use emporia_checkout::{Checkout, CheckoutState};
use emporia_contracts::{
    checkout::CheckoutStarted,
    ids::{CheckoutId, PaymentId},
    orders::OrderPlaced,
};
use emporia_events::{Envelope, Position};
use emporia_id::SystemClock;
use emporia_store::{IndexKey, Key, Query, Store};
use emporia_testkit::Dice;
use emporia_testpay::api::{CardDetails, EntryType, FaultsRequest};
use futures_util::future::join_all;
use process::{Installation, waited};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Where a purchase may be cut off, the last point first, and what is stored then. While a server is told to die at an
/// earlier point, purchases that were cut off at a later one can go on.
const POINTS: [(&str, CheckoutState); 8] = [
    ("completed", CheckoutState::Completed),
    ("placed", CheckoutState::Authorised),
    ("allocated", CheckoutState::Authorised),
    ("authorised", CheckoutState::Authorised),
    ("paid", CheckoutState::Paying),
    ("paying", CheckoutState::Paying),
    ("held", CheckoutState::Reserving),
    ("reserving", CheckoutState::Reserving),
];
/// Kills of the random test.
const KILLS: usize = 16;
/// Longer than a standing checkout waits to be taken on.
const RECOVERY: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_dies_at_any_point_is_finished_though_the_shopper_never_asks_again() {
    if !cfg!(debug_assertions) {
        return;
    }
    let shop = Installation::new().await;
    for (point, state) in POINTS {
        shop.start(Some(point)).await;
        let shopper = Shopper::new(&shop).await;
        let checkout = shopper.ready_to_buy(&[("BOOK", 2), ("MUG", 1)]).await;
        assert!(shopper.complete(&checkout).await.is_none(), "the answer should be cut off at {point}");
        assert!(shop.died(Duration::from_secs(20)), "no crash at {point}");
        let store = shop.store().await;
        assert_eq!(stored(&store, checkout.parse().unwrap()).await.state, state, "at {point}");
        store.close().await;
    }
    let audit = audited(&shop, &[]).await;
    assert_eq!(audit.orders.len(), POINTS.len(), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_who_asks_again_after_the_crash_gets_his_order_at_once() {
    if !cfg!(debug_assertions) {
        return;
    }
    let shop = Installation::new().await;
    let (mut waiting, mut acknowledged) = (None, vec![]);
    // What was cut off at `placed` passes `allocated` once more: a server that dies there could not finish it.
    let points: Vec<&str> =
        POINTS.iter().map(|(point, _)| *point).filter(|point| *point != "allocated").collect();
    for point in points.iter().copied().map(Some).chain([None]) {
        shop.start(point).await;
        if let Some((guest, request)) = waiting.take() {
            let guest: String = guest;
            let answer = shop.ask(PLACE, request, Some(&guest)).await.unwrap();
            acknowledged.push(number(&answer["data"]["placeOrder"]).unwrap_or_else(|| panic!("{answer:#}")));
        }
        let shopper = Shopper::new(&shop).await;
        let request = shopper.request(&[("BOOK", 1)]).await;
        let answer = shop.ask(PLACE, request.clone(), Some(&shopper.guest)).await;
        if point.is_some() {
            assert!(answer.is_none(), "{answer:?}");
            assert!(shop.died(Duration::from_secs(20)), "no crash at {point:?}");
            waiting = Some((shopper.guest.clone(), request));
        }
    }
    shop.kill();
    let audit = audited(&shop, &acknowledged).await;
    assert_eq!(audit.orders.len(), points.len() + 1, "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_any_moment_lose_and_double_nothing() {
    let shop = Installation::new().await;
    // A slow provider: many kills fall into the time in which the money is asked for.
    shop.provider.set_faults(&FaultsRequest { latency_ms: 150, ..FaultsRequest::default() }).await.unwrap();
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(vec![]));
    shop.start(None).await;
    let shoppers = join_all((1..=6).map(|number| shopping(&shop, Dice(number), &stop, &acknowledged)));
    let killing = async {
        let (mut dice, mut hit) = (Dice(2026), BTreeMap::<&str, usize>::new());
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(300 + dice.next(1_200))).await;
            shop.kill();
            let store = shop.store().await;
            for checkout in open_checkouts(&store).await {
                *hit.entry(checkout.state.name()).or_default() += 1;
            }
            store.close().await;
            shop.start(None).await;
        }
        stop.store(true, Ordering::Relaxed);
        hit
    };
    let (_, hit) = tokio::join!(shoppers, killing);
    shop.kill();
    let acknowledged = acknowledged.into_inner().unwrap();
    let audit = audited(&shop, &acknowledged).await;
    eprintln!(
        "{KILLS} kills found {hit:?}; {} orders acknowledged, {} made",
        acknowledged.len(),
        audit.orders.len()
    );
    assert!(hit.contains_key("paying"), "no kill fell into a purchase: {hit:?}");
    assert!(acknowledged.len() >= KILLS, "{} orders were acknowledged", acknowledged.len());
}

/// Buys again and again, through crashes. Some give up at the first answer that does not come.
async fn shopping(shop: &Installation, mut dice: Dice, stop: &AtomicBool, acknowledged: &Mutex<Vec<String>>) {
    while !stop.load(Ordering::Relaxed) {
        let (stubborn, one_call) = (dice.next(3) > 0, dice.next(2) == 0);
        let (units, article) =
            (1 + i64::try_from(dice.next(2)).unwrap(), format!("MORE-{:03}", 1 + dice.next(40)));
        let lines = [(&*article, units), ("SHIRT-RED", 1)];
        let lines = if dice.next(2) == 0 { &lines[..1] } else { &lines[..] };
        let shopper = Shopper::new(shop).await;
        let placed = if one_call {
            let request = shopper.request(lines).await;
            shopper
                .persist(stubborn, async || shop.ask(PLACE, request.clone(), Some(&shopper.guest)).await)
                .await
        } else {
            let checkout = shopper.ready_to_buy(lines).await;
            shopper.persist(stubborn, async || shopper.complete(&checkout).await).await
        };
        if let Some(answer) = placed {
            let payload =
                answer["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
            match number(&payload) {
                Some(number) => acknowledged.lock().unwrap().push(number),
                // There are 100 shirts.
                None => assert_eq!(payload["userErrors"][0]["code"], "OUT_OF_STOCK", "{answer:#}"),
            }
        }
    }
}

const PLACE: &str = "mutation($cart: ID!, $token: String!, $key: String!) { placeOrder(input: {cartId: $cart, \
    email: \"shopper@example.com\", shippingAddress: {name: \"Sam\", line1: \"Main Street 1\", city: \"Town\", \
    postalCode: \"12345\", countryCode: \"DE\"}, deliveryOption: \"standard\", cardToken: $token, idempotencyKey: $key}) \
    { order { number } userErrors { code message } } }";

fn number(payload: &Value) -> Option<String> {
    payload["order"]["number"].as_str().map(ToOwned::to_owned)
}

/// A guest who asks over HTTP, and asks again until the shop answers.
struct Shopper<'a> {
    shop: &'a Installation,
    guest: String,
}

impl<'a> Shopper<'a> {
    async fn new(shop: &'a Installation) -> Self {
        let created = waited(Duration::from_secs(60), async || {
            let answer =
                shop.ask("mutation { createCart(input: {}) { guestToken } }", json!({}), None).await?;
            answer["data"]["createCart"]["guestToken"].as_str().map(ToOwned::to_owned)
        });
        Self { shop, guest: created.await }
    }

    async fn ask(&self, query: &str, variables: Value) -> Value {
        waited(Duration::from_secs(60), async || {
            self.shop.ask(query, variables.clone(), Some(&self.guest)).await
        })
        .await
    }

    /// Asks until the answer comes, when stubborn; else once.
    async fn persist(&self, stubborn: bool, ask: impl AsyncFn() -> Option<Value>) -> Option<Value> {
        if stubborn {
            let definite = async || ask().await.filter(|answer| answer.get("errors").is_none());
            Some(waited(Duration::from_secs(90), definite).await)
        } else {
            ask().await.filter(|answer| answer.get("errors").is_none())
        }
    }

    async fn cart_with(&self, lines: &[(&str, i64)]) -> String {
        let lines: Vec<Value> =
            lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
        let query = "mutation($lines: [CartLineInput!]!) { createCart(input: {lines: $lines}) { cart { id } userErrors { code } } }";
        let made = self.ask(query, json!({"lines": lines})).await;
        made["data"]["createCart"]["cart"]["id"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned()
    }

    async fn card(&self) -> String {
        let card = CardDetails {
            number: "4242424242424242".into(),
            exp_month: 12,
            exp_year: 2040,
            cvc: "123".into(),
        };
        self.shop.provider.create_token(&card).await.unwrap().token
    }

    /// The variables of a purchase in one call.
    async fn request(&self, lines: &[(&str, i64)]) -> Value {
        json!({"cart": self.cart_with(lines).await, "token": self.card().await, "key": "the purchase"})
    }

    /// Everything but the last step; the checkout's id.
    async fn ready_to_buy(&self, lines: &[(&str, i64)]) -> String {
        let cart = self.cart_with(lines).await;
        let start = "mutation($cart: ID!) { startCheckout(input: {cartId: $cart, idempotencyKey: \"start\", email: \"shopper@example.com\", \
                     shippingAddress: {name: \"Sam\", line1: \"Main Street 1\", city: \"Town\", countryCode: \"DE\"}}) \
                     { checkout { id } userErrors { code message } } }";
        let started = self.ask(start, json!({"cart": cart})).await;
        let checkout = started["data"]["startCheckout"]["checkout"]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{started:#}"));
        let deliver = "mutation($id: ID!) { setCheckoutDelivery(input: {checkoutId: $id, deliveryOption: \"standard\"}) { userErrors { code } } }";
        self.ask(deliver, json!({"id": checkout})).await;
        let pay = "mutation($id: ID!, $token: String!) { addCheckoutPayment(input: {checkoutId: $id, cardToken: $token}) { userErrors { code } } }";
        self.ask(pay, json!({"id": checkout, "token": self.card().await})).await;
        checkout.to_owned()
    }

    async fn complete(&self, checkout: &str) -> Option<Value> {
        let query = "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) { order { number } userErrors { code message } } }";
        self.shop.ask(query, json!({"id": checkout}), Some(&self.guest)).await
    }
}

async fn stored(store: &Store, id: CheckoutId) -> Checkout {
    let found =
        store.space("checkout").unwrap().get::<Checkout>(&Key::of("checkout", id.to_string())).await.unwrap();
    found.unwrap().value
}

/// Checkouts that have not ended.
async fn open_checkouts(store: &Store) -> Vec<Checkout> {
    let query = Query::index("checkouts_due").prefix(IndexKey::new()).limit(1000);
    store.space("checkout").unwrap().query::<Checkout>(query).await.unwrap().into_values()
}

async fn events(store: &Store) -> Vec<Envelope> {
    let mut all = vec![];
    for log in store.logs() {
        let mut at = Position::ZERO;
        loop {
            let batch = store.read_log(&log, at, 1000, None).await.unwrap();
            if batch.next == at {
                break;
            }
            all.extend(batch.records.iter().map(|record| Envelope::from_record(record).unwrap()));
            at = batch.next;
        }
    }
    all
}

#[derive(Debug)]
struct Audit {
    /// Numbers of orders.
    orders: BTreeSet<String>,
}

/// Lets the shop come to rest (the server is down), then compares checkouts, orders, stock and the provider's ledger.
async fn audited(shop: &Installation, acknowledged: &[String]) -> Audit {
    let config = emporia::config::Config::load(Some(&shop.config())).unwrap();
    let (platform, tasks) = serve::open(Parts::of(&config, Arc::new(SystemClock)).unwrap()).await.unwrap();
    waited(RECOVERY, async || {
        let open = open_checkouts(&platform.store).await;
        (!open.iter().any(|checkout| checkout.state.under_way())).then_some(())
    })
    .await;
    // Effects have effects: orders follow payments, stock and mail follow orders.
    for _ in 0..3 {
        tasks.caught_up().await.unwrap();
    }
    let report = emporia::audit::run(&platform.store, None).await.unwrap();
    assert_eq!(report.differences(), 0, "{report}");
    let audit = audit(&platform, shop, acknowledged).await;
    tasks.stop().await;
    platform.store.close().await;
    audit
}

async fn audit(platform: &Platform, shop: &Installation, acknowledged: &[String]) -> Audit {
    let events = events(&platform.store).await;
    let mut placed: HashMap<CheckoutId, Vec<OrderPlaced>> = HashMap::new();
    for event in events.iter().filter(|event| event.is::<OrderPlaced>()) {
        let order = event.payload::<OrderPlaced>().unwrap();
        placed.entry(order.checkout_id.unwrap()).or_default().push(order);
    }
    // What the provider holds now, by our payment.
    let mut held: BTreeMap<PaymentId, Vec<i64>> = BTreeMap::new();
    let ledger = shop.provider.whole_ledger().await.unwrap();
    let released = |id: &str| {
        ledger.iter().any(|e| e.authorisation == id && matches!(e.kind, EntryType::Void | EntryType::Expire))
    };
    for entry in ledger.iter().filter(|e| e.kind == EntryType::Authorise && !released(&e.authorisation)) {
        held.entry(entry.reference.parse().unwrap()).or_default().push(entry.amount_minor);
    }

    let started = events.iter().filter(|event| event.is::<CheckoutStarted>());
    let checkouts: BTreeSet<CheckoutId> =
        started.map(|e| e.payload::<CheckoutStarted>().unwrap().checkout_id).collect();
    assert!(!checkouts.is_empty());
    let (mut orders, mut demand) = (BTreeSet::new(), BTreeMap::<String, i64>::new());
    for id in &checkouts {
        let checkout = stored(&platform.store, *id).await;
        let made = placed.remove(&checkout.id).unwrap_or_default();
        let money: Vec<i64> =
            checkout.tenders.iter().flat_map(|t| held.remove(&t.payment).unwrap_or_default()).collect();
        if checkout.state != CheckoutState::Completed {
            assert!(made.is_empty(), "{id} is {:?} and has an order", checkout.state);
            assert!(money.is_empty(), "{id} is {:?} and {money:?} is held at the provider", checkout.state);
            continue;
        }
        let [order] = made.as_slice() else { panic!("{id} is completed and has {} orders", made.len()) };
        assert_eq!(checkout.order, Some(order.order_id));
        assert_eq!(money, [order.snapshot.totals.total.minor()], "the money of {id}");
        let payment = platform.payments.get(checkout.tenders[0].payment).await.unwrap().unwrap();
        assert_eq!(payment.order, Some(order.order_id), "the payment of {id}");
        assert!(platform.orders.get(order.order_id).await.unwrap().is_some());
        assert!(orders.insert(order.number.clone()), "{} was given twice", order.number);
        for line in &order.snapshot.lines {
            *demand.entry(line.sku.to_string()).or_default() += line.quantity.units();
        }
    }
    assert!(placed.is_empty(), "orders without a checkout: {placed:?}");
    assert!(held.is_empty(), "money that belongs to no checkout: {held:?}");
    let lost: Vec<&String> = acknowledged.iter().filter(|number| !orders.contains(*number)).collect();
    assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");

    let pool = ["warehouse", "store"].map(|location| location.parse().unwrap());
    let more = (1..=40).map(|n| (format!("MORE-{n:03}"), 100));
    for (sku, units) in [("BOOK", 1000), ("MUG", 50), ("SHIRT-RED", 100)]
        .map(|(sku, n)| (sku.to_owned(), n))
        .into_iter()
        .chain(more)
    {
        let levels = platform.inventory.levels(&[sku.parse().unwrap()], &pool).await.unwrap();
        let sum = |of: fn(&emporia_inventory::StockLevel) -> i64| levels.iter().map(of).sum::<i64>();
        let ordered = demand.get(&sku).copied().unwrap_or_default();
        let found = (sum(|l| l.on_hand), sum(|l| l.reserved), sum(|l| l.allocated), sum(|l| l.available));
        assert_eq!(
            found,
            (units, 0, ordered, units - ordered),
            "{sku}: on hand, reserved, allocated, available"
        );
    }
    Audit { orders }
}
