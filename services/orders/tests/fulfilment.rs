//! Units and money of an order, whatever becomes of it.

mod room;

use emporia_contracts::{
    ids::OrderId,
    inventory::Allocation,
    orders::{
        FulfilmentShipped, LineKind, OrderClosed, OrderLinesCancelled, OrderPlaced, OrderRefusal, Orders,
        RecordReturn, ReturnCondition, ReturnLine, ReturnRecorded,
    },
};
use proptest::prelude::*;
use room::{NOW, Room, allocation, meta, money};
use serde_json::{Value, json};

fn count(line: &emporia_contracts::ids::OrderLineId, units: i64) -> Value {
    json!({ "orderLineId": line.to_string(), "quantity": units })
}

fn units_at(allocations: &[Allocation], location: &str) -> i64 {
    allocations.iter().filter(|a| a.location.as_str() == location).map(|a| a.quantity.units()).sum()
}

fn returning(room: &Room, order: Option<OrderId>, lines: Vec<ReturnLine>) -> RecordReturn {
    RecordReturn {
        return_id: room.ids.next(),
        external_id: format!("R-{}", room.ids.next_uuid()).parse().unwrap(),
        order,
        channel: "eu".parse().unwrap(),
        customer: None,
        location: "shop".parse().unwrap(),
        lines,
        at: NOW.parse().unwrap(),
        meta: meta(),
    }
}

fn back(line: &emporia_orders::OrderLine, units: i64, condition: ReturnCondition) -> ReturnLine {
    ReturnLine {
        order_line: Some(line.priced.id),
        sku: line.priced.sku.clone(),
        quantity: units.try_into().unwrap(),
        condition,
        refund: None,
    }
}

#[tokio::test]
async fn a_split_order_is_served_where_it_is_allocated_and_frees_exactly_that() {
    let room = Room::open().await;
    let mut request = room.request(&[("MUG", 5, 5000)]);
    request.allocations = vec![allocation("MUG", "berlin", 3), allocation("MUG", "lyon", 2)];
    let order = room.place(&request).await;
    let main = room.plan(order, None, None).await;
    // What is planned cannot be planned or cancelled again.
    let line = request.snapshot.lines[0].id;
    let id = order.to_string();
    let too_many = room.operate(
        "createFulfilment",
        json!({ "orderId": id, "location": "lyon", "lines": [count(&line, 3)] }),
    );
    assert_eq!(too_many.await["userErrors"][0]["code"], "STATE_NOT_ALLOWED");
    let cancel = json!({ "orderId": id, "reason": "one is enough", "lines": [count(&line, 1)] });
    room.operate("cancelOrder", cancel).await;
    let rest = room.plan(order, None, None).await;
    for fulfilment in [&main, &rest] {
        room.ship(order, fulfilment).await;
    }
    let shipped = room.told::<FulfilmentShipped>().await;
    let seen: Vec<_> = shipped.iter().map(|s| (s.location.as_str(), s.lines[0].quantity.units())).collect();
    assert_eq!(seen, [("berlin", 3), ("lyon", 1)]);
    assert_eq!(
        (units_at(&shipped[0].allocations, "berlin"), units_at(&shipped[1].allocations, "lyon")),
        (3, 1)
    );
    assert_eq!(units_at(&room.told::<OrderLinesCancelled>().await[0].allocations, "lyon"), 1);
    assert_eq!(room.told::<OrderClosed>().await.len(), 1);
}

#[tokio::test]
async fn a_fulfilment_that_is_given_up_and_served_elsewhere_takes_its_allocations_along() {
    let room = Room::open().await;
    let order = room.place(&room.request(&[("MUG", 2, 2000)])).await;
    let first = room.plan(order, None, None).await;
    room.pass("cancelFulfilment", order, &first).await;
    let second = room.plan(order, Some("shop"), None).await;
    room.ship(order, &second).await;
    let shipped = room.told::<FulfilmentShipped>().await.remove(0);
    assert_eq!((shipped.location.as_str(), units_at(&shipped.allocations, "berlin")), ("shop", 2));
}

#[tokio::test]
async fn every_passage_of_a_fulfilment_is_allowed_or_refused_by_the_table() {
    for (path, then, allowed) in [
        (&[][..], "shipFulfilment", true),
        (&[], "cancelFulfilment", true),
        (&[], "deliverFulfilment", false),
        (&["shipFulfilment"], "deliverFulfilment", true),
        (&["shipFulfilment"], "shipFulfilment", false),
        (&["shipFulfilment"], "cancelFulfilment", false),
        (&["shipFulfilment", "deliverFulfilment"], "shipFulfilment", false),
        (&["shipFulfilment", "deliverFulfilment"], "deliverFulfilment", false),
        (&["shipFulfilment", "deliverFulfilment"], "cancelFulfilment", false),
        (&["cancelFulfilment"], "shipFulfilment", false),
        (&["cancelFulfilment"], "deliverFulfilment", false),
        (&["cancelFulfilment"], "cancelFulfilment", false),
    ] {
        let room = Room::open().await;
        let order = room.place(&room.request(&[("MUG", 1, 500)])).await;
        let fulfilment = room.plan(order, None, None).await;
        for step in path {
            room.pass(step, order, &fulfilment).await;
        }
        let before = room.order(order).await;
        let done = room.pass(then, order, &fulfilment).await;
        assert_eq!(done["userErrors"] == json!([]), allowed, "{path:?} {then}: {done}");
        assert_eq!(room.order(order).await == before, !allowed);
    }
}

#[tokio::test]
async fn an_order_without_goods_is_captured_when_it_is_placed_and_nothing_of_it_is_open() {
    let room = Room::open().await;
    let lines = vec![
        room.line(LineKind::Service, ("FITTING", 2, 3000), "EUR"),
        room.line(LineKind::Discount, ("WELCOME", 1, -500), "EUR"),
    ];
    let request = room.request_of(lines, 0, "EUR");
    let (order, payment) = (room.place(&request).await, request.tenders[0].payment_id.unwrap());
    let placed = room.told::<OrderPlaced>().await.remove(0);
    let captures: Vec<_> = placed.captures.iter().map(|c| (c.payment_id, c.amount)).collect();
    assert_eq!(captures, [(payment, money(2500, "EUR"))]);
    // What was paid can be given back; nothing can be cancelled.
    let cancelled = room.operate("cancelOrder", json!({ "orderId": order.to_string(), "reason": "r" })).await;
    assert_eq!(cancelled["userErrors"][0]["code"], "STATE_NOT_ALLOWED", "{cancelled}");
    let line = room.order(order).await.lines.remove(0);
    let request = returning(&room, Some(order), vec![back(&line, 1, ReturnCondition::NoGoods)]);
    assert_eq!(room.orders.record_return(request).await.unwrap().refund, Some(money(1500, "EUR")));
    // With goods, nothing is captured before they leave.
    room.place(&room.request(&[("MUG", 1, 500)])).await;
    assert!(room.told::<OrderPlaced>().await.remove(1).captures.is_empty());
}

#[tokio::test]
async fn with_the_last_units_goes_what_is_held_beyond_them() {
    for cancel_first in [true, false] {
        let room = Room::open().await;
        let request = room.request(&[("MUG", 2, 2000), ("BOOK", 1, 900)]);
        let (mug, book) = (request.snapshot.lines[0].id, request.snapshot.lines[1].id);
        let payment = request.tenders[0].payment_id.unwrap();
        let order = room.place(&request).await;
        let cancel = async || {
            let lines = json!([count(&book, 1)]);
            room.operate(
                "cancelOrder",
                json!({ "orderId": order.to_string(), "reason": "r", "lines": lines }),
            )
            .await
        };
        if cancel_first {
            cancel().await;
        }
        for _ in 0..2 {
            let parcel = room.plan(order, None, Some(json!([count(&mug, 1)]))).await;
            room.ship(order, &parcel).await;
        }
        if !cancel_first {
            cancel().await;
        }
        let shipped = room.told::<FulfilmentShipped>().await;
        let cancelled = room.told::<OrderLinesCancelled>().await.remove(0);
        assert!(shipped[0].void_payments.is_empty(), "units are still to be charged");
        let (last, none) = if cancel_first {
            (&shipped[1].void_payments, &cancelled.void_payments)
        } else {
            (&cancelled.void_payments, &shipped[1].void_payments)
        };
        assert_eq!((last.as_slice(), none.len()), (&[payment][..], 0));
    }
    let room = Room::open().await;
    let order = room.place(&room.request(&[("MUG", 1, 500)])).await;
    let parcel = room.plan(order, None, None).await;
    room.ship(order, &parcel).await;
    assert!(room.told::<FulfilmentShipped>().await[0].void_payments.is_empty(), "all of it was captured");
}

#[tokio::test]
async fn with_the_first_shipment_go_postage_and_services_once_and_a_cancelled_order_owes_nothing() {
    for ship_first in [true, false] {
        let room = Room::open().await;
        let lines = vec![
            room.line(LineKind::Goods, ("MUG", 2, 2000), "EUR"),
            room.line(LineKind::Service, ("ENGRAVING", 2, 700), "EUR"),
            room.line(LineKind::Discount, ("WELCOME", 1, -300), "EUR"),
        ];
        let request = room.request_of(lines, 499, "EUR");
        let (mug, engraving) = (request.snapshot.lines[0].id, request.snapshot.lines[1].id);
        let order = room.place(&request).await;
        let id = order.to_string();
        let cancel = async |lines: Value| {
            room.operate("cancelOrder", json!({ "orderId": id, "reason": "r", "lines": lines })).await
        };
        if ship_first {
            // One engraving was cancelled before: it is neither rendered nor charged.
            cancel(json!([count(&engraving, 1)])).await;
            let fulfilment = room.plan(order, None, Some(json!([count(&mug, 1)]))).await;
            room.ship(order, &fulfilment).await;
            let taken = room.told::<FulfilmentShipped>().await[0].captures[0].amount;
            assert_eq!(taken, money(1000 + 350 - 300 + 499, "EUR"));
            assert_eq!(
                cancel(json!([count(&engraving, 1)])).await["userErrors"][0]["code"],
                "STATE_NOT_ALLOWED"
            );
            let done = cancel(Value::Null).await;
            assert_eq!(done["order"]["status"], "CLOSED");
            let total: i64 = room.told::<OrderLinesCancelled>().await.iter().map(|c| c.amount.minor()).sum();
            assert_eq!(total + taken.minor(), request.snapshot.totals.total.minor());
            assert_eq!(room.told::<OrderClosed>().await.len(), 1);
        } else {
            let done = cancel(json!([count(&mug, 2)])).await;
            assert_eq!(done["order"]["status"], "CANCELLED");
            assert!(room.order(order).await.outstanding().unwrap().is_zero());
            let cancelled = room.told::<OrderLinesCancelled>().await.remove(0);
            assert_eq!(cancelled.void_payments, [request.tenders[0].payment_id.unwrap()]);
            assert_eq!(units_at(&cancelled.allocations, "berlin"), 2);
            assert_eq!(cancel(Value::Null).await["userErrors"][0]["code"], "STATE_NOT_ALLOWED");
        }
    }
}

#[tokio::test]
async fn a_return_is_held_against_what_arrived_and_known_by_its_external_id() {
    let room = Room::open().await;
    let order = room.place(&room.request(&[("MUG", 3, 1000)])).await;
    let line = room.order(order).await.lines.remove(0);
    let one = returning(&room, Some(order), vec![back(&line, 1, ReturnCondition::Restock)]);
    assert!(matches!(room.orders.record_return(one.clone()).await, Err(OrderRefusal::Invalid(_))));
    let lost = returning(&room, Some(order), vec![back(&line, 1, ReturnCondition::NoGoods)]);
    assert!(
        matches!(room.orders.record_return(lost).await, Err(OrderRefusal::Invalid(_))),
        "nothing was paid yet"
    );
    let fulfilment = room.plan(order, None, None).await;
    room.ship(order, &fulfilment).await;
    assert_eq!(room.orders.record_return(one.clone()).await.unwrap().refund, Some(money(333, "EUR")));
    let again = RecordReturn { return_id: room.ids.next(), ..one.clone() };
    let again = room.orders.record_return(again).await.unwrap();
    assert_eq!((again.return_id, again.replayed), (one.return_id, true));
    let other = RecordReturn { lines: vec![back(&line, 2, ReturnCondition::Restock)], ..one };
    assert!(matches!(room.orders.record_return(other).await, Err(OrderRefusal::Reused(_))));
    let mut wrong = back(&line, 1, ReturnCondition::Restock);
    wrong.sku = room::sku("CUP");
    for lines in [vec![back(&line, 3, ReturnCondition::Damaged)], vec![], vec![wrong]] {
        let refused = room.orders.record_return(returning(&room, Some(order), lines)).await;
        assert!(matches!(refused, Err(OrderRefusal::Invalid(_))), "{refused:?}");
    }
    let rest = returning(&room, Some(order), vec![back(&line, 2, ReturnCondition::Damaged)]);
    assert_eq!(room.orders.record_return(rest).await.unwrap().refund, Some(money(667, "EUR")));
    let nobodys = returning(&room, Some(room.ids.next()), vec![back(&line, 1, ReturnCondition::Restock)]);
    assert!(matches!(room.orders.record_return(nobodys).await, Err(OrderRefusal::NotFound(_))));
}

#[tokio::test]
async fn a_blind_return_needs_what_was_given_back_and_no_order() {
    let room = Room::open().await;
    let line = |refund| ReturnLine {
        order_line: None,
        sku: room::sku("MUG"),
        quantity: 1.try_into().unwrap(),
        condition: ReturnCondition::Restock,
        refund,
    };
    for refund in [None, Some(money(-1, "EUR"))] {
        let refused = room.orders.record_return(returning(&room, None, vec![line(refund)])).await;
        assert!(matches!(refused, Err(OrderRefusal::Invalid(_))));
    }
    let done =
        room.orders.record_return(returning(&room, None, vec![line(Some(money(500, "EUR")))])).await.unwrap();
    assert_eq!(done.refund, Some(money(500, "EUR")));
    assert!(room.told::<ReturnRecorded>().await[0].refunds.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_return_reported_64_times_at_once_gives_money_back_once() {
    let room = std::sync::Arc::new(Room::open().await);
    let order = room.place(&room.request(&[("MUG", 1, 1000)])).await;
    let fulfilment = room.plan(order, None, None).await;
    room.ship(order, &fulfilment).await;
    let line = room.order(order).await.lines.remove(0);
    let report = returning(&room, Some(order), vec![back(&line, 1, ReturnCondition::Restock)]);
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (room, report) =
                (room.clone(), RecordReturn { return_id: room.ids.next(), ..report.clone() });
            tokio::spawn(async move { room.orders.record_return(report).await.unwrap().return_id })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for caller in callers {
        ids.insert(caller.await.unwrap().to_string());
    }
    assert_eq!((ids.len(), room.told::<ReturnRecorded>().await.len()), (1, 1));
}

#[tokio::test]
async fn what_payments_do_is_entered_once_under_redelivery_and_rewind() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let mut request = room.request(&[("MUG", 2, 2000)]);
    request.tenders = vec![room.card(money(1500, "EUR")), room.card(money(500, "EUR"))];
    let order = room.place(&request).await;
    // Two payments captured for the same thing, one told twice.
    for (tender, times) in request.tenders.iter().zip([2, 1]) {
        for _ in 0..times {
            room.captured(order, tender.payment_id.unwrap(), tender.amount, "fulfilment").await;
        }
    }
    let payment = room::facts(order, request.tenders[0].payment_id.unwrap(), money(1500, "EUR"));
    room.says(&emporia_contracts::payments::PaymentDisputed { payment }).await;
    consumer.caught_up().await.unwrap();
    let once = room.order(order).await;
    assert!(once.outstanding().unwrap().is_zero());
    assert_eq!(once.ledger.len(), 3);
    consumer.rewind(&room.store.log_of("payments"), emporia_store::Position::default()).await.unwrap();
    consumer.caught_up().await.unwrap();
    assert_eq!(room.order(order).await, once);
    assert!(consumer.poison(None, 10).await.unwrap().is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Ship(usize, i64),
    Cancel(usize, i64),
    Return(usize, i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..3usize, 0..3usize, 1..4i64).prop_map(|(kind, line, n)| match kind {
        0 => Step::Ship(line, n),
        1 => Step::Cancel(line, n),
        _ => Step::Return(line, n),
    });
    prop::collection::vec(step, 0..14)
}

/// Any history, then the rest is shipped or cancelled and everything comes back.
async fn history(
    rows: Vec<(i64, i64)>,
    postage: i64,
    split: i64,
    currency: &str,
    steps: Vec<Step>,
    end_by_shipping: bool,
) {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let names = ["A", "B", "C"];
    let lines: Vec<_> = rows
        .iter()
        .zip(names)
        .map(|((units, minor), name)| room.line(LineKind::Goods, (name, *units, *minor), currency))
        .collect();
    let mut request = room.request_of(lines, postage, currency);
    let total = request.snapshot.totals.total;
    let part = money(total.minor() * split / 100, currency);
    request.tenders = vec![room.card(part), room.card(total.minus(part).unwrap())];
    let order = room.place(&request).await;
    let id = order.to_string();
    let ids: Vec<_> = request.snapshot.lines.iter().map(|l| l.id).collect();
    let ship = async |lines: Option<Value>| {
        let input = json!({ "orderId": id, "location": "berlin", "lines": lines });
        let done = room.operate("createFulfilment", input).await;
        if let Some(fulfilment) = done["fulfilment"]["id"].as_str() {
            room.ship(order, fulfilment).await;
        }
    };
    let give_back = async |line: usize, units: i64| {
        let line = room.order(order).await.lines.remove(line);
        // Refused when so many did not arrive.
        let _ = room
            .orders
            .record_return(returning(&room, Some(order), vec![back(&line, units, ReturnCondition::Restock)]))
            .await;
    };
    for step in steps {
        match step {
            Step::Ship(line, n) if line < ids.len() => ship(Some(json!([count(&ids[line], n)]))).await,
            Step::Cancel(line, n) if line < ids.len() => {
                room.operate(
                    "cancelOrder",
                    json!({ "orderId": id, "reason": "r", "lines": [count(&ids[line], n)] }),
                )
                .await;
            }
            Step::Return(line, n) if line < ids.len() => give_back(line, n).await,
            _ => {}
        }
    }
    if end_by_shipping {
        ship(None).await;
    }
    room.operate("cancelOrder", json!({ "orderId": id, "reason": "rest" })).await;
    // Payments take what they are told.
    let mut taken = 0;
    for shipped in room.told::<FulfilmentShipped>().await {
        for share in shipped.captures {
            assert!(share.amount.minor() > 0);
            taken += share.amount.minor();
            room.captured(order, share.payment_id, share.amount, &shipped.fulfilment_id.to_string()).await;
        }
    }
    let cancelled: i64 = room.told::<OrderLinesCancelled>().await.iter().map(|c| c.amount.minor()).sum();
    assert_eq!(taken + cancelled, total.minor(), "what was taken and what was given up are the total");
    for (n, _) in rows.iter().enumerate() {
        let left = room.order(order).await.lines[n].units;
        if left.delivered > left.returned {
            give_back(n, left.delivered - left.returned).await;
        }
    }
    let mut returned = 0;
    for recorded in room.told::<ReturnRecorded>().await {
        for share in recorded.refunds {
            returned += share.amount.minor();
            room.refunded(order, share.payment_id, share.amount).await;
        }
    }
    consumer.caught_up().await.unwrap();
    let after = room.order(order).await;
    assert!(after.outstanding().unwrap().is_zero(), "{:?}", after.ledger);
    let goods = taken - if after.delivery_captured { postage } else { 0 };
    assert_eq!(returned, goods, "all that was paid for goods came back");
    let ordered: i64 = rows.iter().map(|r| r.0).sum();
    let freed: i64 =
        room.told::<OrderLinesCancelled>().await.iter().map(|c| units_at(&c.allocations, "berlin")).sum();
    let used: i64 =
        room.told::<FulfilmentShipped>().await.iter().map(|s| units_at(&s.allocations, "berlin")).sum();
    assert_eq!(freed + used, ordered, "every allocation ended once");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn whatever_becomes_of_an_order_its_money_and_units_sum_up(
        rows in prop::collection::vec((1..7i64, 1..2_000i64), 1..4),
        postage in 0..600i64,
        split in 0..=100i64,
        currency in prop::sample::select(vec!["EUR", "JPY", "KWD"]),
        steps in steps(),
        end_by_shipping: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(history(rows, postage, split, currency, steps, end_by_shipping));
    }
}
