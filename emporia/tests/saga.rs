//! The saga before rooms that fail: for a while, for good, or after they have done what they were asked.

use emporia_checkout::{CheckoutDeps, CheckoutService};
use emporia_contracts::{
    Fault, GuestKey, Principal, RequestContext,
    channels::Channels,
    checkout::CheckoutStuck,
    context::system_meta,
    ids::{CheckoutId, OrderId},
    orders::{OrderRefusal, OrderView, Orders, PlaceOrder, PlacedOrder, RecordReturn, RecordedReturn},
    payments::{Payments, Void},
};
use emporia_events::{Envelope, EventPayload, Position};
use emporia_id::FixedClock;
use emporia_orders::OrdersService;
use emporia_testkit::{Emporia, Setup, Shopper};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const CARD: &str = "4242424242424242";

/// What becomes of the call that places an order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Placing {
    Passing,
    Lasting,
    AnswerLost,
}

/// The room of orders, behind something that fails.
struct Failing {
    orders: OrdersService,
    how: Placing,
    calls: Mutex<usize>,
}

#[async_trait::async_trait]
impl Orders for Failing {
    async fn place(&self, request: PlaceOrder) -> Result<PlacedOrder, OrderRefusal> {
        *self.calls.lock().unwrap() += 1;
        match self.how {
            Placing::Passing => Err(Fault::transient("orders", "down").into()),
            Placing::Lasting => Err(OrderRefusal::Invalid("a defect".into())),
            Placing::AnswerLost => {
                self.orders.place(request).await?;
                Err(Fault::transient("orders", "the answer is lost").into())
            }
        }
    }

    async fn record_return(&self, request: RecordReturn) -> Result<RecordedReturn, OrderRefusal> {
        self.orders.record_return(request).await
    }

    async fn order(&self, order: OrderId) -> Result<Option<OrderView>, Fault> {
        self.orders.order(order).await
    }
}

/// A shop in which only the test lets time pass and sweeps run.
struct Shop {
    emporia: Emporia,
    clock: Arc<FixedClock>,
    orders: Arc<Failing>,
    /// Checkouts before the failing room of orders.
    checkout: CheckoutService,
}

impl Shop {
    async fn open(how: Placing) -> Self {
        let clock = Arc::new(FixedClock::at(Timestamp::now()));
        let setup = Setup { clock: Some(clock.clone()), tasks: false, ..Setup::default() };
        let emporia = Emporia::small_with(setup).await;
        let p = &emporia.platform;
        let orders = Arc::new(Failing { orders: p.orders.clone(), how, calls: Mutex::new(0) });
        let deps = CheckoutDeps {
            channels: Arc::new(p.channels.clone()),
            catalog: Arc::new(p.catalog.clone()),
            pricing: Arc::new(p.pricing.clone()),
            tax: Arc::new(p.tax.clone()),
            inventory: Arc::new(p.inventory.clone()),
            carts: Arc::new(p.carts.clone()),
            payments: Arc::new(p.payments.clone()),
            orders: orders.clone(),
            customers: Arc::new(p.customers.clone()),
        };
        let space = p.store.space("checkout").unwrap();
        let checkout = CheckoutService::new(space, p.ids.clone(), p.vault.clone(), deps).await.unwrap();
        Self { emporia, clock, orders, checkout }
    }

    /// A purchase that stops where its order should have been made.
    async fn stopped(&self) -> (Shopper<'_>, CheckoutId) {
        let guest = self.emporia.guest().await;
        let id = guest.checkout(&guest.cart_with(&[("MUG", 1)]).await, "DE").await;
        guest.deliver(&id).await;
        guest.pay_with(&id, CARD).await;
        let token = guest.headers().iter().find(|(name, _)| *name == "emporia-guest").unwrap().1.to_owned();
        let channel = self.emporia.platform.channels.channel("eu".parse().unwrap()).await.unwrap().unwrap();
        let asks = RequestContext {
            principal: Principal::Anonymous,
            guest: Some(GuestKey::of(&token)),
            locale: channel.default_locale.clone(),
            channel,
            correlation_id: "test".into(),
            client: None,
        };
        let id: CheckoutId = id.parse().unwrap();
        self.checkout.complete(id, None, &asks).await.unwrap_err();
        (guest, id)
    }

    async fn recover_after(&self, wait: SignedDuration) -> usize {
        self.clock.advance(wait);
        self.checkout.recover().await.unwrap()
    }

    fn placed(&self) -> usize {
        *self.orders.calls.lock().unwrap()
    }

    async fn stuck(&self, staff: &Shopper<'_>) -> Value {
        let query = "{ stuckCheckouts { nodes { id state email trouble { reason tries againAt } } } }";
        staff.data(query, json!({})).await["stuckCheckouts"]["nodes"].take()
    }

    async fn told_stuck(&self) -> Vec<CheckoutStuck> {
        let store = &self.emporia.platform.store;
        let log = store.log_of("checkout");
        let batch = store.read_log(&log, Position::ZERO, 1000, Some(CheckoutStuck::SOURCE)).await.unwrap();
        let events = batch.records.iter().map(|record| Envelope::from_record(record).unwrap());
        events.filter(|e| e.is::<CheckoutStuck>()).map(|e| e.payload().unwrap()).collect()
    }
}

const RETRY: &str = "mutation($id: ID!) { retryCheckout(input: {checkoutId: $id}) \
                     { checkout { state order { id } trouble { reason } } userErrors { code } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_fails_for_good_waits_for_an_operator_and_goes_on_when_he_says_so() {
    let shop = Shop::open(Placing::Lasting).await;
    let (guest, id) = shop.stopped().await;
    shop.recover_after(SignedDuration::from_secs(30)).await;
    let tries = shop.placed();
    for _ in 0..10 {
        assert_eq!(shop.recover_after(SignedDuration::from_mins(30)).await, 0);
    }
    assert_eq!(shop.placed(), tries, "it is left alone");
    assert!(shop.told_stuck().await.iter().map(|e| e.checkout_id).eq([id]));

    let staff = shop.emporia.operator(&["service"]).await;
    let stuck = shop.stuck(&staff).await;
    assert_eq!(stuck[0]["id"], id.to_string());
    assert_eq!((&stuck[0]["state"], &stuck[0]["trouble"]["againAt"]), (&json!("AUTHORISED"), &Value::Null));
    assert!(stuck[0]["trouble"]["reason"].as_str().unwrap().contains("a defect"), "{stuck:#}");
    assert_eq!(stuck[0]["email"], "shopper@example.com");
    let analyst = shop.emporia.operator(&["analyst"]).await;
    assert!(shop.stuck(&analyst).await[0]["email"].is_null(), "who only analyses sees no persons");
    let seen =
        guest.ask("query($id: ID!) { checkout(id: $id) { trouble { reason } } }", json!({"id": id})).await;
    assert_eq!(seen["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{seen:#}");

    // Still broken: he sees why. Then the room is mended.
    shop.checkout.retry(id, &system(&shop).await).await.unwrap();
    assert_eq!(shop.stuck(&staff).await[0]["id"], id.to_string());
    let retried = staff.data(RETRY, json!({"id": id})).await;
    assert_eq!(retried["retryCheckout"]["checkout"]["state"], "COMPLETED", "{retried:#}");
    assert!(retried["retryCheckout"]["checkout"]["trouble"].is_null());
    assert_eq!(shop.stuck(&staff).await, json!([]));
}

async fn system(shop: &Shop) -> RequestContext {
    let channel = shop.emporia.platform.channels.channel("eu".parse().unwrap()).await.unwrap().unwrap();
    RequestContext {
        principal: Principal::System("test".into()),
        guest: None,
        locale: channel.default_locale.clone(),
        channel,
        correlation_id: "test".into(),
        client: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_may_pass_is_tried_again_ever_more_rarely_and_not_for_ever() {
    let shop = Shop::open(Placing::Passing).await;
    shop.stopped().await;
    let mut stuck_after = None;
    for minutes in 1..=(4 * 24 * 60) {
        shop.recover_after(SignedDuration::from_mins(1)).await;
        if stuck_after.is_none() && !shop.told_stuck().await.is_empty() {
            stuck_after = Some(minutes);
        }
    }
    assert!(stuck_after.is_some_and(|minutes| minutes >= 3 * 24 * 60), "{stuck_after:?}");
    assert!((200..320).contains(&shop.placed()), "{} tries", shop.placed());
    assert_eq!(shop.told_stuck().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_made_before_the_crash_stays_made_whatever_became_of_its_payment() {
    let shop = Shop::open(Placing::AnswerLost).await;
    let (guest, id) = shop.stopped().await;
    let query = "query($id: ID!) { checkout(id: $id) { state declineCode tenders { paymentId } order { id number } } }";
    let before = guest.data(query, json!({"id": id})).await;
    let payment = before["checkout"]["tenders"][0]["paymentId"].as_str().unwrap().parse().unwrap();
    // The order could be cancelled before its checkout is closed: its payment is given up with it.
    let meta = system_meta("test", "test", None);
    shop.emporia
        .platform
        .payments
        .void(Void { payment, reference: String::new(), amount: None, reason: "cancelled".into(), meta })
        .await
        .unwrap();
    shop.recover_after(SignedDuration::from_secs(30)).await;
    let after = guest.data(query, json!({"id": id})).await;
    assert_eq!(after["checkout"]["state"], "COMPLETED", "{after:#}");
    assert!(after["checkout"]["order"]["number"].is_string(), "{after:#}");
    let ledger = shop.emporia.provider.whole_ledger().await.unwrap();
    assert_eq!(ledger.len(), 2, "held once, given up once: {ledger:#?}");
}
