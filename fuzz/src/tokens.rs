//! Everything that says who asks.

use crate::{
    input::{edited, edited_text},
    issuer::Liar,
    shop::{Shop, block_on, shop},
};
use axum::{Router, body::Body};
use emporia::{
    identity::HeaderIdentity,
    split::{Passes, commerce},
};
use emporia_auth::{AccessTokens, KeyedHash, Scopes, TokenKey, TokenOptions, TotpSecret, hex};
use emporia_contracts::{Principal, context::system_meta};
use emporia_gateway::Identify;
use emporia_id::{FixedClock, Ids};
use emporia_oidc::Issuer;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use tower::ServiceExt;

/// The seed of RFC 4226 and RFC 6238, and the codes that RFC 4226 (appendix D) gives for the first three counts.
const RFC_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const RFC_CODES: [(u64, &str); 3] = [(0, "755224"), (1, "287082"), (2, "359152")];
/// What gateway and commerce share.
const INTERNAL_KEY: &str = "a key of the fuzzer, 32 bytes long";

static GENUINE: LazyLock<Genuine> = LazyLock::new(|| block_on(Genuine::new(shop())));

/// One of each, and who believes it.
struct Genuine {
    tokens: AccessTokens,
    access: String,
    api_key: String,
    refresh: String,
    cart: String,
    issuer: Issuer,
    id_token: String,
    totp: TotpSecret,
    commerce: Router,
    pass: String,
}

impl Genuine {
    async fn new(shop: &Shop) -> Self {
        let clock = Arc::new(FixedClock::at(Timestamp::now()));
        let ids = Ids::random(clock.clone());
        let tokens = AccessTokens::new(TokenKey::generate(), TokenOptions::new("fuzz"), clock, ids);
        let access = tokens.issue("customer/ada", &["carts:write"].into_iter().collect::<Scopes>()).token;
        let (customers, meta) = (&shop.emporia.platform.customers, system_meta("fuzz", "fuzz", None));
        let granter = Principal::System("fuzz".into());
        let scopes = ["orders:read".to_owned()];
        let made = customers.create_api_key("fuzz", &scopes, None, &granter, &meta).await;
        let api_key = made.expect("a key is made").secret;
        let who = emporia_customers::Registration {
            email: "grace@example.com".into(),
            password: "correct horse".into(),
            name: None,
            phone: None,
        };
        let refresh = customers.open_account(who, &meta).await.expect("she is new here").refresh_token;
        let liar = Liar::start().await;
        let clock = shop.emporia.platform.store.clock().clone();
        let statement = json!({ "until": clock.now().as_second() + 60, "bearer": null }).to_string();
        let statement = hex(statement.as_bytes());
        let pass = format!("{statement}.{}", KeyedHash::new(INTERNAL_KEY).of("gateway-pass", &statement));
        Self {
            tokens,
            access,
            api_key,
            refresh,
            cart: shop.ids[0].clone(),
            issuer: Issuer::discovered(&liar.url).expect("it is an address"),
            id_token: liar.id_token(),
            totp: TotpSecret::from_base32(RFC_SECRET).expect("it is a secret"),
            commerce: commerce::router(&shop.emporia.platform, Passes::new(INTERNAL_KEY, clock), None),
            pass,
        }
    }
}

/// The first byte says what is shown; the rest how it differs from a genuine one, or is shown as it is. Nothing is
/// accepted but what is genuine to the last byte.
pub fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let genuine = &*GENUINE;
    let shown = |of: &str| match kind / 16 % 2 {
        0 => edited_text(of, rest),
        _ => String::from_utf8_lossy(rest).into_owned(),
    };
    let customers = &shop().emporia.platform.customers;
    match kind % 9 {
        0 => {
            let shown = shown(&genuine.access);
            only(&shown, &genuine.access, genuine.tokens.verify(&shown));
        }
        1 => {
            let shown = shown(&genuine.api_key);
            only(&shown, &genuine.api_key, block_on(customers.identify_api_key(&shown)));
        }
        2 => {
            let shown = shown(&genuine.refresh);
            // A genuine one works once.
            if shown != genuine.refresh {
                let meta = system_meta("fuzz", "fuzz", None);
                assert!(block_on(customers.refresh(&shown, &meta)).is_err(), "{shown}");
            }
        }
        3 => guest(&shown(&shop().guest)),
        4 => {
            let shown = shown(&genuine.id_token);
            let claims = block_on(genuine.issuer.verify::<Value>(&shown, &["shop"]));
            only(&shown, &genuine.id_token, claims);
        }
        5 => {
            let shown = String::from_utf8_lossy(rest);
            let step =
                genuine.totp.step_of(&shown, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(59));
            let digits: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
            let known = RFC_CODES.iter().find(|(_, code)| *code == digits).map(|(step, _)| *step);
            assert_eq!(step, known, "{shown}");
        }
        6 => {
            let shown = shown(RFC_SECRET);
            if let Ok(secret) = TotpSecret::from_base32(&shown) {
                assert!(secret.step_of("12345678", Timestamp::now()).is_none(), "eight digits are no code");
                let _ = secret.uri(&shown, &shown);
            }
        }
        7 => pass(&edited(genuine.pass.as_bytes(), rest)),
        _ => {
            let Ok(value) = HeaderValue::from_bytes(rest) else { return };
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
            let who = HeaderIdentity(shop().emporia.platform.clone());
            let caller = block_on(who.identify(&headers, None));
            assert!(!caller.is_ok_and(|caller| caller.authenticated), "{headers:?}");
        }
    }
}

/// Accepted means genuine, and genuine means accepted.
fn only<T, E>(shown: &str, genuine: &str, accepted: Result<T, E>) {
    assert_eq!(accepted.is_ok(), shown == genuine, "{shown}");
}

/// Another guest's token opens no cart.
fn guest(shown: &str) {
    let query = "query($id: ID!) { cart(id: $id) { id } }";
    let variables = json!({ "id": GENUINE.cart });
    if HeaderValue::from_str(shown).is_err() {
        return;
    }
    let answer = block_on(async {
        let headers = HeaderMap::from_iter([(
            header::HeaderName::from_static("emporia-guest"),
            HeaderValue::from_str(shown).expect("it was tried"),
        )]);
        // One that has not the form of a token is refused before anything is asked.
        HeaderIdentity(shop().emporia.platform.clone()).identify(&headers, None).await.ok()?;
        Some(shop().emporia.ask(query, variables, &[("emporia-guest", shown)]).await)
    });
    let opened = answer.is_some_and(|answer| answer["data"]["cart"]["id"].is_string());
    assert_eq!(opened, shown == shop().guest, "{shown}");
}

/// Commerce answers a gateway with a genuine pass alone.
fn pass(shown: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(shown) else { return };
    let request = Request::post("/internal/identity").header("emporia-pass", value);
    let Ok(request) = request.body(Body::from("{}")) else { return };
    let Ok(answer) = block_on(GENUINE.commerce.clone().oneshot(request));
    let admitted = answer.status() != StatusCode::UNAUTHORIZED;
    assert_eq!(admitted, shown == GENUINE.pass.as_bytes(), "{}", answer.status());
}
