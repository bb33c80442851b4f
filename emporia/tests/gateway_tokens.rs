//! `emporia gateway` before somebody else's subgraph, with somebody else's tokens.

#[path = "process/mod.rs"]
mod process;

use axum::{
    Json, Router,
    http::HeaderMap,
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use emporia_gateway::compose;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use process::{Process, emporia, free_port, waited};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const SCHEMA: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.6\", import: [\"@authenticated\", \"@requiresScopes\", \"@policy\"])
type Query {
  open: String
  known: String @authenticated
  stock: String @requiresScopes(scopes: [[\"stock:read\"]])
  staff: String @policy(policies: [[\"staff\"]])
  systems: String @authModes(modes: [\"API_KEY\"])
  people: String @authModes(modes: [\"OIDC\"])
  whole: String
}";

/// An issuer, a subgraph and the executable before it.
struct Front {
    url: String,
    issuer: String,
    key: SigningKey,
    client: reqwest::Client,
    _gateway: Process,
    dir: TempDir,
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// Answers every field with what it was shown, or with very much.
async fn subgraph(headers: HeaderMap, Json(request): Json<Value>) -> Json<Value> {
    let shown = headers.get("authorization").map_or("nothing", |v| v.to_str().unwrap());
    let kind = shown.split(' ').next();
    let whole = request["query"].as_str().unwrap().contains("whole").then(|| "x".repeat(100_000));
    let field = |name: &str| (name.to_owned(), json!(kind));
    let mut data: serde_json::Map<_, _> =
        ["open", "known", "stock", "staff", "systems", "people"].map(field).into_iter().collect();
    data.insert("whole".into(), json!(whole));
    Json(json!({ "data": data }))
}

impl Front {
    async fn start() -> Self {
        let key = SigningKey::from_bytes(&rand::random());
        let x = BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one" }] });
        let issuer = serve(Router::new().route("/keys", get(move || async move { Json(keys) }))).await;
        let graph = serve(Router::new().route("/graphql", post(subgraph))).await;
        let dir = tempfile::tempdir().unwrap();
        let supergraph = compose(&[("theirs", SCHEMA, &format!("{graph}/graphql"))]).unwrap();
        std::fs::write(dir.path().join("supergraph.graphql"), supergraph.sdl()).unwrap();
        let listen = format!("127.0.0.1:{}", free_port());
        let settings = format!(
            "[gateway]\nsubgraph_answer_bytes = 50000\n[authentication]\nissuer = \"{issuer}\"\n\
             audiences = [\"shop\", \"till\"]\njwks_uri = \"{issuer}/keys\"\npolicies_claim = \"groups\"\n"
        );
        std::fs::write(dir.path().join("emporia.toml"), settings).unwrap();
        let mut command = emporia();
        command
            .args(["gateway", "--listen", &listen, "--supergraph"])
            .arg(dir.path().join("supergraph.graphql"));
        command.arg("--config").arg(dir.path().join("emporia.toml"));
        let gateway = Process::spawn(command, &dir.path().join("gateway.log"));
        let (url, client) = (format!("http://{listen}"), reqwest::Client::new());
        let ready = async || client.get(format!("{url}/readyz")).send().await.ok().map(drop);
        waited(Duration::from_secs(30), ready).await;
        Self { url: format!("{url}/graphql"), issuer, key, client, _gateway: gateway, dir }
    }

    fn token(&self, change: Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({ "iss": self.issuer, "aud": "till", "sub": "ada", "exp": now + 60 });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let key = EncodingKey::from_ed_der(self.key.to_pkcs8_der().unwrap().as_bytes());
        encode(&Header { kid: Some("one".into()), ..Header::new(Algorithm::EdDSA) }, &claims, &key).unwrap()
    }

    /// The code of the first error, or what the field says.
    async fn ask(&self, field: &str, token: Option<&str>) -> String {
        let mut request = self.client.post(&self.url).json(&json!({ "query": format!("{{ {field} }}") }));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        code.or(answer["data"][field].as_str()).unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_believes_the_tokens_of_its_issuer_and_enforces_what_the_schema_says() {
    let front = Front::start().await;
    for (field, expected) in
        [("open", "nothing"), ("known", "UNAUTHENTICATED"), ("people", "UNAUTHENTICATED")]
    {
        assert_eq!(front.ask(field, None).await, expected, "{field}");
    }
    let plain = front.token(json!({}));
    for (field, expected) in [
        ("open", "Bearer"),
        ("known", "Bearer"),
        ("people", "Bearer"),
        ("stock", "FORBIDDEN"),
        ("staff", "FORBIDDEN"),
        ("systems", "FORBIDDEN"),
    ] {
        assert_eq!(front.ask(field, Some(&plain)).await, expected, "{field}");
    }
    for scopes in [json!({ "scope": "x stock:read" }), json!({ "scp": ["stock:read"] })] {
        assert_eq!(front.ask("stock", Some(&front.token(scopes))).await, "Bearer");
    }
    assert_eq!(front.ask("staff", Some(&front.token(json!({ "groups": ["staff"] })))).await, "Bearer");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for change in [
        json!({ "aud": "another shop" }),
        json!({ "iss": "https://login.example.com" }),
        json!({ "exp": now - 120 }),
        json!({ "nbf": now + 120 }),
    ] {
        let token = front.token(change.clone());
        assert_eq!(front.ask("open", Some(&token)).await, "UNAUTHENTICATED", "{change}");
    }
    assert_eq!(front.ask("open", Some("not a token")).await, "UNAUTHENTICATED");
    assert_eq!(front.ask("whole", None).await, "SUBGRAPH_ANSWER_TOO_LARGE");
    let log = std::fs::read_to_string(front.dir.path().join("gateway.log")).unwrap();
    assert!(!log.contains(&plain), "{log}");
}
