//! The books of a shop agree, and whatever is changed in one of them alone is found.

use emporia::audit::{self, Report};
use emporia_checkout::{Checkout, CheckoutState};
use emporia_contracts::orders::OrderPlaced;
use emporia_events::{Envelope, Position, envelope};
use emporia_inventory::Movement;
use emporia_money::Money;
use emporia_orders::Order;
use emporia_payments::Payment;
use emporia_store::{Document, StoreError, Versioned};
use emporia_testkit::Emporia;
use serde_json::json;

const CARD: &str = "4242424242424242";

/// A shop in which orders were shipped, cancelled and returned, and purchases given up and declined.
async fn lived_in() -> Emporia {
    let shop = Emporia::small().await;
    let staff = shop.operator(&["admin"]).await;
    let guest = shop.guest().await;
    let mut orders = vec![];
    for lines in [&[("MUG", 2), ("BOOK", 1)][..], &[("SHIRT-RED", 3)], &[("BOOK", 2)]] {
        orders.push(guest.buy(&guest.cart_with(lines).await, CARD).await["id"].clone());
    }
    let fulfil = "mutation($id: ID!) { createFulfilment(input: {orderId: $id}) { fulfilment { id } } }";
    let made = staff.data(fulfil, json!({"id": orders[0]})).await;
    staff.data(fulfil, json!({"id": orders[2]})).await;
    let ship = "mutation($id: ID!, $f: ID!) { shipFulfilment(input: {orderId: $id, fulfilmentId: $f}) { userErrors { message } } }";
    staff.data(ship, json!({"id": orders[0], "f": made["createFulfilment"]["fulfilment"]["id"]})).await;
    let cancel = "mutation($id: ID!) { cancelOrder(input: {orderId: $id, reason: \"changed my mind\"}) { userErrors { message } } }";
    staff.data(cancel, json!({"id": orders[1]})).await;
    let declined = guest.checkout(&guest.cart_with(&[("MUG", 1)]).await, "DE").await;
    guest.deliver(&declined).await;
    guest.pay_with(&declined, "4000000000000002").await;
    assert_eq!(guest.complete(&declined).await["userErrors"][0]["code"], "PAYMENT_DECLINED");
    let given_up = guest.checkout(&guest.cart_with(&[("MUG", 1)]).await, "DE").await;
    let cancel = "mutation($id: ID!) { cancelCheckout(input: {checkoutId: $id}) { userErrors { code } } }";
    guest.data(cancel, json!({"id": given_up})).await;
    for _ in 0..3 {
        shop.caught_up().await;
    }
    shop
}

async fn audited(shop: &Emporia) -> Report {
    audit::run(&shop.platform.store, None).await.unwrap()
}

/// Names of the checks that found something.
fn found(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| check.differences > 0).map(|check| check.name).collect()
}

/// The first document of a kind that fits.
async fn first<T: Document>(shop: &Emporia, space: &str, fits: impl Fn(&T) -> bool) -> T {
    let all = shop.platform.store.space(space).unwrap().scan::<T>(None, 500).await.unwrap();
    all.into_iter().map(|(_, Versioned { value, .. })| value).find(|value| fits(value)).unwrap()
}

async fn write<T: Document + Sync>(shop: &Emporia, space: &str, document: &T) {
    let space = shop.platform.store.space(space).unwrap();
    space.transact(|tx| async move { tx.overwrite(document) }).await.map_err(|e: StoreError| e).unwrap();
}

/// Changes a document, sees what the audit says, and changes it back.
async fn tampered<T: Document + Clone + Sync>(
    shop: &Emporia,
    space: &str,
    right: T,
    wrong: T,
) -> Vec<&'static str> {
    write(shop, space, &wrong).await;
    let found = found(&audited(shop).await);
    write(shop, space, &right).await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_of_a_shop_agree_and_what_is_changed_in_one_of_them_is_found() {
    let shop = lived_in().await;
    let report = audited(&shop).await;
    assert_eq!(report.differences(), 0, "{report}");
    assert!(!report.behind, "{report}");
    for check in &report.checks {
        assert!(check.examined > 0 || check.name == "purchases", "{report}");
    }

    let order: Order = first(&shop, "orders", |o: &Order| !o.captures.is_empty()).await;
    let cent = Money::new(1, order.currency);
    let mut wrong = order.clone();
    wrong.totals.total = wrong.totals.total.plus(cent).unwrap();
    assert!(tampered(&shop, "orders", order.clone(), wrong).await.contains(&"orders"), "a cent too much");
    let mut wrong = order.clone();
    wrong.ledger.retain(|entry| entry.kind != emporia_orders::LedgerKind::Capture);
    assert_eq!(
        tampered(&shop, "orders", order.clone(), wrong).await,
        ["paid"],
        "a capture that was not entered"
    );
    let mut wrong = order.clone();
    wrong.lines.pop();
    assert_eq!(tampered(&shop, "orders", order.clone(), wrong).await, ["orders"], "a line is gone");
    let mut wrong = order.clone();
    wrong.checkout = None;
    let broken = tampered(&shop, "orders", order.clone(), wrong).await;
    assert_eq!(broken, ["checkouts"], "nobody made it");
    let open: Order =
        first(&shop, "orders", |o: &Order| o.captures.is_empty() && o.fulfilled_from.is_none()).await;
    let payment: Payment = first(&shop, "payments", |p: &Payment| p.order == Some(order.id)).await;
    let mut wrong = payment.clone();
    wrong.order = Some(open.id);
    let broken = tampered(&shop, "payments", payment.clone(), wrong).await;
    assert!(broken.contains(&"payments"), "it pays another order: {broken:?}");
    let mut wrong = payment.clone();
    wrong.entries.push(wrong.entries.last().cloned().unwrap());
    let broken = tampered(&shop, "payments", payment.clone(), wrong).await;
    assert!(broken.contains(&"payments") && broken.contains(&"paid"), "taken twice: {broken:?}");
    let held: Payment =
        first(&shop, "payments", |p: &Payment| p.facts().captured.is_zero() && p.order.is_some()).await;
    let mut wrong = held.clone();
    wrong.order = None;
    let broken = tampered(&shop, "payments", held.clone(), wrong).await;
    assert!(broken.contains(&"payments") || broken.contains(&"paid"), "money of nobody: {broken:?}");

    let movement: Movement = first(&shop, "inventory", Movement::is_shipment).await;
    let mut wrong = movement.clone();
    wrong.lines[0].delta -= 1;
    assert_eq!(tampered(&shop, "inventory", movement.clone(), wrong).await, ["stock"], "a unit more left");

    let checkout: Checkout =
        first(&shop, "checkout", |c: &Checkout| c.state == CheckoutState::Completed).await;
    let mut wrong = checkout.clone();
    wrong.order = None;
    assert_eq!(
        tampered(&shop, "checkout", checkout.clone(), wrong).await,
        ["checkouts"],
        "its order is gone"
    );
    let report = audited(&shop).await;
    assert_eq!(report.differences(), 0, "all is as it was: {report}");

    // An order that was told of twice.
    let (store, log) = (&shop.platform.store, shop.platform.store.logs()[0].clone());
    let batch = store.read_log(&log, Position::ZERO, 1000, None).await.unwrap();
    let placed =
        batch.records.iter().map(|r| Envelope::from_record(r).unwrap()).find(Envelope::is::<OrderPlaced>);
    let placed: OrderPlaced = placed.unwrap().payload().unwrap();
    let meta = emporia_contracts::context::system_meta("test", "test", None);
    let again =
        &envelope(&placed, &meta, &shop.platform.ids, store.space("orders").unwrap().clock().as_ref())
            .unwrap();
    let space = store.space("orders").unwrap();
    space.transact(|tx| async move { tx.emit(again.clone()) }).await.map_err(|e: StoreError| e).unwrap();
    shop.caught_up().await;
    let report = audited(&shop).await;
    assert_eq!(found(&report), ["orders"], "{report}");
    assert!(report.to_string().contains("told of 2 times"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_holds_what_the_books_say() {
    let shop = lived_in().await;
    let provider = shop.as_provider();
    let report = audit::run(&shop.platform.store, Some(&provider)).await.unwrap();
    assert_eq!(report.differences(), 0, "{report}");
    let taken: Payment = first(&shop, "payments", |p: &Payment| !p.facts().captured.is_zero()).await;
    let mut wrong = taken.clone();
    wrong.entries.pop();
    write(&shop, "payments", &wrong).await;
    let report = audit::run(&shop.platform.store, Some(&provider)).await.unwrap();
    assert!(found(&report).contains(&"provider"), "{report}");
    write(&shop, "payments", &taken).await;
    shop.stop_provider().await;
    let report = audit::run(&shop.platform.store, Some(&provider)).await.unwrap();
    assert!(found(&report).contains(&"provider"), "what cannot be asked is not taken for right: {report}");
}
