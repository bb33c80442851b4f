//! Every test card, idempotency, captures and refunds, expiry, 3-D Secure.

mod support;

use std::{collections::HashSet, time::Duration};

use emporia_testpay::{
    api::{AuthorisationStatus as Status, DeclineCode, DisputeRequest, EntryType, FaultsRequest},
    cards::{Behaviour, TEST_CARDS},
    client::{ClientError, ClientTimeouts, TestpayClient},
};
use support::{KEY, Provider, at_once};

#[tokio::test(flavor = "multi_thread")]
async fn every_card_does_what_its_description_says() {
    let provider = Provider::start().await;
    let impatient = TestpayClient::new(
        &provider.url,
        KEY,
        ClientTimeouts { connect: Duration::from_secs(1), total: Duration::from_millis(700) },
    )
    .unwrap();
    for card in &TEST_CARDS {
        let request = provider.request(card.name, 1299, card.name).await;
        let client = if card.behaviour == Behaviour::Timeout { &impatient } else { &provider.client };
        let answer = client.authorise(&request, card.name).await;
        let known = provider.client.authorisations_by_reference(card.name).await.unwrap();
        match card.behaviour {
            Behaviour::Timeout => {
                assert!(matches!(answer, Err(ClientError::Unknown(_))), "{answer:?}");
                assert_eq!(known[0].status, Status::Authorised);
                // Asking again with the same key is how a merchant finds out.
                let again = provider.client.authorise(&request, card.name).await.unwrap();
                assert_eq!(again.id, known[0].id);
                continue;
            }
            Behaviour::ServerError => {
                assert!(matches!(answer, Err(ClientError::Unknown(_))), "{answer:?}");
                assert_eq!(known, []);
                continue;
            }
            _ => {}
        }
        let answer = answer.unwrap();
        assert_eq!(known, std::slice::from_ref(&answer));
        assert_eq!((answer.amount_minor, answer.currency.as_str()), (1299, "EUR"));
        assert_eq!((answer.card_brand.as_str(), answer.last4.as_str()), (card.brand, card.last4()));
        match card.behaviour {
            Behaviour::Decline(code) => {
                assert_eq!((answer.status, answer.decline_code), (Status::Declined, Some(code)));
            }
            Behaviour::Challenge => {
                assert_eq!(answer.status, Status::RequiresAction);
                assert_eq!(answer.action_url.unwrap(), format!("{}/3ds/{}", provider.url, answer.id));
            }
            Behaviour::PendingThenApprove | Behaviour::LateWebhooks | Behaviour::PendingThenDecline => {
                assert_eq!(answer.status, Status::Pending);
                assert_eq!(answer.authorised_until, None);
            }
            Behaviour::CaptureFails => {
                let refused = provider.client.capture(&answer.id, 1, "capture").await.unwrap_err();
                assert_eq!(refused.code(), Some("CAPTURE_FAILED"));
            }
            _ => {
                assert_eq!(answer.status, Status::Authorised);
                assert!(answer.authorised_until.unwrap() > provider.clock.now());
            }
        }
    }
    provider.clock.advance(Duration::from_secs(2));
    for (reference, status) in [
        ("pending_approve", Status::Authorised),
        ("late_webhooks", Status::Authorised),
        ("pending_decline", Status::Declined),
    ] {
        provider
            .eventually("the pending authorisation is resolved", async |p| {
                p.client.authorisations_by_reference(reference).await.unwrap()[0].status == status
            })
            .await;
    }
    let ledger = provider.client.whole_ledger().await.unwrap();
    let count = |kind| ledger.iter().filter(|entry| entry.kind == kind).count();
    assert_eq!(count(EntryType::Decline), 7);
    assert_eq!(count(EntryType::Authorise), TEST_CARDS.len() - 7 - 2);
    assert!(ledger.is_sorted_by_key(|entry| entry.sequence));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_authorises_once_however_many_ask_at_the_same_time() {
    let provider = Provider::start().await;
    let request = provider.request("approve_visa", 1299, "order-1").await;
    let answers = at_once(64, |_| {
        let (client, request) = (provider.client.clone(), request.clone());
        async move { client.authorise(&request, "key-1").await.unwrap() }
    })
    .await;
    let ids: HashSet<_> = answers.into_iter().map(|answer| answer.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(provider.client.whole_ledger().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_refused_for_other_input_and_answers_the_same_for_ever() {
    let provider = Provider::start().await;
    let request = provider.request("approve_visa", 1299, "order-1").await;
    let first = provider.client.authorise(&request, "key-1").await.unwrap();
    let mut other = request.clone();
    other.amount_minor = 1300;
    let refused = provider.client.authorise(&other, "key-1").await.unwrap_err();
    assert_eq!(refused.code(), Some("IDEMPOTENCY_KEY_REUSED"));
    // Neither for another operation.
    let refused = provider.client.void(&first.id, "key-1").await.unwrap_err();
    assert_eq!(refused.code(), Some("IDEMPOTENCY_KEY_REUSED"));

    // Years later, after a crash, when it has long expired.
    provider.clock.advance(Duration::from_secs(3 * 365 * 24 * 3600));
    let provider = provider.crash_and_restart(|_| {}).await;
    assert_eq!(provider.client.authorise(&request, "key-1").await.unwrap(), first);

    // A refusal is kept too.
    let refused = provider.client.capture(&first.id, 5000, "key-2").await.unwrap_err().to_string();
    assert_eq!(provider.client.capture(&first.id, 5000, "key-2").await.unwrap_err().to_string(), refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_authorises_once_and_not_for_long() {
    let provider = Provider::start().await;
    let request = provider.request("decline_generic", 1299, "order-1").await;
    provider.client.authorise(&request, "key-1").await.unwrap();
    let used = provider.client.authorise(&request, "key-2").await.unwrap_err();
    assert_eq!(used.code(), Some("TOKEN_USED"));

    let request = provider.request("approve_visa", 1299, "order-2").await;
    provider.clock.advance(Duration::from_secs(30 * 60));
    let expired = provider.client.authorise(&request, "key-3").await.unwrap_err();
    assert_eq!(expired.code(), Some("TOKEN_EXPIRED"));

    let mut unknown = request;
    unknown.token = "tok_0000".into();
    let unknown = provider.client.authorise(&unknown, "key-4").await.unwrap_err();
    assert_eq!(unknown.code(), Some("TOKEN_UNKNOWN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_never_exceed_the_authorised_amount_nor_refunds_the_captured() {
    let provider = Provider::start().await;
    let id = provider.authorise("approve_visa", 1000, "order-1").await.unwrap().id;

    let refused = provider.client.refund(&id, 1, "early").await.unwrap_err();
    assert_eq!(refused.code(), Some("AMOUNT_EXCEEDS_CAPTURED"));
    // 40 × 30 = 1200 is asked for, 33 × 30 = 990 fit.
    let captures = at_once(40, |n| {
        let (client, id) = (provider.client.clone(), id.clone());
        async move { client.capture(&id, 30, &format!("capture-{n}")).await }
    })
    .await;
    assert_eq!(captures.iter().filter(|capture| capture.is_ok()).count(), 33);
    for refused in captures.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), Some("AMOUNT_EXCEEDS_AUTHORISED"));
    }
    let capture = provider.client.capture(&id, 10, "the-rest").await.unwrap();
    assert_eq!((capture.amount_minor, capture.authorisation.captured_minor), (10, 1000));
    let refused = provider.client.void(&id, "void").await.unwrap_err();
    assert_eq!(refused.code(), Some("ALREADY_CAPTURED"));

    let refunds = at_once(40, |n| {
        let (client, id) = (provider.client.clone(), id.clone());
        async move { client.refund(&id, 30, &format!("refund-{n}")).await.is_ok() }
    })
    .await;
    assert_eq!(refunds.into_iter().filter(|done| *done).count(), 33);

    let sum = |ledger: &[emporia_testpay::api::LedgerEntry], kind| -> i64 {
        ledger.iter().filter(|entry| entry.kind == kind).map(|entry| entry.amount_minor).sum()
    };
    let ledger = provider.client.whole_ledger().await.unwrap();
    assert_eq!(sum(&ledger, EntryType::Capture), 1000);
    assert_eq!(sum(&ledger, EntryType::Refund), 990);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_releases_the_rest_and_captured_money_can_still_be_refunded() {
    let provider = Provider::start().await;
    let id = provider.authorise("approve_visa", 1000, "order-1").await.unwrap().id;
    provider.client.capture(&id, 400, "c").await.unwrap();
    let void = provider.client.void(&id, "v").await.unwrap();
    assert_eq!((void.amount_minor, void.authorisation.status), (600, Status::Voided));
    let refused = provider.client.capture(&id, 1, "c2").await.unwrap_err();
    assert_eq!(refused.code(), Some("NOT_AUTHORISED"));
    let refund = provider.client.refund(&id, 400, "r").await.unwrap();
    assert_eq!(refund.authorisation.refunded_minor, 400);

    // What waits for the shopper can be given up as well.
    let id = provider.authorise("challenge", 1000, "order-2").await.unwrap().id;
    assert_eq!(provider.client.void(&id, "v2").await.unwrap().amount_minor, 0);
    let refused = provider.client.void("aut_nobody", "v3").await.unwrap_err();
    assert_eq!(refused.code(), Some("AUTHORISATION_UNKNOWN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_that_ran_out_of_time_cannot_be_captured() {
    let provider = Provider::start().await;
    let open = provider.authorise("approve_visa", 1000, "order-1").await.unwrap();
    let part = provider.authorise("approve_visa", 1000, "order-2").await.unwrap();
    let full = provider.authorise("approve_visa", 1000, "order-3").await.unwrap();
    let challenge = provider.authorise("challenge", 1000, "order-4").await.unwrap();
    provider.client.capture(&part.id, 300, "part").await.unwrap();
    provider.client.capture(&full.id, 1000, "full").await.unwrap();

    provider.clock.advance(Duration::from_secs(7 * 24 * 3600) - Duration::from_millis(1));
    provider.client.capture(&open.id, 1, "last moment").await.unwrap();
    provider.clock.advance(Duration::from_millis(1));
    // Refused whether or not the worker has come round.
    let refused = provider.client.capture(&open.id, 1, "too late").await.unwrap_err();
    assert_eq!(refused.code(), Some("AUTHORISATION_EXPIRED"));
    for id in [&open.id, &part.id, &challenge.id] {
        provider.eventually("it expires", async |p| p.status(id).await == Status::Expired).await;
    }
    assert_eq!(provider.status(&full.id).await, Status::Authorised);
    let released: Vec<_> = (provider.client.whole_ledger().await.unwrap().into_iter())
        .filter(|entry| entry.kind == EntryType::Expire)
        .map(|entry| (entry.reference, entry.amount_minor))
        .collect();
    assert_eq!(released.len(), 3);
    for expected in [("order-1", 999), ("order-2", 700), ("order-4", 0)] {
        assert!(released.contains(&(expected.0.into(), expected.1)), "{released:?}");
    }
    provider.client.refund(&part.id, 300, "refund").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_answered_once_and_leads_back_to_the_shop() {
    let provider = Provider::start().await;
    for (n, outcome, status) in [(1, "approve", Status::Authorised), (2, "fail", Status::Declined)] {
        let mut request = provider.request("challenge", 1299, &format!("<b>order-{n}</b>")).await;
        request.return_url = Some("https://shop.example/checkout?cart=7".into());
        let asked = provider.client.authorise(&request, &format!("key-{n}")).await.unwrap();
        let path = format!("/3ds/{}", asked.id);
        let page = provider.get(&path).await.unwrap();
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("form-action 'self' https://shop.example;"), "{policy}");
        let html = page.text().await.unwrap();
        assert!(html.contains("12.99 EUR") && !html.contains("<b>"), "{html}");

        let bad = provider.post(&path).form(&[("outcome", "maybe")]).send().await.unwrap();
        assert_eq!(bad.status(), 422);
        // The second answer, the other one, changes nothing.
        for outcome in [outcome, "approve", "fail"] {
            let answer = provider.post(&path).form(&[("outcome", outcome)]).send().await.unwrap();
            assert_eq!(answer.status(), 303);
            let expected = format!("https://shop.example/checkout?cart=7&authorisation={}", asked.id);
            assert_eq!(answer.headers()["location"], expected);
            assert_eq!(provider.status(&asked.id).await, status);
        }
        let after = provider.client.authorisation(&asked.id).await.unwrap();
        assert_eq!(after.action_url, None);
        assert_eq!(
            after.decline_code,
            (status == Status::Declined).then_some(DeclineCode::AuthenticationFailed)
        );
        assert!(provider.get(&path).await.unwrap().text().await.unwrap().contains("Nothing to confirm"));
    }
    assert_eq!(provider.get("/3ds/aut_x").await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_about_captured_money() {
    let provider = Provider::start().await;
    let id = provider.authorise("approve_visa", 1000, "order-1").await.unwrap().id;
    let all = DisputeRequest::default();
    assert!(provider.client.dispute(&id, &all, "d0").await.is_err());
    provider.client.capture(&id, 700, "c").await.unwrap();
    let dispute = provider.client.dispute(&id, &all, "d1").await.unwrap();
    assert_eq!((dispute.amount_minor, dispute.authorisation.disputed_minor), (700, 700));
    assert!(provider.client.dispute(&id, &all, "d2").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_let_tests_see_every_kind_of_error() {
    let provider = Provider::start().await;
    let request = provider.request("approve_visa", 1000, "order-1").await;
    let faults = FaultsRequest { fail_next: 1, drop_next: 1, ..FaultsRequest::default() };
    provider.client.set_faults(&faults).await.unwrap();

    let failed = provider.client.authorise(&request, "key-1").await.unwrap_err();
    assert!(matches!(failed, ClientError::Unknown(_)), "{failed}");
    assert_eq!(provider.client.authorisations_by_reference("order-1").await.unwrap(), []);
    let dropped = provider.client.authorise(&request, "key-1").await.unwrap_err();
    assert!(matches!(dropped, ClientError::Unknown(_)), "{dropped}");
    let done = provider.client.authorisations_by_reference("order-1").await.unwrap();
    assert_eq!(provider.client.authorise(&request, "key-1").await.unwrap(), done[0]);

    let faults = FaultsRequest { latency_ms: 60_000, ..FaultsRequest::default() };
    provider.client.set_faults(&faults).await.unwrap();
    let timeouts = ClientTimeouts { total: Duration::from_millis(200), ..ClientTimeouts::default() };
    let impatient = TestpayClient::new(&provider.url, KEY, timeouts).unwrap();
    assert!(matches!(impatient.authorisation(&done[0].id).await, Err(ClientError::Unknown(_))));

    let nobody = TestpayClient::new("http://127.0.0.1:1", KEY, timeouts).unwrap();
    assert!(matches!(nobody.void("aut_x", "k").await, Err(ClientError::NotReached(_))));

    let provider = Provider::with(|config| config.test_controls = false).await;
    let missing = provider.client.set_faults(&faults).await.unwrap_err();
    assert_eq!(missing.code(), Some("NOT_FOUND"));
}
