//! Taking, giving back, giving up: within bounds, once, whatever is cut off.

mod room;

use emporia_contracts::{
    Principal, RequestContext,
    channels::{ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    ids::RefundId,
    orders::{CaptureShare, FulfilmentShipped, OrderLinesCancelled, ReturnRecorded},
    payments::{
        PaymentProvider, PaymentRefunded, PaymentRefusal, PaymentState as S, PaymentVoided, ProviderStatus,
    },
    values::Locale,
};
use emporia_money::Rounding;
use emporia_payments::EntryKind;
use emporia_store::Position;
use room::{Answer, Room, cut_off, euros};
use std::sync::Arc;

#[tokio::test]
async fn authorised_is_never_less_than_captured_nor_captured_than_refunded() {
    let room = Room::open().await;
    let payment = room.held(2000).await;
    let refund = || room.ids.next::<RefundId>();
    assert!(matches!(room.refund(payment, 1, refund()).await, Err(PaymentRefusal::Amount { .. })));
    for wrong in [0, -1, 2001, i64::MAX, i64::MIN] {
        assert!(
            matches!(room.capture(payment, wrong, "w").await, Err(PaymentRefusal::Amount { .. })),
            "{wrong}"
        );
    }
    assert_eq!(room.capture(payment, 1500, "a").await.unwrap().captured, euros(1500));
    assert!(
        matches!(room.capture(payment, 501, "b").await, Err(PaymentRefusal::Amount { left, .. }) if left == euros(500))
    );
    assert!(matches!(room.capture(payment, 1400, "a").await, Err(PaymentRefusal::Reused(_))));
    assert_eq!(room.capture(payment, 1500, "a").await.unwrap().captured, euros(1500));
    room.capture(payment, 500, "b").await.unwrap();
    let first = refund();
    room.refund(payment, 1999, first).await.unwrap();
    room.refund(payment, 1999, first).await.unwrap();
    assert!(
        matches!(room.refund(payment, 2, refund()).await, Err(PaymentRefusal::Amount { left, .. }) if left == euros(1))
    );
    let facts = room.refund(payment, 1, refund()).await.unwrap();
    assert_eq!((facts.state, facts.captured, facts.refunded), (S::Refunded, euros(2000), euros(2000)));
    let account = room.provider.account(payment).unwrap();
    assert_eq!((account.captured, account.refunded), (2000, 2000));
    assert!(matches!(room.void(payment).await, Err(PaymentRefusal::State { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn captures_and_refunds_at_once_never_pass_their_bounds() {
    let room = Arc::new(Room::open().await);
    let payment = room.held(1000).await;
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let room = room.clone();
            tokio::spawn(async move {
                let _ = room.capture(payment, 90, &format!("c{n}")).await;
                let _ = room.refund(payment, 70, room.ids.next()).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (facts, account) = (room.facts(payment).await, room.provider.account(payment).unwrap());
    assert_eq!((facts.captured.minor(), account.captured), (990, 990));
    assert_eq!(facts.refunded.minor(), account.refunded);
    assert!(account.refunded <= 990);
}

#[tokio::test]
async fn wherever_a_capture_refund_or_void_is_cut_off_it_happens_once() {
    for waits in 0..12 {
        for by_sweep in [true, false] {
            let room = Room::open().await;
            let (taken, freed) = (room.held(2000).await, room.held(700).await);
            let refund = room.ids.next();
            cut_off(room.capture(taken, 2000, "c"), waits).await;
            if by_sweep {
                room.settle().await;
            }
            room.capture(taken, 2000, "c").await.unwrap();
            cut_off(room.refund(taken, 500, refund), waits).await;
            cut_off(room.void(freed), waits).await;
            if by_sweep {
                room.settle().await;
            }
            room.refund(taken, 500, refund).await.unwrap();
            room.void(freed).await.unwrap();
            let account = room.provider.account(taken).unwrap();
            assert_eq!((account.captured, account.refunded), (2000, 500));
            assert_eq!(room.provider.account(freed).unwrap().status, ProviderStatus::Voided);
            for (payment, kind) in
                [(taken, EntryKind::Capture), (taken, EntryKind::Refund), (freed, EntryKind::Void)]
            {
                assert_eq!(room.entries(payment, kind).await, 1, "cut at {waits}");
            }
            let kinds = room.kinds().await;
            for kind in ["PaymentCaptured", "PaymentRefunded", "PaymentVoided"] {
                assert_eq!(kinds.iter().filter(|k| *k == kind).count(), 1, "{kind}, cut at {waits}");
            }
            assert!(room.get(taken).await.facts().refunded == euros(500));
        }
    }
}

#[tokio::test]
async fn an_operation_whose_answer_is_lost_is_finished_by_the_sweep_and_a_refused_one_frees_its_amount() {
    let room = Room::open().await;
    let payment = room.held(2000).await;
    room.provider.next(Answer::Lost(ProviderStatus::Authorised));
    assert!(matches!(room.capture(payment, 1200, "a").await, Err(PaymentRefusal::Fault(f)) if f.transient));
    room.provider.next(Answer::Refuses);
    room.pass(60);
    // What is noted counts until it is known not to have happened.
    assert!(matches!(room.capture(payment, 900, "b").await, Err(PaymentRefusal::Amount { .. })));
    assert!(matches!(room.capture(payment, 100, "b").await, Err(PaymentRefusal::Provider(_))));
    room.settle().await;
    assert_eq!(room.facts(payment).await.captured, euros(1200));
    assert_eq!(room.capture(payment, 800, "c").await.unwrap().captured, euros(2000));
    assert_eq!(room.payments.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_void_told_by_webhook_before_its_answer_is_told_once() {
    let room = Room::open().await;
    let payment = room.held(2000).await;
    room.provider.next(Answer::Lost(ProviderStatus::Voided));
    room.void(payment).await.unwrap();
    room.webhook("e1", payment, ProviderStatus::Voided).await;
    room.void(payment).await.unwrap();
    room.settle().await;
    assert_eq!(room.facts(payment).await.state, S::Voided);
    assert_eq!(room.kinds().await, ["PaymentAuthorised", "PaymentVoided"]);
    assert!(matches!(room.capture(payment, 1, "c").await, Err(PaymentRefusal::State { .. })));
}

fn shipped(room: &Room, captures: Vec<CaptureShare>) -> FulfilmentShipped {
    FulfilmentShipped {
        order_id: room.ids.next(),
        number: "E-1".into(),
        fulfilment_id: room.ids.next(),
        location: "lyon".parse().unwrap(),
        lines: vec![],
        carrier: None,
        tracking_number: None,
        captures,
        allocations: vec![],
        void_payments: vec![],
    }
}

fn asks() -> RequestContext {
    let english: Locale = "en".parse().unwrap();
    RequestContext {
        principal: Principal::System("test".into()),
        guest: None,
        channel: Arc::new(ChannelFacts {
            key: "eu".parse().unwrap(),
            name: "eu".into(),
            currency: "EUR".parse().unwrap(),
            price_kind: PriceKind::Gross,
            default_locale: english.clone(),
            locales: vec![english.clone()],
            countries: vec!["DE".parse().unwrap()],
            rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
            stock_pool: vec![],
            order_prefix: "E".into(),
            time_zone: "UTC".into(),
        }),
        locale: english,
        correlation_id: "test".into(),
        client: None,
    }
}

#[tokio::test]
async fn a_void_whose_answer_is_lost_and_that_the_webhook_tells_of_is_entered_all_the_same() {
    let room = Room::open().await;
    let payment = room.held(500).await;
    room.provider.next(Answer::Lost(ProviderStatus::Voided));
    let _ = room.void(payment).await;
    room.webhook("e1", payment, ProviderStatus::Voided).await;
    room.settle().await;
    assert_eq!(room.entries(payment, EntryKind::Void).await, 1);
    assert!(!room.get(payment).await.wants());
}

#[tokio::test]
async fn what_is_shipped_while_the_provider_is_away_is_captured_whenever_it_is_back() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let (first, second) = (room.held(2000).await, room.held(500).await);
    let share = |payment_id, minor| CaptureShare { payment_id, amount: euros(minor) };
    for _ in 0..400 {
        room.provider.next(Answer::NotReached);
    }
    room.says(&shipped(&room, vec![share(first, 2000), share(second, 500)])).await;
    consumer.caught_up().await.unwrap();
    assert!(consumer.poison(None, 10).await.unwrap().is_empty());
    // For far longer than a consumer tries: twelve hours, asked every minute, and it is not asked every minute.
    for _ in 0..(12 * 60) {
        room.pass(60);
        room.payments.sweep().await.unwrap();
    }
    let tries = room.provider.calls("capture").len();
    assert!((2 * 40..2 * 70).contains(&tries), "{tries} tries");
    assert_eq!(room.get(first).await.trouble.map(|t| t.is_stuck()), Some(false));
    // It is back.
    while room.provider.calls("capture").len() < 400 {
        let _ = room.provider.capture("nobody", euros(1), "away").await;
    }
    room.settle().await;
    for (payment, minor) in [(first, 2000), (second, 500)] {
        assert_eq!(room.facts(payment).await.captured, euros(minor));
        assert_eq!(room.provider.account(payment).unwrap().captured, minor);
        assert_eq!(room.get(payment).await.trouble, None);
    }
    assert_eq!(room.payments.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_capture_that_is_refused_for_good_waits_for_an_operator_and_nothing_of_it_is_lost() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let payment = room.held(2000).await;
    room.provider.next(Answer::Refuses);
    room.says(&shipped(&room, vec![CaptureShare { payment_id: payment, amount: euros(1500) }])).await;
    consumer.caught_up().await.unwrap();
    room.settle().await;
    assert_eq!(room.provider.calls("capture").len(), 1, "it is left alone");
    let stuck = room.payments.stuck(10, None).await.unwrap().into_values();
    assert_eq!(stuck.iter().map(|p| p.id).collect::<Vec<_>>(), [payment]);
    assert_eq!(room.kinds().await, ["PaymentAuthorised", "PaymentStuck"]);
    // What is noted cannot be spent otherwise.
    assert!(matches!(room.capture(payment, 501, "other").await, Err(PaymentRefusal::Amount { .. })));
    let retried = room.payments.retry(payment, &asks()).await.unwrap();
    assert_eq!((retried.facts().captured, retried.trouble), (euros(1500), None));
    let keys = room.provider.calls("capture");
    assert_ne!(keys[0], keys[1], "what was refused is another call at the provider");
    assert!(room.payments.stuck(10, None).await.unwrap().into_values().is_empty());
    assert_eq!(room.kinds().await, ["PaymentAuthorised", "PaymentStuck", "PaymentCaptured"]);
}

#[tokio::test]
async fn what_cannot_be_captured_any_more_is_shown_and_not_dropped() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let payment = room.held(2000).await;
    room.pass(25 * 3600);
    room.says(&shipped(&room, vec![CaptureShare { payment_id: payment, amount: euros(2000) }])).await;
    consumer.caught_up().await.unwrap();
    room.settle().await;
    let stuck = room.payments.stuck(10, None).await.unwrap().into_values();
    assert!(stuck[0].trouble.as_ref().unwrap().reason.contains("capture is not possible"), "{stuck:#?}");
    assert_eq!(room.provider.calls("capture").len(), 0);
    assert!(consumer.poison(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_held_beyond_the_last_shipment_is_given_up_after_its_capture() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let (partly, untouched) = (room.held(2000).await, room.held(700).await);
    let captures = vec![CaptureShare { payment_id: partly, amount: euros(1500) }];
    let last = FulfilmentShipped { void_payments: vec![partly, untouched], ..shipped(&room, captures) };
    // The provider is away for the capture: the rest must not be given up before it.
    room.provider.next(Answer::NotReached);
    room.says(&last).await;
    room.says(&last).await;
    consumer.caught_up().await.unwrap();
    room.settle().await;
    let account = room.provider.account(partly).unwrap();
    assert_eq!((account.captured, account.status), (1500, ProviderStatus::Voided));
    assert_eq!(room.provider.account(untouched).unwrap().status, ProviderStatus::Voided);
    assert_eq!((room.facts(partly).await.state, room.facts(untouched).await.state), (S::Captured, S::Voided));
    let voided: Vec<PaymentVoided> = room.told().await;
    let told =
        |id| voided.iter().filter(|v| v.payment.payment_id == id).map(|v| v.amount).collect::<Vec<_>>();
    assert_eq!((told(partly), told(untouched)), (vec![Some(euros(500))], vec![Some(euros(700))]));
    assert!(room.capture(partly, 1, "late").await.is_err());
    room.refund(partly, 1500, room.ids.next()).await.unwrap();
    assert_eq!(room.payments.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_provider_that_asks_for_a_pause_gets_it() {
    let room = Room::open().await;
    let payment = room.held(2000).await;
    room.provider.next(Answer::Unavailable);
    assert!(matches!(room.capture(payment, 2000, "c").await, Err(PaymentRefusal::Fault(f)) if f.transient));
    for _ in 0..59 {
        room.pass(60);
        assert_eq!(room.payments.sweep().await.unwrap(), 0);
    }
    room.pass(61);
    assert_eq!(room.payments.sweep().await.unwrap(), 1);
    assert_eq!(room.facts(payment).await.captured, euros(2000));
}

#[tokio::test]
async fn orders_capture_void_and_refund_once_under_redelivery_and_rewind() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let (paid, freed) = (room.held(2000).await, room.held(700).await);
    let share = |minor| CaptureShare { payment_id: paid, amount: euros(minor) };
    let shipped = shipped(&room, vec![share(1500)]);
    let cancelled = OrderLinesCancelled {
        order_id: room.ids.next(),
        number: "E-2".into(),
        lines: vec![],
        allocations: vec![],
        amount: euros(700),
        reason: "r".into(),
        void_payments: vec![freed],
    };
    let returned = ReturnRecorded {
        return_id: room.ids.next(),
        external_id: "R-1".parse().unwrap(),
        order_id: Some(shipped.order_id),
        channel: "eu".parse().unwrap(),
        customer_id: None,
        location: "lyon".parse().unwrap(),
        lines: vec![],
        refunds: vec![share(400)],
        at: room::NOW.parse().unwrap(),
    };
    for _ in 0..2 {
        room.says(&shipped).await;
        room.says(&cancelled).await;
        room.says(&returned).await;
    }
    consumer.caught_up().await.unwrap();
    room.settle().await;
    consumer.rewind(&room.store.log_of("orders"), Position::default()).await.unwrap();
    consumer.caught_up().await.unwrap();
    room.settle().await;
    let facts = room.facts(paid).await;
    assert_eq!((facts.captured, facts.refunded), (euros(1500), euros(400)));
    assert_eq!(room.facts(freed).await.state, S::Voided);
    let account = room.provider.account(paid).unwrap();
    assert_eq!((account.captured, account.refunded), (1500, 400));
    let refunds = room.events().await.iter().filter(|e| e.is::<PaymentRefunded>()).count();
    assert_eq!(refunds, 1);
    assert!(consumer.poison(None, 10).await.unwrap().is_empty());
}
