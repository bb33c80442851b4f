//! Payment webhooks that the provider did not send.

use crate::Target;
use emporia_testkit::WEBHOOK_SECRET;
use emporia_testpay::{api::Authorisation, webhook::SigningSecret};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const OTHER_SECRET: &str = "whsec_bm90IHRoZSB0ZXN0a2l0J3Mgc2VjcmV0LCBidXQgMzIgYnl0ZXM=";

/// A webhook as it goes over the wire.
struct Forged {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn signed(name: &'static str, id: &str, body: &[u8], secret: &str, at: Timestamp) -> Forged {
    let signature = SigningSecret::parse(secret).unwrap().sign(id, at, body);
    let headers = vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.as_second().to_string()),
        ("webhook-signature", signature),
    ];
    Forged { name, headers, body: body.to_vec() }
}

async fn send(target: &Target, forged: &Forged) -> (u16, String) {
    let mut request = target.client.post(format!("{}/webhooks/payments", target.shop.address));
    for (name, value) in &forged.headers {
        request = request.header(*name, value);
    }
    let answer =
        request.header("content-type", "application/json").body(forged.body.clone()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// What the provider would say about an authorisation of ours, had its holder paid.
fn says_authorised(of: &Authorisation) -> Vec<u8> {
    let mut authorisation = serde_json::to_value(of).unwrap();
    authorisation["status"] = json!("authorised");
    authorisation["capturedMinor"] = authorisation["amountMinor"].clone();
    let event = json!({"id": "evt_1", "type": "authorisation.authorised", "timestamp": Timestamp::now(),
                       "data": {"sequence": 999, "authorisation": authorisation}});
    serde_json::to_vec(&event).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_are_not_the_providers_change_nothing() {
    let target = Target::new().await;
    let (guest, staff) = (target.shop.guest().await, target.shop.operator(&["admin"]).await);
    let order = guest.buy(&guest.cart_with(&[("MUG", 1)]).await, "4242424242424242").await;
    target.shop.caught_up().await;
    let query = "query($id: ID!) { order(id: $id) { outstanding { amount } ledger { kind } payments { id state captured { amount } } } }";
    let before = staff.data(query, json!({"id": order["id"]})).await;
    let payment = before["order"]["payments"][0]["id"].as_str().unwrap();
    let found = target.shop.provider.authorisations_by_reference(payment).await.unwrap();
    let body = says_authorised(&found[0]);
    let now = Timestamp::now();
    let good = || signed("good", "msg_1", &body, WEBHOOK_SECRET, now);
    let without = |name: &'static str, header: &str| {
        let mut forged = good();
        forged.headers.retain(|(h, _)| *h != header);
        Forged { name, ..forged }
    };
    let with = |name: &'static str, header: &'static str, value: &str| {
        let mut forged = good();
        forged.headers.retain(|(h, _)| *h != header);
        forged.headers.push((header, value.to_owned()));
        Forged { name, ..forged }
    };
    let mut other = good().body;
    other.push(b' ');
    let forged = [
        Forged { name: "no headers", headers: vec![], body: body.clone() },
        without("no signature", "webhook-signature"),
        without("no timestamp", "webhook-timestamp"),
        without("no id", "webhook-id"),
        with("empty signature", "webhook-signature", ""),
        with("signature of another form", "webhook-signature", "v1,not-base64"),
        with("signature of another version", "webhook-signature", &good().headers[2].1.replace("v1,", "v2,")),
        with("another id", "webhook-id", "msg_2"),
        with("another time", "webhook-timestamp", &(now.as_second() - 1).to_string()),
        with("no number as time", "webhook-timestamp", "now"),
        with("endless time", "webhook-timestamp", &"9".repeat(60)),
        Forged { name: "truncated body", body: body[..body.len() - 5].to_vec(), ..good() },
        Forged { name: "another body", body: other, ..good() },
        Forged { name: "no body", body: vec![], ..good() },
        signed("another secret", "msg_1", &body, OTHER_SECRET, now),
        signed("an hour old", "msg_1", &body, WEBHOOK_SECRET, now - SignedDuration::from_hours(1)),
        signed("an hour early", "msg_1", &body, WEBHOOK_SECRET, now + SignedDuration::from_hours(1)),
        // Rightly signed, but nothing that the provider's protocol knows.
        signed("no JSON", "msg_3", b"{", WEBHOOK_SECRET, now),
        signed("another object", "msg_4", b"{\"hello\": 1}", WEBHOOK_SECRET, now),
        signed("a number", "msg_5", b"5", WEBHOOK_SECRET, now),
    ];
    for forged in &forged {
        let (status, answer) = send(&target, forged).await;
        assert_eq!(status, 400, "{}: {answer}", forged.name);
        assert!(answer.contains("not acceptable"), "{}: {answer}", forged.name);
    }
    let huge = Forged { name: "huge", headers: vec![], body: vec![b'x'; 1_000_000] };
    assert_eq!(send(&target, &huge).await.0, 413);
    let get = target.client.get(format!("{}/webhooks/payments", target.shop.address)).send().await.unwrap();
    assert_eq!(get.status().as_u16(), 405);
    target.shop.caught_up().await;
    assert_eq!(staff.data(query, json!({"id": order["id"]})).await, before);
    // The same body under the right secret is taken: it was the signature that the others lacked.
    let (status, answer) = send(&target, &good()).await;
    assert_eq!(status, 204, "{answer}");
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_about_a_payment_that_is_not_ours_or_in_another_currency_takes_nothing() {
    let target = Target::new().await;
    let (guest, staff) = (target.shop.guest().await, target.shop.operator(&["admin"]).await);
    let order = guest.buy(&guest.cart_with(&[("MUG", 1)]).await, "4242424242424242").await;
    target.shop.caught_up().await;
    let query = "query($id: ID!) { order(id: $id) { outstanding { amount } ledger { kind } payments { id state captured { amount currencyCode } } } }";
    let before = staff.data(query, json!({"id": order["id"]})).await;
    let payment = before["order"]["payments"][0]["id"].as_str().unwrap();
    let found = target.shop.provider.authorisations_by_reference(payment).await.unwrap();
    let changes: [(&str, Value); 7] = [
        ("reference", json!("pay_01h455vb4pex5vsknk084sn02q")),
        ("reference", json!("not an id")),
        ("reference", json!("x".repeat(10_000))),
        ("currency", json!("JPY")),
        ("currency", json!("???")),
        ("capturedMinor", json!(-5)),
        ("capturedMinor", json!(i64::MAX)),
    ];
    for (n, (field, value)) in changes.iter().enumerate() {
        let mut event: Value = serde_json::from_slice(&says_authorised(&found[0])).unwrap();
        event["data"]["authorisation"]["capturedMinor"] = json!(0);
        event["data"]["authorisation"][*field] = value.clone();
        let body = serde_json::to_vec(&event).unwrap();
        let (status, answer) =
            send(&target, &signed("odd", &format!("msg_odd_{n}"), &body, WEBHOOK_SECRET, Timestamp::now()))
                .await;
        assert!(status < 500, "{field} {value:.60}: {status} {answer}");
    }
    target.shop.caught_up().await;
    assert_eq!(staff.data(query, json!({"id": order["id"]})).await, before);
    target.is_well().await;
}
