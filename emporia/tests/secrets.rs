//! A real process that says as much as it can, and no secret: neither in log lines, nor in metrics, nor in errors.

#[path = "process/mod.rs"]
mod process;

use emporia_contracts::{Principal, context::system_meta};
use emporia_testpay::api::CardDetails;
use process::{Installation, waited};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex, time::Duration};
use totp_rs::Totp;

const PASSWORD: &str = "Pw-correct-horse-1";
const WRONG: &str = "Pw-wrong-guess-2";
const NEXT: &str = "Pw-battery-staple-3";
const STAFF: &str = "Pw-of-the-operator-4";
const CARD: &str = "4242424242424242";

/// The process, and every secret that it was told or told.
struct Watch {
    shop: Installation,
    secrets: Mutex<BTreeMap<String, String>>,
    /// What stood in errors.
    errors: Mutex<Vec<String>>,
}

impl Watch {
    fn secret(&self, what: &str, text: impl Into<String>) -> String {
        let text = text.into();
        assert!(text.len() >= 8, "{what}: {text:?} is too short to be looked for");
        self.secrets.lock().unwrap().insert(text.clone(), what.to_owned());
        text
    }

    /// Posts a body as it is; the answer, whose errors are kept.
    async fn post(&self, body: String, headers: &[(&str, &str)]) -> Value {
        let mut request = self.shop.client.post(format!("{}/graphql", self.shop.http));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json").body(body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let mut errors = self.errors.lock().unwrap();
        errors.push(answer["errors"].to_string());
        for field in answer["data"].as_object().into_iter().flat_map(|data| data.values()) {
            errors.push(field["userErrors"].to_string());
        }
        answer
    }

    async fn ask(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Value {
        self.post(json!({ "query": query, "variables": variables }).to_string(), headers).await
    }

    /// The code of the only mail of this kind, once it is there.
    async fn code(&self, subject: &str) -> String {
        let outbox = self.shop.data_dir().join("outbox");
        let look = async || {
            let mails = std::fs::read_dir(&outbox).ok()?.flatten();
            let mails = mails.filter_map(|file| std::fs::read_to_string(file.path()).ok());
            let mail = mails.filter(|mail| mail.contains(subject)).last()?;
            let code =
                |line: &&str| line.trim().len() == 14 && line.trim().split('-').all(|group| group.len() == 4);
            mail.lines().find(code).map(|line| line.trim().to_owned())
        };
        self.secret(subject, waited(Duration::from_secs(30), look).await)
    }

    fn session(&self, answer: &Value, field: &str) -> (String, String) {
        let token = |name: &str| answer["data"][field][name].as_str().unwrap_or_else(|| panic!("{answer:#}"));
        (
            self.secret("access token", token("accessToken")),
            self.secret("refresh token", token("refreshToken")),
        )
    }
}

const SESSION: &str = "accessToken refreshToken secondStep { challenge } userErrors { code message field }";

async fn shopper(watch: &Watch) {
    let email = "watched@example.com";
    watch
        .ask(
            "mutation { startRegistration(input: {email: \"watched@example.com\"}) { accepted } }",
            json!({}),
            &[],
        )
        .await;
    let code = watch.code("Your code to register").await;
    let register = format!("mutation($i: RegisterInput!) {{ register(input: $i) {{ {SESSION} }} }}");
    let input = json!({ "i": { "email": email, "code": code, "password": PASSWORD } });
    watch.session(&watch.ask(&register, input.clone(), &[]).await, "register");
    watch.ask(&register, input, &[]).await;
    let sign_in = format!("mutation($i: SignInInput!) {{ signIn(input: $i) {{ {SESSION} }} }}");
    watch.ask(&sign_in, json!({ "i": { "email": email, "password": WRONG } }), &[]).await;
    let signed = watch.ask(&sign_in, json!({ "i": { "email": email, "password": PASSWORD } }), &[]).await;
    let (access, refresh) = watch.session(&signed, "signIn");
    let again = format!("mutation($i: RefreshTokenInput!) {{ refreshSession(input: $i) {{ {SESSION} }} }}");
    let input = json!({ "i": { "refreshToken": refresh } });
    watch.session(&watch.ask(&again, input.clone(), &[]).await, "refreshSession");
    watch.ask(&again, input, &[]).await;
    let bearer = format!("Bearer {access}");
    watch.ask("{ me { email } }", json!({}), &[("authorization", &bearer)]).await;
    watch.ask("{ me { nothing } }", json!({}), &[("authorization", &bearer)]).await;
    watch.ask("{ me { email } }", json!({}), &[("authorization", &format!("Bearer {access}x"))]).await;
    watch.ask("{ me { email } }", json!({}), &[("authorization", &format!("Basic {access}"))]).await;
    watch.ask("{ me { email } }", json!({}), &[("authorization", &refresh)]).await;

    watch
        .ask(
            "mutation { requestPasswordReset(input: {email: \"watched@example.com\"}) { accepted } }",
            json!({}),
            &[],
        )
        .await;
    let code = watch.code("Your code for another password").await;
    let reset = "mutation($i: ResetPasswordInput!) { resetPassword(input: $i) { changed userErrors { code message } } }";
    for code in ["0000-1111-2222", &code] {
        watch.ask(reset, json!({ "i": { "email": email, "code": code, "password": NEXT } }), &[]).await;
    }
    // Texts that are no operation, or not of the right kind, with secrets in them.
    for query in [
        format!("mutation {{ signIn(input: {{email: \"{email}\", password: \"{NEXT}\" }}) {{ accessToken "),
        format!(
            "mutation {{ signIn(input: {{email: \"{email}\", passwort: \"{NEXT}\"}}) {{ accessToken }} }}"
        ),
        format!("mutation {{ signIn(input: \"{NEXT}\") {{ accessToken }} }}"),
        format!(
            "mutation {{ signIn(input: {{email: [\"{NEXT}\"], password: [\"{NEXT}\"]}}) {{ accessToken }} }}"
        ),
        format!(
            "mutation {{ signIn(input: {{email: \"x\", password: {{ a: \"{NEXT}\" }}}}) {{ accessToken }} }}"
        ),
    ] {
        watch.ask(&query, json!({}), &[]).await;
    }
    for wrong in [
        json!({ "email": email, "password": { "text": NEXT } }),
        json!({ "email": 7, "pass": NEXT }),
        json!(NEXT),
    ] {
        watch.ask(&sign_in, json!({ "i": wrong }), &[]).await;
    }
    watch.post(format!("{{\"query\": \"{{ me {{ id }} }}\", \"variables\": \"{NEXT}\" "), &[]).await;
}

async fn operator(watch: &Watch) {
    let sign_in = format!("mutation($i: SignInInput!) {{ signInOperator(input: $i) {{ {SESSION} }} }}");
    let input = json!({ "i": { "email": "boss@example.com", "password": STAFF } });
    let (access, _) = watch.session(&watch.ask(&sign_in, input.clone(), &[]).await, "signInOperator");
    let bearer = format!("Bearer {access}");
    let own = [("authorization", bearer.as_str())];
    let start = "mutation($p: String!) { startSecondFactor(input: {password: $p}) { secret uri userErrors { code message } } }";
    watch.ask(start, json!({ "p": WRONG }), &own).await;
    let started = watch.ask(start, json!({ "p": STAFF }), &own).await;
    let started = &started["data"]["startSecondFactor"];
    watch.secret("authenticator secret", started["secret"].as_str().unwrap());
    let app = Totp::from_url(started["uri"].as_str().unwrap()).unwrap();
    let code = || app.generate(u64::try_from(jiff::Timestamp::now().as_second()).unwrap()).to_string();
    let confirm = "mutation($c: String!) { confirmSecondFactor(input: {code: $c}) { recoveryCodes userErrors { code message } } }";
    watch.ask(confirm, json!({ "c": "000000" }), &own).await;
    let confirmed = watch.ask(confirm, json!({ "c": code() }), &own).await;
    let recovery = confirmed["data"]["confirmSecondFactor"]["recoveryCodes"].as_array().unwrap();
    let recovery: Vec<String> =
        recovery.iter().map(|code| watch.secret("recovery code", code.as_str().unwrap())).collect();
    let half = watch.ask(&sign_in, input, &[]).await;
    let challenge = half["data"]["signInOperator"]["secondStep"]["challenge"].as_str().unwrap();
    let challenge = watch.secret("challenge of the second step", challenge);
    let second =
        format!("mutation($i: CompleteSignInInput!) {{ completeSignIn(input: $i) {{ {SESSION} }} }}");
    for code in ["000000", &recovery[0]] {
        watch.ask(&second, json!({ "i": { "challenge": challenge, "code": code } }), &[]).await;
    }
    let key = "mutation { createApiKey(input: {name: \"Watched\", scopes: [\"stock:read\"]}) { secret apiKey { id } userErrors { message } } }";
    let key = watch.ask(key, json!({}), &own).await;
    let secret = key["data"]["createApiKey"]["secret"].as_str().unwrap_or_else(|| panic!("{key:#}"));
    let secret = watch.secret("API key", secret);
    let as_system = format!("Bearer {secret}");
    watch.ask("{ stuckCheckouts { id } }", json!({}), &[("authorization", &as_system)]).await;
    watch.ask("{ me { id } }", json!({}), &[("authorization", &format!("{as_system}x"))]).await;
    // It has no account that a passkey could be for.
    let refused = watch.ask("{ passkeys { id } }", json!({}), &[("authorization", &as_system)]).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

async fn purchase(watch: &Watch) {
    let cart =
        "mutation { createCart(input: {lines: [{sku: \"MUG\", quantity: 1}]}) { guestToken cart { id } } }";
    let cart = watch.ask(cart, json!({}), &[]).await["data"]["createCart"].take();
    let guest = watch.secret("guest token", cart["guestToken"].as_str().unwrap());
    let as_guest = [("emporia-guest", guest.as_str())];
    let place = "mutation($cart: ID!, $token: String!, $key: String!) { placeOrder(input: {cartId: $cart, email: \"g@example.com\",
        shippingAddress: {name: \"G\", line1: \"Street 1\", city: \"Town\", postalCode: \"12345\", countryCode: \"DE\"},
        deliveryOption: \"standard\", cardToken: $token, idempotencyKey: $key}) { order { id } userErrors { code message } } }";
    for (number, placed) in [("4000000000000002", false), (CARD, true)] {
        let card = CardDetails { number: number.into(), exp_month: 12, exp_year: 2040, cvc: "123".into() };
        let token = watch.secret("card token", watch.shop.provider.create_token(&card).await.unwrap().token);
        let variables = json!({ "cart": cart["cart"]["id"], "token": token, "key": format!("key-{number}") });
        let done = watch.ask(place, variables, &as_guest).await;
        assert_eq!(done["data"]["placeOrder"]["order"]["id"].is_string(), placed, "{done:#}");
    }
    let forged = watch.shop.client.post(format!("{}/webhooks/payments", watch.shop.http));
    let forged = forged
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", "1")
        .header("webhook-signature", "v1,x");
    let said = forged.body("{\"type\": \"payment.captured\"}").send().await.unwrap().text().await.unwrap();
    watch.errors.lock().unwrap().push(said);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_log_lines_metrics_or_errors() {
    let watch =
        Watch { shop: Installation::on_files().await, secrets: Mutex::default(), errors: Mutex::default() };
    let rooms = watch.shop.open().await;
    let (roles, system) = (["admin".to_owned()], Principal::System("test".into()));
    let meta = system_meta("test", "test", None);
    rooms.customers.create_operator("boss@example.com", "Boss", STAFF, &roles, &system, &meta).await.unwrap();
    rooms.store.close().await;
    drop(rooms);
    for (what, text) in [
        ("password", PASSWORD),
        ("wrong password", WRONG),
        ("next password", NEXT),
        ("operator's password", STAFF),
        ("card number", CARD),
    ] {
        watch.secret(what, text);
    }
    let config = std::fs::read_to_string(watch.shop.config()).unwrap();
    for key in ["master_key", "email_pepper", "secret_key", "webhook_secret"] {
        let line = config.lines().find(|line| line.starts_with(key)).unwrap();
        watch.secret(key, line.split('"').nth(1).unwrap());
    }
    // All that we and the libraries below can say.
    watch
        .shop
        .start_with(&[("EMPORIA_LOG", "debug,emporia=trace,emporia_gateway=trace,emporia_customers=trace")])
        .await;
    shopper(&watch).await;
    operator(&watch).await;
    purchase(&watch).await;
    let metrics = watch.shop.client.get(format!("{}/metrics", watch.shop.http)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let (log, errors) = (watch.shop.log(), watch.errors.lock().unwrap().join("\n"));
    assert!(
        log.contains("DEBUG") && metrics.len() > 1000 && errors.len() > 1000,
        "there is something to look at"
    );
    let mut found = vec![];
    for (secret, what) in watch.secrets.lock().unwrap().iter() {
        for (place, text) in [("log", &log), ("metrics", &metrics), ("errors", &errors)] {
            if let Some(at) = text.find(secret) {
                let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
                let line: String =
                    text[line..].lines().next().unwrap_or_default().chars().take(400).collect();
                found.push(format!("{what} in {place}: {line}"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
