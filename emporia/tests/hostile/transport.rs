//! Headers, bodies and documents.

use crate::{Target, code};
use serde_json::{Value, json};

const PRODUCTS: &str = "{ products(first: 1) { nodes { id } } }";

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_no_identity_or_channel_are_refused() {
    let target = Target::new().await;
    let long = "x".repeat(5_000);
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjdXNfMDFoNDU1dmI0cGV4NXZza25rMDg0c24wMnEiLCJzY29wZSI6Im9yZGVyczpyZWFkIn0.";
    let customer = target.shop.customer("ada@example.com").await;
    let token = customer.headers()[0].1.trim_start_matches("Bearer ").to_owned();
    // The same claims under a signature of which one character differs, and other claims under the right one.
    let (claims, signature) = token.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("Bearer {claims}.{flipped}{}", &signature[1..]);
    let stripped = format!("Bearer {claims}.");
    let alg_none = format!("Bearer {none}");
    let huge = format!("Bearer {long}");
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "bearer",
        "null",
        &*alg_none,
        &huge,
        &forged,
        &stripped,
        &token,
    ] {
        let code =
            target.refused(PRODUCTS, json!({}), &target.shop.with_headers(&[("authorization", value)])).await;
        assert_eq!(code, "UNAUTHENTICATED", "{value:.60}");
    }
    for value in ["x", "short", &*long] {
        assert_eq!(
            target.refused(PRODUCTS, json!({}), &target.shop.with_headers(&[("emporia-guest", value)])).await,
            "BAD_USER_INPUT"
        );
    }
    for value in ["nowhere", "EU", "../../etc", "eu,us", "eu'--", &*long] {
        assert_eq!(
            target
                .refused(PRODUCTS, json!({}), &target.shop.with_headers(&[("emporia-channel", value)]))
                .await,
            "BAD_USER_INPUT"
        );
    }
    // Odd, but nothing that could be misunderstood: the defaults hold.
    for (name, value) in [
        ("accept-language", &*long),
        ("accept-language", "*;q=NaN, de;q=2, ,;"),
        ("x-request-id", &*long),
        ("x-request-id", "<b>"),
    ] {
        let (status, answer) =
            target.post(PRODUCTS, json!({}), &target.shop.with_headers(&[(name, value)])).await;
        assert_eq!((status, code(&answer)), (200, None), "{name}: {value:.40}");
    }
    let bytes = reqwest::header::HeaderValue::from_bytes(b"Bearer \xff\xfe\x80").unwrap();
    for name in ["authorization", "emporia-guest", "emporia-channel"] {
        let request =
            target.client.post(format!("{}/graphql", target.shop.address)).header(name, bytes.clone());
        let answer = request.json(&json!({"query": "{ me { id } }"})).send().await.unwrap();
        assert!(answer.status().as_u16() < 500);
        let answer: Value = answer.json().await.unwrap();
        assert!(code(&answer).is_some(), "{name}: {answer:#}");
    }
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_operation_are_refused() {
    let target = Target::new().await;
    let url = format!("{}/graphql", target.shop.address);
    let deep = format!(
        "{{\"query\": \"{{ channel {{ key }} }}\", \"variables\": {{\"a\": {}{}}}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let large = format!(
        "{{\"query\": \"{{ channel {{ key }} }}\", \"variables\": {{\"a\": \"{}\"}}}}",
        "x".repeat(300_000)
    );
    let json = "application/json";
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        (json, vec![], 400),
        (json, b"{".to_vec(), 400),
        (json, b"null".to_vec(), 400),
        (json, b"5".to_vec(), 400),
        (json, b"[]".to_vec(), 400),
        (json, b"[5]".to_vec(), 400),
        (json, b"[{\"query\": \"{ channel { key } }\"}, null]".to_vec(), 400),
        (json, format!("[{}]", [r#"{"query": "{ channel { key } }"}"#; 11].join(",")).into_bytes(), 400),
        (json, b"{}".to_vec(), 400),
        (json, b"{\"query\": 5}".to_vec(), 400),
        (json, b"{\"query\": null}".to_vec(), 400),
        (json, b"{\"query\": \"\"}".to_vec(), 400),
        (json, b"{\"query\": \"{\"}".to_vec(), 400),
        (json, b"{\"query\": \"{ channel { key } }\", \"variables\": []}".to_vec(), 400),
        (json, b"{\"query\": \"{ channel { key } }\", \"operationName\": 5}".to_vec(), 400),
        (json, b"{\"query\": \"{ channel { key } }\"".to_vec(), 400),
        (json, b"{\"query\": \"{ channel { key } }\"}x".to_vec(), 400),
        (json, b"{\"query\": \"\xff\xfe\"}".to_vec(), 400),
        (json, b"\x00\x01\x02".to_vec(), 400),
        (json, deep.into_bytes(), 400),
        (json, large.into_bytes(), 413),
        (json, vec![b' '; 300_000], 413),
        ("text/plain", b"{\"query\": \"{ channel { key } }\"}".to_vec(), 415),
        ("application/x-www-form-urlencoded", b"query={channel{key}}".to_vec(), 415),
        ("multipart/form-data; boundary=x", b"--x--".to_vec(), 415),
        ("application/json; charset=utf-16", b"{}".to_vec(), 415),
        ("", b"{}".to_vec(), 415),
    ];
    for (media, body, expected) in cases {
        let shown = String::from_utf8_lossy(&body).chars().take(80).collect::<String>();
        let answer = target.client.post(&url).header("content-type", media).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let answer: Value = answer.json().await.unwrap();
        // A body of the right form with a wrong document may be answered in the older form, with status 200.
        let refused = code(&answer).unwrap_or_else(|| panic!("{shown}: {answer:#}"));
        assert!(
            status == expected || (expected == 400 && status == 200),
            "{media} {shown}: {status} {answer:#}"
        );
        assert_ne!(refused, "INTERNAL_SERVER_ERROR");
    }
    let with = |query: &str| {
        format!("{url}?query={}", query.bytes().map(|b| format!("%{b:02x}")).collect::<String>())
    };
    let get = target.client.get(with(PRODUCTS)).send().await.unwrap();
    assert_eq!(code(&get.json::<Value>().await.unwrap()).as_deref(), Some("CSRF_PREVENTED"));
    let get = target
        .client
        .get(with("mutation { createCart(input: {}) { guestToken } }"))
        .header("emporia-csrf", "1");
    assert_eq!(
        code(&get.send().await.unwrap().json::<Value>().await.unwrap()).as_deref(),
        Some("MUTATION_OVER_GET")
    );
    for path in ["/", "/graphql/../etc/passwd", "/%00", "/webhooks", "/graphql/x"] {
        let answer = target.client.get(format!("{}{path}", target.shop.address)).send().await.unwrap();
        assert!((400..500).contains(&answer.status().as_u16()), "{path}: {}", answer.status());
    }
    for method in ["PUT", "DELETE", "PATCH", "TRACE"] {
        let answer = target.client.request(method.parse().unwrap(), &url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 405, "{method}");
    }
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_would_cost_too_much_are_refused_before_they_do() {
    let target = Target::new().await;
    let guest = target.shop.guest().await;
    let deep = |levels: usize| {
        format!("{{ categories {{ {} id {} }} }}", "children { ".repeat(levels), "} ".repeat(levels))
    };
    let wide = |n: usize| {
        format!("{{ {} }}", (0..n).map(|i| format!("a{i}: channel {{ key }} ")).collect::<String>())
    };
    let aliases = |n: usize| {
        format!("{{ channel {{ {} }} }}", (0..n).map(|i| format!("a{i}: key ")).collect::<String>())
    };
    let directives = format!("{{ channel {{ key {} }} }}", "@skip(if: false) ".repeat(500));
    let fields = format!("{{ channel {{ {} }} }}", "key ".repeat(5_000));
    let lists = "{ products(first: 100) { nodes { categories { products(first: 100) { nodes { categories { products(first: 100) { nodes { id } } } } } } } } }";
    let doubling = (0..20)
        .map(|n| format!("fragment f{n} on Channel {{ ...f{m} ...f{m} }} ", m = n + 1))
        .collect::<String>();
    let fragments = format!("{{ channel {{ ...f0 }} }} {doubling} fragment f20 on Channel {{ key }}");
    let cycle = "{ channel { ...a } } fragment a on Channel { ...b } fragment b on Channel { ...a }";
    let itself = "{ channel { ...a } } fragment a on Channel { key ...a }";
    let nested = format!(
        "query($v: String = \"\") {{ products(category: {}) {{ nodes {{ id }} }} }}",
        "[".repeat(3_000)
    );
    let documents = [
        deep(20),
        deep(400),
        deep(10_000),
        wide(30),
        wide(400),
        aliases(100),
        aliases(3_000),
        directives,
        fields,
        lists.into(),
        fragments,
        cycle.into(),
        itself.into(),
        nested,
    ];
    for document in documents {
        let code = target.refused(&document, json!({}), &guest).await;
        assert!(
            code.starts_with("LIMIT_")
                || code == "GRAPHQL_VALIDATION_FAILED"
                || code == "GRAPHQL_PARSE_FAILED",
            "{code}: {document:.100}"
        );
    }
    for document in [
        "{ nothing }",
        "{ channel }",
        "{ channel { key { x } } }",
        "query a { channel { key } } query b { channel { key } }",
        "subscription { orderUpdated(id: \"x\") { id } }",
        "mutation { createCart }",
        "{ channel { ...missing } }",
        "query($a: Missing) { channel { key } }",
        "query($a: String!) { product(slug: $a) { id } }",
        "{ _entities(representations: []) { __typename } }",
        "{ _service { sdl } }",
    ] {
        target.refused(document, json!({}), &guest).await;
    }
    target.is_well().await;
}
