//! What devices answer: passkeys (W3C Web Authentication), made and shown by a software authenticator.

#[allow(dead_code, reason = "its tests do more with it")]
#[path = "../../services/customers/tests/device/mod.rs"]
mod device;

use crate::{
    input::edited_text,
    shop::{SITE, Shop, block_on, shop},
};
use device::Device;
use emporia_contracts::{Principal, context::system_meta};
use serde_json::Value;
use std::sync::{LazyLock, Mutex};

struct Holder {
    who: Principal,
    device: Device,
}

static HOLDER: LazyLock<Mutex<Holder>> = LazyLock::new(|| Mutex::new(block_on(Holder::new(shop()))));

impl Holder {
    async fn new(shop: &Shop) -> Self {
        let (customers, meta) = (&shop.emporia.platform.customers, system_meta("fuzz", "fuzz", None));
        let who = emporia_customers::Registration {
            email: "hedy@example.com".into(),
            password: "correct horse".into(),
            name: None,
            phone: None,
        };
        let signed_in = customers.open_account(who, &meta).await.expect("she is new here");
        let who = customers.identify(&signed_in.access.token).expect("she is signed in");
        let mut device = Device::new();
        let start = customers.start_passkey(&who, Some("correct horse")).await.expect("it begins");
        let made = device.register(SITE, &start.options).await;
        let english = "en".parse().expect("it is a language");
        let finished = customers.finish_passkey(&who, &start.ceremony, &made, "Phone", &english, &meta).await;
        finished.expect("it is registered");
        Self { who, device }
    }
}

/// The first byte says what is answered, the rest how it differs from what the device said, or is answered as it is.
/// Nobody is let in by an answer of which a signed part was changed.
pub fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let Ok(mut holder) = HOLDER.lock() else { return };
    let (customers, meta) = (&shop().emporia.platform.customers, &system_meta("fuzz", "fuzz", None));
    block_on(async {
        if kind % 4 == 3 {
            let Ok(start) = customers.start_passkey(&holder.who, Some("correct horse")).await else { return };
            // A device of its own: the one with the key would not make a second one.
            let made = Device::new().register(SITE, &start.options).await;
            let shown = edited_text(&made, rest);
            let english = "en".parse().expect("it is a language");
            let who = &holder.who;
            let finished =
                customers.finish_passkey(who, &start.ceremony, &shown, "Other", &english, meta).await;
            if let Ok(finished) = finished {
                let _ = customers.remove_passkey(who, &finished.id, meta).await;
            }
            return;
        }
        let start = customers.start_passkey_sign_in().await.expect("it begins");
        let (genuine, shown) = match kind % 4 {
            0 => (Value::Null, String::from_utf8_lossy(rest).into_owned()),
            _ => {
                let genuine = holder.device.show(SITE, &start.options).await;
                let shown = edited_text(&genuine, rest);
                (serde_json::from_str(&genuine).unwrap_or_default(), shown)
            }
        };
        let signed_in = customers.sign_in_with_passkey(&start.ceremony, &shown, meta).await;
        if let Ok(signed_in) = signed_in {
            assert_eq!(customers.identify(&signed_in.access.token).ok().as_ref(), Some(&holder.who));
            let shown: Value = serde_json::from_str(&shown).unwrap_or_default();
            for part in ["authenticatorData", "clientDataJSON", "signature"] {
                assert_eq!(shown["response"][part], genuine["response"][part], "{part}");
            }
        }
    });
}
