//! What an issuer may say, and what it may not, however it says it.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use emporia_oidc::{Identity, Issuer, Journey, OidcError, Provider, ProviderOptions};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

/// What the issuer answers, each when it is asked.
#[derive(Clone)]
struct Says(Arc<Mutex<Answers>>);

struct Answers {
    configuration: Value,
    keys: Value,
    token: (StatusCode, Value),
    userinfo: Value,
    /// What the token endpoint was sent: authorization and form.
    seen: Vec<(String, String)>,
    asked: usize,
}

/// An issuer on this machine, and a key of its own.
struct Liar {
    says: Says,
    url: String,
    key: SigningKey,
}

fn key_named(id: &str, key: &SigningKey) -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": id, "use": "sig", "alg": "EdDSA" })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Liar {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = SigningKey::from_bytes(&rand::random());
        let says = Says(Arc::new(Mutex::new(Answers {
            configuration: json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize?tenant=1"),
                "token_endpoint": format!("{url}/token"),
                "userinfo_endpoint": format!("{url}/userinfo"),
                "jwks_uri": format!("{url}/keys"),
            }),
            // Kinds of keys that nobody knows are passed over.
            keys: json!({ "keys": [{ "kty": "new kind" }, key_named("one", &key)] }),
            token: (StatusCode::OK, json!({})),
            userinfo: json!({}),
            seen: vec![],
            asked: 0,
        })));
        let json =
            |value: Value| ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response();
        let router = Router::new()
            .route("/.well-known/openid-configuration", {
                get(move |State(Says(says)): State<Says>| async move {
                    let mut says = says.lock().unwrap();
                    says.asked += 1;
                    json(says.configuration.clone())
                })
            })
            .route("/keys", get(move |State(Says(s)): State<Says>| async move { json(s.lock().unwrap().keys.clone()) }))
            .route("/userinfo", {
                get(move |State(Says(s)): State<Says>| async move { json(s.lock().unwrap().userinfo.clone()) })
            })
            .route("/long", get(|| async { "x".repeat(300_000) }))
            .route("/elsewhere", get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/keys")]) }))
            .route("/token", post(token))
            .with_state(says.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { says, url, key }
    }

    fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.says.0.lock().unwrap());
    }

    fn claims(&self) -> Value {
        let (aud, exp) = ("shop", now() + 300);
        json!({ "iss": self.url, "aud": aud, "sub": "ada", "exp": exp, "iat": now(), "nonce": "the nonce" })
    }

    fn signed(&self, kid: &str, claims: &Value) -> String {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &EncodingKey::from_ed_der(self.key.to_pkcs8_der().unwrap().as_bytes()))
            .unwrap()
    }

    fn provider(&self) -> Provider {
        Provider::new(ProviderOptions {
            name: "Liar".into(),
            issuer: self.url.clone(),
            client_id: "shop".into(),
            client_secret: Some("a:b c".into()),
            redirect_uris: vec!["https://shop.example.com/in".into()],
        })
        .unwrap()
    }

    /// A sign-in for which the token endpoint gives these claims.
    async fn sign_in(&self, claims: &Value) -> Result<Identity, OidcError> {
        let token = self.signed("one", claims);
        self.change(|says| {
            says.token.1 = json!({ "access_token": "t", "id_token": token, "token_type": "Bearer" })
        });
        self.provider().finish(&journey(), "the code").await
    }
}

async fn token(State(Says(says)): State<Says>, headers: HeaderMap, form: String) -> Response {
    let mut says = says.lock().unwrap();
    let authorization = headers.get(header::AUTHORIZATION).map(|v| v.to_str().unwrap().to_owned());
    says.seen.push((authorization.unwrap_or_default(), form));
    let (status, body) = says.token.clone();
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn journey() -> Journey {
    Journey {
        redirect_uri: "https://shop.example.com/in".into(),
        state: "the state".into(),
        nonce: "the nonce".into(),
        pkce_verifier: "v".repeat(64),
    }
}

fn rejected<T>(done: Result<T, OidcError>) -> bool {
    matches!(done, Err(OidcError::Rejected(_)))
}

fn away<T>(done: Result<T, OidcError>) -> bool {
    matches!(done, Err(OidcError::Unavailable { .. }))
}

#[tokio::test]
async fn the_code_is_exchanged_as_the_standards_say() {
    let liar = Liar::start().await;
    let url = liar.provider().authorization_url(&journey()).await.unwrap();
    let asked: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((asked["tenant"].as_str(), asked["code_challenge_method"].as_str()), ("1", "S256"));
    assert!(!url.as_str().contains(&"v".repeat(64)), "the verifier stays here");
    liar.change(|says| {
        says.userinfo = json!({ "sub": "ada", "email": "a@example.com", "email_verified": "true" })
    });
    let ada = liar.sign_in(&liar.claims()).await.unwrap();
    assert_eq!((ada.subject.as_str(), ada.email.as_deref()), ("ada", Some("a@example.com")));
    assert!(ada.email_verified, "a text that says so is taken, too");
    let (authorization, form) = liar.says.0.lock().unwrap().seen.remove(0);
    assert_eq!(authorization, "Basic c2hvcDphJTNBYitj", "shop:a%3Ab+c, encoded as RFC 6749 says");
    for part in ["grant_type=authorization_code", "code=the+code", "code_verifier=vvvv"] {
        assert!(form.contains(part), "{form}");
    }
    liar.change(|says| {
        says.configuration["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"])
    });
    liar.sign_in(&liar.claims()).await.unwrap();
    let (authorization, form) = liar.says.0.lock().unwrap().seen.remove(0);
    assert!(authorization.is_empty() && form.contains("client_secret=a%3Ab+c"), "{form}");
}

#[tokio::test]
async fn claims_of_somebody_else_are_rejected() {
    let liar = Liar::start().await;
    liar.change(|says| says.userinfo = json!({ "sub": "ada" }));
    assert!(liar.sign_in(&liar.claims()).await.is_ok());
    let wrong = [
        ("iss", json!("https://login.example.com")),
        ("aud", json!("another shop")),
        ("aud", json!(["shop", "another shop"])),
        ("azp", json!("another shop")),
        ("exp", json!(now() - 60)),
        ("nbf", json!(now() + 600)),
        ("nonce", json!("another nonce")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("exp", Value::Null),
        ("aud", Value::Null),
    ];
    for (claim, value) in wrong {
        let mut claims = liar.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            ref value => claims[claim] = value.clone(),
        }
        assert!(rejected(liar.sign_in(&claims).await), "{claim}: {value}");
    }
    liar.change(|says| {
        says.userinfo = json!({ "sub": "eve", "email": "a@example.com", "email_verified": true })
    });
    assert!(rejected(liar.sign_in(&liar.claims()).await), "userinfo of another subject");
}

#[tokio::test]
async fn only_signatures_by_a_key_pair_of_the_issuer_count() {
    let liar = Liar::start().await;
    let issuer = Issuer::discovered(&liar.url).unwrap();
    let claims = liar.claims();
    let verify = async |token: String| issuer.verify::<Value>(&token, &["shop"]).await;
    assert!(verify(liar.signed("one", &claims)).await.is_ok());
    let encoded = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", encoded(&json!({ "alg": "none", "kid": "one" })), encoded(&claims));
    assert!(rejected(verify(unsigned).await), "none");
    // A secret that somebody made of the public key.
    let secret = EncodingKey::from_secret(liar.key.verifying_key().as_bytes());
    let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
    assert!(rejected(verify(encode(&header, &claims, &secret).unwrap()).await), "HS256");
    let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::EdDSA) };
    let stranger = SigningKey::from_bytes(&rand::random());
    let stranger = EncodingKey::from_ed_der(stranger.to_pkcs8_der().unwrap().as_bytes());
    assert!(rejected(verify(encode(&header, &claims, &stranger).unwrap()).await), "another's key");
    let mut parts: Vec<String> = liar.signed("one", &claims).split('.').map(str::to_owned).collect();
    parts[1] = encoded(&json!({ "iss": liar.url, "aud": "shop", "sub": "eve", "exp": now() + 300 }));
    assert!(rejected(verify(parts.join(".")).await), "claims that were changed");
    for text in ["", "a.b.c", "not a token", &"x".repeat(20_000)] {
        assert!(rejected(verify(text.into()).await), "{:.20}", text);
    }
    let asked = liar.says.0.lock().unwrap().asked;
    for _ in 0..20 {
        assert!(rejected(verify(liar.signed("unknown", &claims)).await));
    }
    assert_eq!(liar.says.0.lock().unwrap().asked, asked, "whoever invents keys does not make us ask");
}

#[tokio::test]
async fn a_key_set_can_be_named_and_a_key_that_is_for_something_else_does_not_sign() {
    let liar = Liar::start().await;
    let named = Issuer::with_keys_at(&liar.url, &format!("{}/keys", liar.url)).unwrap();
    assert!(named.verify::<Value>(&liar.signed("one", &liar.claims()), &["x", "shop"]).await.is_ok());
    assert_eq!(liar.says.0.lock().unwrap().asked, 0, "nothing is discovered");
    for (field, value) in [("use", "enc"), ("alg", "ES256"), ("alg", "RSA-OAEP")] {
        let mut key = key_named("one", &liar.key);
        key[field] = json!(value);
        liar.change(|says| says.keys = json!({ "keys": [key] }));
        let fresh = Issuer::discovered(&liar.url).unwrap();
        let done = fresh.verify::<Value>(&liar.signed("one", &liar.claims()), &["shop"]).await;
        assert!(rejected(done), "{field}: {value}");
    }
}

#[tokio::test]
async fn an_issuer_that_leads_astray_says_too_much_or_nothing_is_not_believed() {
    let liar = Liar::start().await;
    let url = liar.url.clone();
    let wrong = [
        ("issuer", json!("https://login.example.com")),
        ("jwks_uri", json!("https://169.254.169.254/latest/meta-data")),
        ("jwks_uri", json!("http://internal.example.com/keys")),
        ("token_endpoint", json!("https://10.0.0.1/token")),
        ("userinfo_endpoint", json!("https://localhost/")),
        ("jwks_uri", json!(format!("{url}/long"))),
        ("jwks_uri", json!(format!("{url}/elsewhere"))),
        ("jwks_uri", json!(format!("{url}/nothing"))),
        ("jwks_uri", json!("no address")),
    ];
    for (setting, value) in wrong {
        let before = liar.says.0.lock().unwrap().configuration.clone();
        liar.change(|says| says.configuration[setting] = value.clone());
        let done = liar.sign_in(&liar.claims()).await;
        assert!(away(done), "{setting}: {value}");
        liar.change(|says| says.configuration = before);
    }
    liar.change(|says| says.token = (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })));
    assert!(rejected(liar.provider().finish(&journey(), "used").await));
    liar.change(|says| says.token = (StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" })));
    let refused = liar.provider().finish(&journey(), "c0d3").await;
    let told = refused.err().unwrap().to_string();
    assert!(told.contains("invalid_client"), "{told}");
    for secret in ["c0d3", "a:b c", "the nonce", "vvvv"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_is_not_asked_by_everybody() {
    // Nobody listens there.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let issuer = Issuer::discovered(&url).unwrap();
    let begun = std::time::Instant::now();
    for _ in 0..50 {
        assert!(away(issuer.verify::<Value>("a.b.c", &["shop"]).await));
    }
    assert!(begun.elapsed().as_secs() < 5);
}
