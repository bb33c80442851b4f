//! Keys: those that sign tokens, and those with which other systems ask.

mod process;

use emporia_testkit::Emporia;
use process::{Installation, emporia, text};
use serde_json::{Value, json};
use std::time::Duration;

/// What a command said that succeeded.
fn done(shop: &Installation, arguments: &[&str]) -> String {
    let output = emporia().args(arguments).arg("--config").arg(shop.config()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

async fn asked(shop: &Installation, token: &str, query: &str) -> Value {
    let request = shop.client.post(format!("{}/graphql", shop.http)).bearer_auth(token);
    request.json(&json!({"query": query})).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_that_is_rotated_while_the_server_works_signs_nobody_out() {
    let shop = Installation::new().await;
    let arguments = [
        "operator",
        "create",
        "--email",
        "boss@example.com",
        "--name",
        "Boss",
        "--role",
        "admin",
        "--config",
    ];
    let mut create = emporia();
    create.args(arguments).arg(shop.config()).env("EMPORIA_OPERATOR_PASSWORD", "correct horse battery");
    assert!(create.output().unwrap().status.success());
    shop.start(None).await;
    let sign_in = async || {
        let query = "mutation { signInOperator(input: {email: \"boss@example.com\", password: \"correct horse battery\"}) { accessToken } }";
        // A machine that is busy with other tests may be too slow for the server's own limit of time.
        process::waited(Duration::from_secs(30), async || {
            let answer = shop.ask(query, json!({}), None).await?;
            answer["data"]["signInOperator"]["accessToken"].as_str().map(ToOwned::to_owned)
        })
        .await
    };
    let published = async || -> Vec<String> {
        let answer = shop.client.get(format!("{}/.well-known/jwks.json", shop.http)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/jwk-set+json");
        let set: Value = answer.json().await.unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| {
            assert_eq!((&key["kty"], &key["alg"], &key["d"]), (&json!("OKP"), &json!("EdDSA"), &Value::Null));
            key["kid"].as_str().unwrap().to_owned()
        })
        .collect()
    };
    let works = async |token: &str| {
        asked(&shop, token, "{ currentOperator { email } }").await["data"]["currentOperator"]["email"]
            == "boss@example.com"
    };
    let before = sign_in().await;
    let first = published().await;
    assert!(works(&before).await && first.len() == 1);

    let told = done(&shop, &["keys", "rotate"]);
    let after = process::waited(std::time::Duration::from_secs(10), async || {
        let token = sign_in().await;
        (token.split('.').next() != before.split('.').next()).then_some(token)
    })
    .await;
    assert!(works(&before).await && works(&after).await);
    let keys = published().await;
    assert_eq!((keys.len(), &keys[1]), (2, &first[0]), "the new one signs, the old one is accepted");
    assert!(
        keys.iter().all(|key| told.contains(key.as_str())) && told.contains("is accepted until"),
        "{told}"
    );
    assert_eq!(done(&shop, &["keys", "list"]), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_at_the_command_line_works_until_it_is_revoked() {
    let shop = Installation::new().await;
    let made = done(&shop, &["apikey", "create", "--name", "Warehouse", "--scope", "stock:read"]);
    let key = made.lines().last().unwrap().trim();
    assert!(key.starts_with("emk_"), "{made}");
    let admin = done(&shop, &["apikey", "create", "--name", "Admin", "--scope", "apikeys:write"]);
    let admin = admin.lines().last().unwrap().trim();
    let wrong = emporia()
        .args(["apikey", "create", "--name", "x", "--scope", "everything", "--config"])
        .arg(shop.config())
        .output()
        .unwrap();
    assert!(text(&wrong.stderr).contains("stock:write"), "it says which there are: {}", text(&wrong.stderr));
    shop.start(None).await;
    let read = "{ stockLevels(skus: [\"MUG\"]) { onHand } }";
    assert!(asked(&shop, key, read).await["errors"].is_null());
    let answer = asked(&shop, key, "{ apiKeys { id } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer:#}");
    let answer = asked(&shop, admin, "{ apiKeys { id name prefix scopes createdBy } }").await;
    let listed = answer["data"]["apiKeys"].as_array().unwrap();
    let found = listed.iter().find(|k| k["name"] == "Warehouse").unwrap();
    assert!(key.starts_with(found["prefix"].as_str().unwrap()) && !answer.to_string().contains(key));

    let revoke = format!(
        "mutation {{ revokeApiKey(input: {{apiKeyId: {}}}) {{ apiKey {{ revokedAt }} }} }}",
        found["id"]
    );
    let revoked = asked(&shop, admin, &revoke).await;
    assert!(revoked["data"]["revokeApiKey"]["apiKey"]["revokedAt"].is_string(), "{revoked:#}");
    let answer = asked(&shop, key, read).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "at once: {answer:#}");
    assert!(!shop.log().contains(key) && !shop.log().contains(admin));
    shop.kill();
    assert!(done(&shop, &["apikey", "list"]).contains("revoked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_neither_customer_nor_operator() {
    let shop = Emporia::small().await;
    let admin = shop.operator(&["admin"]).await;
    let create = "mutation($scopes: [String!]!) { createApiKey(input: {name: \"All\", scopes: $scopes}) { secret apiKey { scopes } userErrors { code } } }";
    let made = admin.data(create, json!({"scopes": emporia_customers::scopes::ALL})).await;
    let secret = made["createApiKey"]["secret"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned();
    let service = shop.with_headers(&[("authorization", &format!("Bearer {secret}"))]);
    let who = service.data("{ me { id } currentOperator { id } }", json!({})).await;
    assert_eq!(who, json!({"me": null, "currentOperator": null}));
    let answer = service.ask("mutation { exportMe { data } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    // It grants what it holds, and no more.
    let analyst = shop.operator(&["analyst"]).await;
    let answer = analyst.ask(create, json!({"scopes": ["stock:read"]})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let small = service.data(create, json!({"scopes": ["apikeys:write"]})).await;
    let small = small["createApiKey"]["secret"].as_str().unwrap().to_owned();
    let small = shop.with_headers(&[("authorization", &format!("Bearer {small}"))]);
    let more = small.data(create, json!({"scopes": ["stock:read"]})).await;
    assert_eq!(more["createApiKey"]["userErrors"][0]["code"], "STATE_NOT_ALLOWED", "{more:#}");
}
