//! What an OpenID Connect issuer says: its configuration, its keys, its tokens, who somebody is.

use crate::{input::parts, shop::block_on};
use axum::{Router, body::Bytes, extract::State, http::header, response::IntoResponse, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use emporia_oidc::{Journey, Provider, ProviderOptions};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::net::TcpListener;
use url::Url;

/// In a year that this program does not see.
const LATE: u64 = 4_000_000_000;
const PATHS: [&str; 4] = ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"];

type Says = Arc<Mutex<[Bytes; 4]>>;

/// An issuer on this machine that says what it is told to.
pub(crate) struct Liar {
    pub(crate) url: String,
    says: Says,
    key: SigningKey,
}

static LIAR: LazyLock<Liar> = LazyLock::new(|| block_on(Liar::start()));

impl Liar {
    /// One that tells the truth at first.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let mut this = Self { url, says: Says::default(), key: SigningKey::from_bytes(&[7; 32]) };
        this.says = Arc::new(Mutex::new(this.truth().map(|said| Bytes::from(said.to_string()))));
        let mut router = Router::new();
        for (place, path) in PATHS.into_iter().enumerate() {
            let say = move |State(says): State<Says>| async move {
                let body = says.lock().map(|says| says[place].clone()).unwrap_or_default();
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            };
            router = router.route(path, get(say).post(say));
        }
        let router = router.with_state(this.says.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    fn truth(&self) -> [Value; 4] {
        let url = &self.url;
        let x = self.public();
        [
            json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "userinfo_endpoint": format!("{url}/userinfo"),
                "jwks_uri": format!("{url}/keys"),
            }),
            json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one", "use": "sig", "alg": "EdDSA" }] }),
            json!({ "access_token": "t", "id_token": self.id_token(), "token_type": "Bearer" }),
            json!({ "sub": "ada", "email": "ada@example.com", "email_verified": true }),
        ]
    }

    fn public(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes())
    }

    /// A token for Ada.
    pub(crate) fn id_token(&self) -> String {
        let claims =
            json!({ "iss": self.url, "aud": "shop", "sub": "ada", "exp": LATE, "nonce": "the nonce" });
        let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::EdDSA) };
        let key = self.key.to_pkcs8_der().expect("it has a form");
        encode(&header, &claims, &EncodingKey::from_ed_der(key.as_bytes())).expect("it is signed")
    }

    fn filled(&self, part: &[u8]) -> Bytes {
        match std::str::from_utf8(part) {
            Ok(text) => {
                let known =
                    [("$ISSUER", self.url.clone()), ("$KEY", self.public()), ("$ID_TOKEN", self.id_token())];
                let filled = |text: String, (name, value): (&str, String)| text.replace(name, &value);
                known.into_iter().fold(text.to_owned(), filled).into()
            }
            Err(_) => part.to_vec().into(),
        }
    }

    /// Whether everything that the configuration names is here: nothing that a fuzzer thinks of is called elsewhere.
    fn stays_here(&self, configuration: &[u8]) -> bool {
        let Ok(Value::Object(named)) = serde_json::from_slice(configuration) else { return true };
        let here = |url: &Url| Url::parse(&self.url).is_ok_and(|own| own.origin() == url.origin());
        let mut addresses = named.values().filter_map(|value| Url::parse(value.as_str()?).ok());
        addresses.all(|url| here(&url))
    }
}

/// Configuration, keys, answer of the token endpoint and of userinfo, as one issuer says them. Somebody signs in only as
/// whom the issuer has signed for.
pub fn run(bytes: &[u8]) {
    let liar = &*LIAR;
    let said = parts::<4>(bytes).map(|part| liar.filled(part));
    if !liar.stays_here(&said[0]) {
        return;
    }
    if let Ok(mut says) = liar.says.lock() {
        *says = said;
    }
    let provider = Provider::new(ProviderOptions {
        name: "Liar".into(),
        issuer: liar.url.clone(),
        client_id: "shop".into(),
        client_secret: Some("a:b c".into()),
        redirect_uris: vec!["https://shop.example.com/in".into()],
    });
    let provider = provider.expect("the configuration is right");
    let journey = Journey {
        redirect_uri: "https://shop.example.com/in".into(),
        state: "the state".into(),
        nonce: "the nonce".into(),
        pkce_verifier: "v".repeat(64),
    };
    block_on(async {
        if let Ok(url) = provider.authorization_url(&journey).await {
            assert!(matches!(url.scheme(), "http" | "https"), "{url}");
        }
        match provider.finish(&journey, "the code").await {
            Ok(identity) => assert_eq!(identity.subject, "ada"),
            Err(error) => assert!(error.to_string().len() < 1000, "{error}"),
        }
    });
}
