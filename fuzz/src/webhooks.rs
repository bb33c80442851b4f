//! Webhooks of the payment provider.

use crate::{
    input::edited,
    shop::{block_on, shop},
};
use axum::body::Body;
use emporia_testkit::WEBHOOK_SECRET;
use emporia_testpay::webhook::SigningSecret;
use http::{HeaderValue, Request};
use serde_json::json;
use std::sync::LazyLock;
use tower::ServiceExt;

/// Header by header, and the body, of a webhook that the provider could have sent.
struct Sent {
    id: String,
    at: String,
    signature: String,
    body: Vec<u8>,
}

fn secret() -> SigningSecret {
    SigningSecret::parse(WEBHOOK_SECRET).expect("it is a secret")
}

impl Sent {
    fn signed(body: Vec<u8>) -> Self {
        let (id, now) = ("msg_1".to_owned(), shop().emporia.platform.store.clock().now());
        Self { signature: secret().sign(&id, now, &body), at: now.as_second().to_string(), id, body }
    }

    fn send(&self) -> Option<u16> {
        let header = |text: &str| HeaderValue::from_bytes(text.as_bytes()).ok();
        let request = Request::post("/webhooks/payments")
            .header("webhook-id", header(&self.id)?)
            .header("webhook-timestamp", header(&self.at)?)
            .header("webhook-signature", header(&self.signature)?)
            .body(Body::from(self.body.clone()));
        let Ok(answer) = block_on(shop().router.clone().oneshot(request.ok()?));
        Some(answer.status().as_u16())
    }
}

/// About a payment of the shop, as it stands.
static GENUINE: LazyLock<Sent> = LazyLock::new(|| {
    let event = json!({ "id": "evt_1", "type": "authorisation.authorised", "timestamp": "2026-11-24T05:37:00Z",
                        "data": { "sequence": 1, "authorisation": shop().authorisation } });
    Sent::signed(serde_json::to_vec(&event).unwrap_or_default())
});

/// The first byte says what is changed of a genuine webhook: id, time, signature, body; then it is not believed. Or a body
/// of any form is rightly signed: then it is applied or refused, and no fault of ours.
pub fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let genuine = &*GENUINE;
    let changed = |text: &str| String::from_utf8(edited(text.as_bytes(), rest)).unwrap_or_default();
    let Sent { id, at, signature, body } = genuine;
    let (mut id, mut at, mut signature, mut body) = (id.clone(), at.clone(), signature.clone(), body.clone());
    match kind % 6 {
        0 => id = changed(&id),
        1 => at = changed(&at),
        2 => signature = changed(&signature),
        3 => body = edited(&body, rest),
        of_any_form => {
            let body = if of_any_form == 4 { rest.to_vec() } else { edited(&body, rest) };
            let status = Sent::signed(body).send();
            assert!(matches!(status, Some(204 | 400)), "{status:?}");
            return;
        }
    }
    // The header may hold several signatures, and a number has several spellings: what is signed is the same.
    let same = body == genuine.body && id == genuine.id && at.parse::<i64>() == genuine.at.parse::<i64>();
    let signed = signature.split(' ').any(|one| one == genuine.signature);
    let status = Sent { id, at, signature, body }.send();
    match status {
        Some(204) => assert!(same && signed, "it is believed, but not genuine"),
        Some(400) => assert!(!(same && signed), "it is genuine, but not believed"),
        Some(other) => panic!("{other}"),
        // No header can be like that.
        None => {}
    }
}
