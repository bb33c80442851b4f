//! Accounts over HTTP: registering with a verified address, a forgotten password, attempts per network address.

use emporia_testkit::Emporia;
use serde_json::{Value, json};

async fn post(shop: &Emporia, query: &str, variables: Value, forwarded: Option<&str>) -> Value {
    let mut request = reqwest::Client::new().post(format!("{}/graphql", shop.address));
    if let Some(address) = forwarded {
        // What a client says of itself is not believed.
        request = request.header("x-forwarded-for", address).header("emporia-client-address", address);
    }
    let answer = request.json(&json!({"query": query, "variables": variables})).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_registers_by_mail_and_gets_over_a_forgotten_password() {
    let shop = Emporia::small().await;
    let start = "mutation { startRegistration(input: {email: \"ada@example.com\"}) { accepted userErrors { code } } }";
    let started = post(&shop, start, json!({}), None).await;
    assert_eq!(started["data"]["startRegistration"], json!({"accepted": true, "userErrors": []}));
    let code = shop.code_for("ada@example.com").await;
    let register = "mutation($code: String!) { register(input: {email: \"ada@example.com\", code: $code, password: \"correct horse\"}) \
                    { accessToken customer { emailVerified } userErrors { code field } } }";
    let wrong = post(&shop, register, json!({"code": "1234-5678-9ABC"}), None).await;
    assert_eq!(
        wrong["data"]["register"]["userErrors"],
        json!([{"code": "INVALID_CREDENTIALS", "field": ["code"]}])
    );
    let registered = post(&shop, register, json!({"code": code}), None).await;
    assert_eq!(registered["data"]["register"]["customer"]["emailVerified"], true, "{registered:#}");

    let ask = "mutation($email: String!) { requestPasswordReset(input: {email: $email}) { accepted userErrors { code } } }";
    let known = post(&shop, ask, json!({"email": "ada@example.com"}), None).await;
    let unknown = post(&shop, ask, json!({"email": "nobody@example.com"}), None).await;
    assert_eq!(known, unknown);
    let mails = shop.platform.mail.list(100).await.unwrap().len();
    let code = loop {
        let code = shop.code_for("ada@example.com").await;
        if shop.platform.mail.list(100).await.unwrap().len() > mails {
            break code;
        }
    };
    let reset = "mutation($code: String!) { resetPassword(input: {email: \"ada@example.com\", code: $code, password: \"battery staple\"}) \
                 { changed userErrors { code } } }";
    let reset = post(&shop, reset, json!({"code": code}), None).await;
    assert_eq!(reset["data"]["resetPassword"]["changed"], true, "{reset:#}");
    for (password, works) in [("correct horse", false), ("battery staple", true)] {
        let sign_in = "mutation($p: String!) { signIn(input: {email: \"ada@example.com\", password: $p}) { accessToken } }";
        let answer = post(&shop, sign_in, json!({"p": password}), None).await;
        assert_eq!(answer["data"]["signIn"]["accessToken"].is_string(), works, "{password}");
    }
    assert!(shop.platform.mail.list(100).await.unwrap().iter().all(|mail| mail.order.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_by_the_connections_address_whatever_the_client_says() {
    let shop = Emporia::small().await;
    let sign_in =
        "mutation($e: String!) { signIn(input: {email: $e, password: \"x\"}) { userErrors { code } } }";
    let mut codes = vec![];
    for attempt in 0..31 {
        let said = format!("203.0.113.{attempt}");
        let email = format!("nobody-{attempt}@example.com");
        let answer = post(&shop, sign_in, json!({"e": email}), Some(&said)).await;
        codes.push(answer["data"]["signIn"]["userErrors"][0]["code"].as_str().unwrap().to_owned());
    }
    assert!(codes[..30].iter().all(|code| code == "INVALID_CREDENTIALS"), "{codes:?}");
    assert_eq!(codes[30], "LIMIT_EXCEEDED");
}

#[test]
fn a_trusted_proxy_is_believed_as_far_as_it_can_know() {
    use emporia::client::Proxies;
    let proxies = Proxies::trusted(&["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    let client = |peer: &str, lines: &[&str]| {
        let mut headers = http::HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    };
    for (peer, lines, expected) in [
        ("198.51.100.1", &["203.0.113.9"][..], "198.51.100.1"),
        ("10.1.2.3", &[], "10.1.2.3"),
        ("10.1.2.3", &["203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.1.2.3", &["::ffff:203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", &["1.1.1.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.1.2.3", &["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", &["203.0.113.9, nonsense"], "10.1.2.3"),
        ("::1", &["2001:db8::7"], "2001:db8::7"),
    ] {
        assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
    }
}
