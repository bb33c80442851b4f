//! Webhooks: signed, in order, retried, twice, late; and what a crash leaves of them.

mod support;

use std::time::Duration;

use emporia_testpay::api::{AuthorisationStatus as Status, DisputeRequest};
use support::{Merchant, Provider, at_once};

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_in_order_signed_with_its_facts() {
    let merchant = Merchant::start(None).await;
    let provider = Provider::with_merchant(&merchant).await;
    let id = provider.authorise("approve_visa", 1000, "order-1").await.unwrap().id;
    provider.client.capture(&id, 700, "c").await.unwrap();
    provider.client.refund(&id, 200, "r").await.unwrap();
    provider.client.dispute(&id, &DisputeRequest::default(), "d").await.unwrap();
    provider.client.void(&id, "v").await.unwrap();
    merchant
        .received(&[
            "authorisation.authorised",
            "authorisation.captured",
            "authorisation.refunded",
            "dispute.opened",
            "authorisation.voided",
        ])
        .await;
    let events = merchant.events();
    let sequence: Vec<i64> = events.iter().map(|event| event.data.sequence).collect();
    assert_eq!(sequence, [1, 2, 3, 4, 5]);
    let movements: Vec<i64> =
        events.iter().filter_map(|event| Some(event.data.movement.as_ref()?.amount_minor)).collect();
    assert_eq!(movements, [700, 200, 500, 300]);
    assert_eq!(events[1].data.authorisation.captured_minor, 700);
    assert!(events.iter().all(|event| event.data.authorisation.id == id));

    let log = provider.client.webhook_deliveries(None, 2).await.unwrap();
    assert_eq!(log.items.len(), 2);
    assert!(log.items.iter().all(|delivery| delivery.delivered && delivery.status_code == Some(200)));
    assert_eq!(log.items[0].webhook_id, events[0].id);
    provider
        .eventually("the log holds every delivery", async |p| {
            let rest = p.client.webhook_deliveries(log.next_cursor.as_deref(), 100).await.unwrap();
            rest.items.len() == 3 && rest.next_cursor.is_none()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn declines_pending_and_expiry_are_told_as_well() {
    let merchant = Merchant::start(None).await;
    let provider = Provider::with_merchant(&merchant).await;
    provider.authorise("decline_lost_card", 1000, "order-1").await.unwrap();
    merchant.received(&["authorisation.declined"]).await;
    provider.authorise("pending_approve", 1000, "order-2").await.unwrap();
    merchant.received(&["authorisation.declined", "authorisation.pending"]).await;
    provider.clock.advance(Duration::from_secs(2));
    let so_far = ["authorisation.declined", "authorisation.pending", "authorisation.authorised"];
    merchant.received(&so_far).await;
    provider.clock.advance(Duration::from_secs(7 * 24 * 3600));
    merchant.received(&[so_far[0], so_far[1], so_far[2], "authorisation.expired"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_sent_again_until_it_is_accepted_and_holds_back_only_its_own_authorisation() {
    let merchant = Merchant::start(None).await;
    merchant.answer(500);
    let provider = Provider::with_merchant(&merchant).await;
    let id = provider.authorise("approve_visa", 1000, "order-1").await.unwrap().id;
    provider.client.capture(&id, 1000, "c").await.unwrap();
    for attempts in 1..=3 {
        provider.eventually("it is sent again", async |_| merchant.attempts() == attempts).await;
        // Waits for the log, because only then the next attempt is due.
        provider
            .eventually("the attempt is logged", async |p| {
                p.client.webhook_deliveries(None, 100).await.unwrap().items.len() == attempts
            })
            .await;
        provider.clock.advance(Duration::from_secs(1 << attempts));
    }
    provider.eventually("it is sent again", async |_| merchant.attempts() == 4).await;
    let log = provider.client.webhook_deliveries(None, 3).await.unwrap().items;
    assert!(log.iter().all(|it| it.webhook_id == log[0].webhook_id && it.status_code == Some(500)));
    assert_eq!(log.iter().map(|it| it.attempt).collect::<Vec<_>>(), [1, 2, 3]);

    merchant.answer(204);
    provider.authorise("decline_generic", 1000, "order-2").await.unwrap();
    merchant.received(&["authorisation.declined"]).await;
    provider.clock.advance(Duration::from_secs(60));
    merchant
        .received(&["authorisation.declined", "authorisation.authorised", "authorisation.captured"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_never_accepted_is_set_aside_at_last() {
    let merchant = Merchant::start(None).await;
    merchant.answer(404);
    let target = merchant.target();
    let provider = Provider::with(|config| {
        config.webhook = Some(target);
        config.timings.webhook_attempts = 1;
    })
    .await;
    let id = provider.authorise("approve_visa", 1000, "order-1").await.unwrap().id;
    provider.eventually("it is tried", async |_| merchant.attempts() == 1).await;
    merchant.answer(200);
    provider.client.capture(&id, 1000, "c").await.unwrap();
    merchant.received(&["authorisation.captured"]).await;
    // The gap shows.
    assert_eq!(merchant.events()[0].data.sequence, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_duplicate_card_tells_everything_twice_with_one_id() {
    let merchant = Merchant::start(None).await;
    let provider = Provider::with_merchant(&merchant).await;
    let id = provider.authorise("duplicate_webhooks", 1000, "order-1").await.unwrap().id;
    provider.client.capture(&id, 1000, "c").await.unwrap();
    let (authorised, captured) = ("authorisation.authorised", "authorisation.captured");
    merchant.received(&[authorised, authorised, captured, captured]).await;
    let events = merchant.events();
    assert_eq!(events[0], events[1]);
    assert_eq!(events[2], events[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_late_card_is_authorised_long_before_its_webhooks_say_so() {
    let merchant = Merchant::start(None).await;
    let provider = Provider::with_merchant(&merchant).await;
    let late = provider.authorise("late_webhooks", 1000, "order-1").await.unwrap();
    assert_eq!(late.status, Status::Pending);
    provider.clock.advance(Duration::from_secs(2));
    provider.eventually("it is authorised", async |p| p.status(&late.id).await == Status::Authorised).await;
    provider.clock.advance(Duration::from_secs(27));
    // A webhook made later arrives, so the worker has passed over the late ones.
    provider.authorise("decline_generic", 1000, "order-2").await.unwrap();
    merchant.received(&["authorisation.declined"]).await;
    provider.clock.advance(Duration::from_secs(3));
    merchant.received(&["authorisation.declined", "authorisation.pending", "authorisation.authorised"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let merchant = Merchant::start(None).await;
    merchant.answer(503);
    let provider = Provider::with_merchant(&merchant).await;
    let pending = provider.authorise("pending_approve", 1000, "pending").await.unwrap();
    let requests = {
        let mut requests = Vec::new();
        for n in 0..40 {
            requests.push(provider.request("approve_visa", 1000, &format!("order-{n}")).await);
        }
        requests
    };
    // Calls of many clients at once; each acknowledged one is captured too; the server is cut off among them.
    let calls = requests.iter().cloned().map(|request| {
        let client = provider.client.clone();
        tokio::spawn(async move {
            let done = client.authorise(&request, &request.reference).await.ok()?;
            let captured = client.capture(&done.id, 600, &format!("c-{}", request.reference)).await.is_ok();
            Some((done.id, captured))
        })
    });
    let calls: Vec<_> = calls.collect();
    provider.eventually("some are done", async |_| calls.iter().any(|call| call.is_finished())).await;
    let provider = provider.crash_and_restart(|_| {}).await;
    let mut acknowledged = Vec::new();
    for call in calls {
        acknowledged.extend(call.await.unwrap());
    }
    assert!(!acknowledged.is_empty());
    for (id, captured) in &acknowledged {
        let found = provider.client.authorisation(id).await.unwrap();
        assert_eq!(found.status, Status::Authorised);
        assert!(!captured || found.captured_minor == 600);
    }

    // All call again with their keys: nothing is done twice.
    let repeated = at_once(requests.len(), |n| {
        let (client, request) = (provider.client.clone(), requests[n].clone());
        async move {
            let done = client.authorise(&request, &request.reference).await.unwrap();
            client.capture(&done.id, 600, &format!("c-{}", request.reference)).await.unwrap();
            done.id
        }
    })
    .await;
    assert!(acknowledged.iter().all(|(id, _)| repeated.contains(id)));
    let ledger = provider.client.whole_ledger().await.unwrap();
    assert_eq!(ledger.iter().filter(|entry| entry.reference.starts_with("order-")).count(), 80);

    // The pending one is resolved by the new server, and every webhook is delivered by it.
    merchant.answer(200);
    provider.clock.advance(Duration::from_secs(600));
    provider
        .eventually("it is authorised", async |p| p.status(&pending.id).await == Status::Authorised)
        .await;
    // An attempt that was refused while the merchant changed its mind is repeated later: time goes on.
    let told = async |p: &Provider| {
        p.clock.advance(Duration::from_secs(1));
        merchant.events().len() == 82
    };
    provider.eventually("all is told", told).await;
    for id in repeated {
        let told: Vec<i64> = (merchant.events().iter())
            .filter(|event| event.data.authorisation.id == id)
            .map(|event| event.data.sequence)
            .collect();
        assert_eq!(told, [1, 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_cannot_open_the_ledger() {
    let provider = Provider::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = emporia_testpay::serve(provider.config.clone(), listener, std::future::pending()).await;
    let error = second.unwrap_err().to_string();
    assert!(error.contains("another process uses it"), "{error}");
}
