//! The HTTP face: the hosted page with kind and hostile input, and what is refused at the door.

mod support;

use emporia_testpay::{
    Config,
    api::{AuthorisationRequest, FieldError, Problem, Session, SessionRequest},
    cards::TEST_CARDS,
};
use support::{KEY, Provider};

fn session(reference: &str, return_url: Option<&str>) -> SessionRequest {
    SessionRequest {
        amount_minor: 1299,
        currency: "EUR".into(),
        reference: reference.into(),
        return_url: return_url.map(Into::into),
    }
}

async fn path_of(provider: &Provider, request: &SessionRequest) -> (Session, String) {
    let session = provider.client.create_session(request).await.unwrap();
    let path = session.url.strip_prefix(&provider.url).unwrap().to_owned();
    (session, path)
}

const GOOD: [(&str, &str); 3] = [("number", "4242 4242 4242 4242"), ("expiry", "12 / 30"), ("cvc", "123")];

#[tokio::test(flavor = "multi_thread")]
async fn the_card_page_gives_the_shop_a_token_for_exactly_its_amount() {
    let provider = Provider::start().await;
    let shop = "http://127.0.0.1:8080/checkout/return?cart=7";
    let (session, path) = path_of(&provider, &session("order 1", Some(shop))).await;
    let page = provider.get(&path).await.unwrap();
    assert_eq!(
        page.headers()["content-security-policy"],
        "default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:8080; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = page.text().await.unwrap();
    assert!(html.contains("12.99 EUR") && html.contains("order 1") && !html.contains("<script"), "{html}");
    for card in &TEST_CARDS {
        assert!(html.contains(card.number), "{}", card.name);
    }

    let answer = provider.post(&path).form(&GOOD).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let location = reqwest::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert!(location.as_str().starts_with("http://127.0.0.1:8080/checkout/return?cart=7&paymentToken=tok_"));
    let value = |name| location.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    assert_eq!(value("session"), session.id);

    let mut request = AuthorisationRequest {
        token: value("paymentToken"),
        amount_minor: 1300,
        currency: "EUR".into(),
        reference: "pay_1".into(),
        return_url: None,
    };
    let refused = provider.client.authorise(&request, "k1").await.unwrap_err();
    assert_eq!(refused.code(), Some("AMOUNT_DIFFERS_FROM_SESSION"));
    request.amount_minor = 1299;
    assert_eq!(provider.client.authorise(&request, "k2").await.unwrap().amount_minor, 1299);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_return_address_the_token_is_shown() {
    let provider = Provider::start().await;
    let (_, path) = path_of(&provider, &session("order 1", None)).await;
    let html = provider.post(&path).form(&GOOD).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("value=\"tok_") && html.contains("4242"), "{html}");
    assert!(!html.contains("4242 4242"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_card_is_explained_by_field_and_never_sent_back() {
    let provider = Provider::start().await;
    let (_, path) = path_of(&provider, &session("order 1", None)).await;
    let wrong = [("number", "4111 1111 1111 1111"), ("expiry", "13/20\"><i>"), ("cvc", "98765")];
    let answer = provider.post(&path).form(&wrong).send().await.unwrap();
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(html.contains("Only the documented test cards work here"), "{html}");
    assert!(html.contains("id=\"expiry-error\"") && html.contains("id=\"cvc-error\""));
    assert!(!html.contains("4111") && !html.contains("98765") && !html.contains("<i>"));

    assert_eq!(provider.post(&path).form(&[("a", "b")]).send().await.unwrap().status(), 422);
    assert_eq!(provider.post(&path).body("number=4242").send().await.unwrap().status(), 415);
    let filled = provider.get(&format!("{path}?card=approve_amex")).await.unwrap().text().await.unwrap();
    assert!(filled.contains("value=\"3782 822463 10005\"") && filled.contains("value=\"1234\""), "{filled}");
    for odd in ["?card=%22%3E%3Cscript%3E", "?card=a&card=b", "?card", "?%FF=%FF"] {
        let page = provider.get(&format!("{path}{odd}")).await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(!page.text().await.unwrap().contains("<script"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_session_input_is_shown_as_text_or_refused() {
    let provider = Provider::start().await;
    let reference = "\"><script>alert(1)</script>{{7*7}}";
    let (_, path) = path_of(&provider, &session(reference, Some("https://shop.example/"))).await;
    let html = provider.get(&path).await.unwrap().text().await.unwrap();
    assert!(!html.contains("<script>") && html.contains("&#60;script&#62;"), "{html}");

    for url in [
        "javascript:alert(1)",
        "data:text/html,hi",
        "//shop.example/",
        "/relative",
        "",
        "file:///etc/passwd",
        "https://user:secret@shop.example/",
        "https://",
        "http://shop.example:99999/",
    ] {
        let refused = provider.client.create_session(&session("r", Some(url))).await.unwrap_err();
        assert_eq!(refused.code(), Some("VALIDATION_FAILED"), "{url}");
    }
    // What could end a header or add a CSP directive is gone after parsing.
    let odd = "https://shop.example/a\r\nSet-Cookie: x=y;script-src *";
    let (_, path) = path_of(&provider, &session("r", Some(odd))).await;
    let page = provider.get(&path).await.unwrap();
    assert!(page.headers().get("set-cookie").is_none());
    assert!(!page.headers()["content-security-policy"].to_str().unwrap().contains("script-src"));
    let answer = provider.post(&path).form(&GOOD).send().await.unwrap();
    assert!(answer.headers()["location"].to_str().unwrap().starts_with("https://shop.example/a"));
    assert!(answer.headers().get("set-cookie").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_page_ends_after_its_time() {
    let provider = Provider::start().await;
    let (_, path) = path_of(&provider, &session("r", None)).await;
    provider.clock.advance(std::time::Duration::from_secs(30 * 60));
    assert_eq!(provider.get(&path).await.unwrap().status(), 410);
    assert_eq!(provider.post(&path).form(&GOOD).send().await.unwrap().status(), 410);
    assert_eq!(provider.get("/pay/ses_x").await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn merchant_calls_need_the_secret_key() {
    let provider = Provider::start().await;
    for path in
        ["/v1/ledger", "/v1/webhooks/deliveries", "/v1/authorisations?reference=a", "/v1/authorisations/a"]
    {
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer wrong"),
            Some(KEY),
            Some("Basic x"),
        ] {
            let mut request = support::browser().get(format!("{}{path}", provider.url));
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path} {header:?}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
            assert_eq!(answer.json::<Problem>().await.unwrap().code, "UNAUTHORISED");
        }
    }
    for path in [
        "/v1/sessions",
        "/v1/authorisations",
        "/v1/authorisations/a/capture",
        "/v1/authorisations/a/void",
        "/v1/authorisations/a/refund",
        "/v1/authorisations/a/dispute",
        "/v1/test/faults",
    ] {
        let answer = provider.post(path).json(&serde_json::json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
}

/// Sends raw text as the merchant and gives status and problem.
async fn raw(provider: &Provider, path: &str, content_type: &str, body: impl Into<String>) -> (u16, Problem) {
    let answer = provider
        .post(path)
        .bearer_auth(KEY)
        .header("idempotency-key", "raw")
        .header("content-type", content_type)
        .body(body.into())
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Problem = answer.json().await.unwrap();
    assert_eq!(problem.status, status);
    (status, problem)
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_requests_are_refused_with_problem_details() {
    let provider = Provider::start().await;
    let json = "application/json";
    let good = r#"{"token":"tok_x","amountMinor":1,"currency":"EUR","reference":"r"}"#;
    for (content_type, body, status, code) in [
        (json, "{", 400, "BAD_JSON"),
        (json, "", 400, "BAD_JSON"),
        (json, "[]", 400, "BAD_JSON"),
        (json, r#"{"token":"tok_x","amountMinor":1.5,"currency":"EUR","reference":"r"}"#, 400, "BAD_JSON"),
        (
            json,
            r#"{"token":"tok_x","amountMinor":1,"currency":"EUR","reference":"r","x":1}"#,
            400,
            "BAD_JSON",
        ),
        ("text/plain", good, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/jsonx", good, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("Application/JSON; charset=utf-8", good, 422, "TOKEN_UNKNOWN"),
    ] {
        let (got, problem) = raw(&provider, "/v1/authorisations", content_type, body).await;
        assert_eq!((got, problem.code.as_str()), (status, code), "{body}");
    }
    let huge = format!("{{\"token\":\"{}\"}}", "x".repeat(100_000));
    assert_eq!(raw(&provider, "/v1/authorisations", json, huge).await.0, 413);
    let deep = "[".repeat(60_000);
    assert_eq!(raw(&provider, "/v1/authorisations", json, deep).await.0, 400);
    assert_eq!(raw(&provider, "/v1/nothing", json, "{}").await.0, 404);
    assert_eq!(raw(&provider, "/v1/ledger", json, "{}").await.0, 405);
    assert_eq!(raw(&provider, "/v1/authorisations/%FF/void", json, "").await.0, 404);
    // A card number sent as a number is not repeated in the message.
    let card = r#"{"number":4111111111111111,"expMonth":1,"expYear":2030,"cvc":"123"}"#;
    let (status, problem) = raw(&provider, "/v1/tokens", json, card).await;
    assert_eq!(status, 400);
    assert!(!problem.detail.contains("4111"), "{}", problem.detail);
    for query in ["cursor=x", "cursor=-1", "limit=0", "limit=1001", "limit=x", "x=1"] {
        let answer = support::browser().get(format!("{}/v1/ledger?{query}", provider.url)).bearer_auth(KEY);
        assert!(answer.send().await.unwrap().status().is_client_error(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_with_an_authorisation_is_told_by_field() {
    let provider = Provider::start().await;
    let body = serde_json::json!({
        "token": "4242424242424242", "amountMinor": 0, "currency": "eur", "reference": "a\u{0}", "returnUrl": "javascript:1"
    });
    let (status, problem) = raw(&provider, "/v1/authorisations", "application/json", body.to_string()).await;
    assert_eq!(status, 422);
    let fields: Vec<String> = problem.errors.into_iter().map(|FieldError { field, .. }| field).collect();
    assert_eq!(fields, ["token", "amountMinor", "currency", "reference", "returnUrl"]);

    let without_key = provider.post("/v1/authorisations/a/void").bearer_auth(KEY).send().await.unwrap();
    assert_eq!(without_key.json::<Problem>().await.unwrap().code, "IDEMPOTENCY_KEY_REQUIRED");
    for amount in [0, -1, i64::MIN, i64::MAX] {
        let refused = provider.client.capture("aut_x", amount, "k").await.unwrap_err();
        assert_eq!(refused.code(), Some("VALIDATION_FAILED"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_of_every_origin_may_make_tokens_and_nothing_else() {
    let provider = Provider::start().await;
    let preflight = |path: &str| {
        support::browser()
            .request(reqwest::Method::OPTIONS, format!("{}{path}", provider.url))
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
    };
    let answer = preflight("/v1/tokens").send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let answer = preflight("/v1/authorisations").send().await.unwrap();
    assert!(answer.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_card_numbers_nor_tokens_are_in_the_ledger_files() {
    let provider = Provider::start().await;
    let request = provider.request("approve_visa", 1299, "order-1").await;
    provider.client.authorise(&request, "k").await.unwrap();
    for file in std::fs::read_dir(provider.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds("4242424242424242") && !holds("4242 4242") && !holds(&request.token) && !holds(KEY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_told_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    type Change = fn(&mut Config);
    let wrong: [(Change, &str); 3] = [
        (|config| config.secret_key = emporia_testpay::Secret::new("short"), "secret key"),
        (|config| config.public_url = Some("ftp://pay.example".into()), "public URL"),
        (
            |config| {
                config.webhook = Some(emporia_testpay::WebhookTarget {
                    url: "http://127.0.0.1/".into(),
                    secret: emporia_testpay::Secret::new("hunter2"),
                });
            },
            "webhook secret",
        ),
    ];
    for (change, expected) in wrong {
        let mut config = Config::new(dir.path().join("none"), KEY);
        change(&mut config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = emporia_testpay::serve(config, listener, std::future::pending()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(!dir.path().join("none").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_the_server_though_clients_keep_connections_open() {
    let dir = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(emporia_testpay::serve(Config::new(dir.path(), KEY), listener, async {
        let _ = stopped.await;
    }));
    let browser = support::browser();
    assert_eq!(browser.get(format!("http://{address}/")).send().await.unwrap().status(), 200);
    stop.send(()).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(3), server).await.unwrap().unwrap().unwrap();
}
