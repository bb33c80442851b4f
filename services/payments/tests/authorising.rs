//! Money is held once, or not at all, whatever the provider and the network do.

mod room;

use emporia_contracts::{
    ids::OrderId,
    payments::{AttachOrder, PaymentRefusal, PaymentRequest, PaymentState as S, Payments, ProviderStatus},
};
use emporia_payments::{EntryKind, WebhookError};
use room::{Answer, Room, cut_off, euros, meta, signed};
use std::sync::Arc;

fn declined() -> ProviderStatus {
    ProviderStatus::Declined { code: "insufficient_funds".into() }
}

fn action() -> ProviderStatus {
    ProviderStatus::RequiresAction { url: "https://psp.example/3ds".into() }
}

#[tokio::test]
async fn each_answer_of_the_provider_leads_to_its_state() {
    for (answer, state, code, events) in [
        (Answer::Says(ProviderStatus::Authorised), S::Authorised, None, &["PaymentAuthorised"][..]),
        (Answer::Says(declined()), S::Failed, Some("insufficient_funds"), &["PaymentFailed"]),
        (Answer::Says(action()), S::RequiresAction, None, &["PaymentActionRequired"]),
        (Answer::Says(ProviderStatus::Pending), S::Pending, None, &[]),
        (Answer::NotReached, S::Failed, Some("provider_unavailable"), &["PaymentFailed"]),
        (Answer::Unavailable, S::Failed, Some("provider_unavailable"), &["PaymentFailed"]),
        (Answer::Refuses, S::Failed, Some("bad_token"), &["PaymentFailed"]),
        (Answer::Unknown, S::Pending, None, &[]),
        (Answer::Lost(ProviderStatus::Authorised), S::Pending, None, &[]),
    ] {
        let room = Room::open().await;
        room.provider.next(answer.clone());
        let facts = room.payments.authorise(room.request(2000)).await.unwrap();
        assert_eq!((facts.state, facts.decline_code.as_deref()), (state, code), "{answer:?}");
        assert_eq!(room.kinds().await, events, "{answer:?}");
        assert_eq!(facts.authorised.minor(), if state == S::Authorised { 2000 } else { 0 });
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_up_and_one_that_never_arrived_is_asked_for_again() {
    for (answer, asked) in [(Answer::Lost(ProviderStatus::Authorised), 1), (Answer::Unknown, 2)] {
        for by_sweep in [true, false] {
            let room = Room::open().await;
            room.provider.next(answer.clone());
            let request = room.request(2000);
            room.payments.authorise(request.clone()).await.unwrap();
            if by_sweep {
                room.settle().await;
            } else {
                room.payments.authorise(request.clone()).await.unwrap();
            }
            assert_eq!(room.facts(request.payment).await.state, S::Authorised);
            assert_eq!(room.provider.calls("authorise").len(), asked);
            assert_eq!(room.entries(request.payment, EntryKind::Authorisation).await, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_callers_of_one_payment_hold_money_once_under_one_key() {
    let room = Arc::new(Room::open().await);
    let request = room.request(2000);
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (room, request) = (room.clone(), request.clone());
            tokio::spawn(async move { room.payments.authorise(request).await.unwrap().state })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), S::Authorised);
    }
    let key = format!("authorise {}", request.payment);
    assert!(room.provider.calls("authorise").iter().all(|call| *call == key));
    assert_eq!(room.entries(request.payment, EntryKind::Authorisation).await, 1);
    assert_eq!(room.kinds().await, ["PaymentAuthorised"]);
    let mut other = request;
    other.amount = euros(2001);
    assert!(matches!(room.payments.authorise(other).await, Err(PaymentRefusal::Reused(_))));
}

#[tokio::test]
async fn wherever_an_authorisation_is_cut_off_it_is_finished_and_held_once() {
    for waits in 0..12 {
        for by_sweep in [true, false] {
            let room = Room::open().await;
            let request = room.request(2000);
            cut_off(room.payments.authorise(request.clone()), waits).await;
            if !by_sweep || room.payments.get(request.payment).await.unwrap().is_none() {
                room.payments.authorise(request.clone()).await.unwrap();
            } else {
                room.settle().await;
            }
            assert_eq!(room.facts(request.payment).await.state, S::Authorised, "cut at {waits}");
            assert_eq!(room.entries(request.payment, EntryKind::Authorisation).await, 1);
        }
    }
}

#[tokio::test]
async fn another_amount_than_was_asked_for_is_never_rested_on_and_given_back() {
    let room = Room::open().await;
    room.provider.next(Answer::SaysAmount(ProviderStatus::Authorised, 1));
    let request = room.request(2000);
    let facts = room.payments.authorise(request.clone()).await.unwrap();
    assert_eq!(
        (facts.state, facts.authorised, facts.decline_code.as_deref()),
        (S::Failed, euros(0), Some("amount_mismatch"))
    );
    assert!(room.capture(request.payment, 1, "c").await.is_err());
    room.settle().await;
    assert_eq!(room.provider.account(request.payment).unwrap().status, ProviderStatus::Voided);
    assert_eq!(room.facts(request.payment).await.state, S::Failed);
}

#[tokio::test]
async fn webhooks_that_come_late_twice_or_in_any_order_end_in_the_same_state() {
    let room = Room::open().await;
    room.provider.next(Answer::Says(ProviderStatus::Pending));
    let request = room.request(2000);
    room.payments.authorise(request.clone()).await.unwrap();
    room.webhook("e1", request.payment, action()).await;
    assert_eq!(room.facts(request.payment).await.action_url.as_deref(), Some("https://psp.example/3ds"));
    for (id, status) in [
        ("e3", ProviderStatus::Authorised),
        ("e3", ProviderStatus::Authorised),
        ("e4", ProviderStatus::Authorised),
        ("e2", action()),
        ("e0", ProviderStatus::Pending),
        ("e5", declined()),
    ] {
        room.webhook(id, request.payment, status).await;
        assert_eq!(room.facts(request.payment).await.state, S::Authorised);
    }
    assert_eq!(room.entries(request.payment, EntryKind::Authorisation).await, 1);
    assert_eq!(room.kinds().await, ["PaymentActionRequired", "PaymentAuthorised"]);
    assert_eq!(room.facts(request.payment).await.action_url, None);
    let dispute = room.body("e6", request.payment, ProviderStatus::Authorised, 2000, true);
    for _ in 0..2 {
        room.payments.webhook(&signed(), &dispute).await.unwrap();
    }
    assert_eq!(room.kinds().await.iter().filter(|k| *k == "PaymentDisputed").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_webhook_delivered_64_times_at_once_is_taken_by_all_and_applied_once() {
    let room = Arc::new(Room::open().await);
    room.provider.next(Answer::Says(action()));
    let request = room.request(2000);
    room.payments.authorise(request.clone()).await.unwrap();
    let senders: Vec<_> = (0..64)
        .map(|_| {
            let (room, payment) = (room.clone(), request.payment);
            tokio::spawn(async move { room.webhook("e1", payment, ProviderStatus::Authorised).await })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(room.entries(request.payment, EntryKind::Authorisation).await, 1);
}

#[tokio::test]
async fn an_unsigned_or_foreign_webhook_changes_nothing() {
    let room = Room::open().await;
    room.provider.next(Answer::Says(ProviderStatus::Pending));
    let request = room.request(2000);
    room.payments.authorise(request.clone()).await.unwrap();
    let body = room.body("e1", request.payment, ProviderStatus::Authorised, 2000, false);
    for (headers, body) in [
        (vec![], &body[..]),
        (vec![("signature".into(), "bad".into())], &body),
        (signed(), b"{}"),
        (signed(), b""),
    ] {
        assert!(matches!(room.payments.webhook(&headers, body).await, Err(WebhookError::NotAcceptable(_))));
    }
    let foreign = room.body("e2", room.ids.next(), ProviderStatus::Authorised, 2000, false);
    room.payments.webhook(&signed(), &foreign).await.unwrap();
    for id in ["e\t1", &"e".repeat(600)] {
        let unkept = room.body(id, request.payment, ProviderStatus::Authorised, 1, false);
        let refused = room.payments.webhook(&signed(), &unkept).await;
        assert!(matches!(refused, Err(WebhookError::NotAcceptable(_))), "trying again would not help");
    }
    assert_eq!(room.facts(request.payment).await.state, S::Pending);
    // The refused delivery did not use the event up.
    room.payments.webhook(&signed(), &body).await.unwrap();
    assert_eq!(room.facts(request.payment).await.state, S::Authorised);
}

#[tokio::test]
async fn an_authorisation_that_runs_out_expires_once_and_is_not_captured() {
    let room = Room::open().await;
    let payment = room.held(2000).await;
    room.pass(24 * 3600);
    assert!(matches!(room.capture(payment, 2000, "c").await, Err(PaymentRefusal::State { .. })));
    room.settle().await;
    assert_eq!(room.facts(payment).await.state, S::Expired);
    assert_eq!(room.kinds().await, ["PaymentAuthorised", "PaymentExpired"]);
    assert_eq!(room.payments.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_payment_given_up_while_its_outcome_is_unknown_ends_without_money_held() {
    for (answer, refuses_first) in [
        (Answer::Lost(ProviderStatus::Authorised), false),
        (Answer::Unknown, false),
        (Answer::Says(ProviderStatus::Pending), false),
        (Answer::Says(ProviderStatus::Pending), true),
        (Answer::Says(action()), false),
        (Answer::Says(action()), true),
    ] {
        let room = Room::open().await;
        room.provider.next(answer.clone());
        let request = room.request(2000);
        room.payments.authorise(request.clone()).await.unwrap();
        if refuses_first {
            room.provider.next(Answer::Refuses);
        }
        // It may be voided at once, later, or never need to be.
        let _ = room.void(request.payment).await;
        // A provider that can void only what it has authorised says so once.
        if refuses_first {
            assert_eq!(room.provider.calls("void").len(), 1, "{answer:?}");
        }
        if room.provider.account(request.payment).is_some_and(|a| a.status != ProviderStatus::Voided) {
            room.provider.set(request.payment, ProviderStatus::Authorised, euros(2000));
            room.webhook("e1", request.payment, ProviderStatus::Authorised).await;
        }
        room.settle().await;
        let held =
            room.provider.account(request.payment).is_some_and(|a| a.status == ProviderStatus::Authorised);
        assert!(!held, "{answer:?}");
        assert!(matches!(room.facts(request.payment).await.state, S::Voided | S::Failed), "{answer:?}");
        assert!(room.capture(request.payment, 1, "c").await.is_err());
        room.pass(60);
        assert_eq!(room.payments.sweep().await.unwrap(), 0, "{answer:?}: it is done with");
    }
}

#[tokio::test]
async fn a_payment_given_up_before_it_is_asked_for_is_never_asked_for() {
    let room = Room::open().await;
    let request = room.request(2000);
    room.void_unasked(&request).await.unwrap();
    let late = room.payments.authorise(request.clone()).await.unwrap();
    assert_eq!((late.state, late.decline_code.as_deref()), (S::Failed, Some("given_up")));
    room.void_unasked(&request).await.unwrap();
    room.settle().await;
    assert!(room.provider.calls("authorise").is_empty() && room.provider.calls("void").is_empty());
    assert!(room.kinds().await.is_empty(), "nothing happened that anybody could hear of");
    // Without the amount there is nothing to note.
    let unknown = room.request(2000).payment;
    assert!(matches!(room.void(unknown).await, Err(PaymentRefusal::NotFound(_))));
}

#[tokio::test]
async fn money_that_is_held_after_the_payment_failed_here_is_given_back() {
    let room = Arc::new(Room::open().await);
    // The first call is on its way when a second one of the same payment finds the provider gone.
    room.provider.gate.forget_permits(1_000);
    let request = room.request(2000);
    let first = tokio::spawn({
        let (room, request) = (room.clone(), request.clone());
        async move { room.payments.authorise(request).await }
    });
    while room.provider.calls("authorise").is_empty() {
        tokio::task::yield_now().await;
    }
    room.provider.next(Answer::NotReached);
    let second = tokio::spawn({
        let (room, request) = (room.clone(), request.clone());
        async move { room.payments.authorise(request).await }
    });
    while room.provider.calls("authorise").len() < 2 {
        tokio::task::yield_now().await;
    }
    room.provider.gate.add_permits(1_000);
    let states = [first.await.unwrap().unwrap().state, second.await.unwrap().unwrap().state];
    room.settle().await;
    let state = room.facts(request.payment).await.state;
    let held = room.provider.account(request.payment).unwrap().status == ProviderStatus::Authorised;
    assert_eq!(held, state == S::Authorised, "{states:?}");
}

#[tokio::test]
async fn money_that_is_held_although_nobody_heard_of_it_is_found_and_given_back() {
    // The first call arrives when the payment has failed here long since; its answer and its webhook are lost.
    for given_up in [false, true] {
        let room = Room::open().await;
        let request = room.request(2000);
        if given_up {
            room.provider.next(Answer::Unknown);
            room.payments.authorise(request.clone()).await.unwrap();
            room.void(request.payment).await.unwrap();
        } else {
            room.provider.next(Answer::NotReached);
            room.payments.authorise(request.clone()).await.unwrap();
        }
        assert_eq!(room.facts(request.payment).await.state, S::Failed);
        room.provider.set(request.payment, ProviderStatus::Authorised, euros(2000));
        room.pass(59);
        assert_eq!(room.payments.sweep().await.unwrap(), 0, "it may still be on its way");
        room.settle().await;
        assert_eq!(room.facts(request.payment).await.state, S::Failed);
        assert_eq!(room.provider.account(request.payment).unwrap().status, ProviderStatus::Voided);
        assert_eq!(room.kinds().await, ["PaymentFailed", "PaymentVoided"]);
        assert_eq!(room.payments.sweep().await.unwrap(), 0, "it is done with");
    }
}

#[tokio::test]
async fn a_payment_that_failed_without_the_providers_word_is_looked_up_until_it_answers_and_then_never_again()
{
    let room = Room::open().await;
    let request = room.request(2000);
    room.provider.next(Answer::NotReached);
    room.payments.authorise(request.clone()).await.unwrap();
    for _ in 0..3 {
        room.provider.lookups_fail(true);
        room.pass(3600);
        room.payments.sweep().await.unwrap();
    }
    room.provider.lookups_fail(false);
    room.pass(3600);
    room.payments.sweep().await.unwrap();
    assert_eq!(room.provider.calls("lookup").len(), 4);
    room.pass(3600);
    assert_eq!(room.payments.sweep().await.unwrap(), 0);
    assert_eq!(room.facts(request.payment).await.state, S::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_provider_that_hangs_blocks_neither_further_shoppers_nor_webhooks_nor_captures() {
    let room = Arc::new(Room::open().await);
    let payment = room.held(500).await;
    room.provider.next(Answer::Says(ProviderStatus::Pending));
    let waiting = room.payments.authorise(room.request(700)).await.unwrap().payment_id;
    room.provider.gate.forget_permits(1_000);
    let crowd: Vec<_> = (0..128)
        .map(|_| {
            let room = room.clone();
            tokio::spawn(async move { room.payments.authorise(room.request(2000)).await.unwrap().state })
        })
        .collect();
    while room.provider.calls("authorise").len() < 130 {
        tokio::task::yield_now().await;
    }
    let told = room.payments.authorise(room.request(2000)).await.unwrap();
    assert_eq!((told.state, told.decline_code.as_deref()), (S::Failed, Some("provider_unavailable")));
    room.capture(payment, 500, "c").await.unwrap();
    let asked = room.payments.payment(PaymentRequest { payment: waiting, refresh: true }).await.unwrap();
    assert_eq!((asked.state, room.provider.calls("lookup").len()), (S::Pending, 1));
    room.webhook("e1", waiting, ProviderStatus::Authorised).await;
    assert_eq!(room.facts(waiting).await.state, S::Authorised);
    room.provider.gate.add_permits(1_000);
    for shopper in crowd {
        assert_eq!(shopper.await.unwrap(), S::Authorised);
    }
}

#[tokio::test]
async fn a_payment_pays_one_order() {
    let room = Room::open().await;
    let payment = room.held(500).await;
    let (order, other): (OrderId, OrderId) = (room.ids.next(), room.ids.next());
    let attach = |order| room.payments.attach(AttachOrder { payment, order, meta: meta() });
    attach(order).await.unwrap();
    attach(order).await.unwrap();
    assert_eq!(attach(other).await.unwrap_err(), PaymentRefusal::Reused(payment));
    assert_eq!(room.payments.of_order(order).await.unwrap().len(), 1);
}
