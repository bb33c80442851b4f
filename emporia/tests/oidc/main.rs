//! Shoppers sign in by an OpenID Connect provider: the npm package `oidc-provider`, with its sign-in and consent pages.

#[path = "../npm/mod.rs"]
mod npm;

use emporia_oidc::{Provider, ProviderOptions};
use emporia_testkit::{Emporia, Setup, until};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
};
use tempfile::TempDir;
use url::Url;

const PACKAGES: [&str; 1] = ["oidc-provider@9.13.3"];
/// Where shoppers come back to. Nobody listens: the test reads the address.
const RETURN: &str = "http://127.0.0.1:9/signed-in";
const SECRET: &str = "a secret: of the shop/1";

/// The provider as a process.
struct Login {
    script: PathBuf,
    dir: TempDir,
    port: u16,
    process: Mutex<Child>,
}

impl Drop for Login {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Login {
    /// `None` when npm is missing.
    fn start() -> Option<Self> {
        let packages = npm::with("oidc", &PACKAGES)?;
        let script = npm::script(&packages, "provider.mjs", include_str!("provider.mjs"));
        let dir = tempfile::tempdir().unwrap();
        let accounts = json!({
            "ada": { "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace" },
            "mallory": { "email": "ada@example.com", "email_verified": false },
            "quiet": { "name": "Q" },
        });
        std::fs::write(dir.path().join("accounts.json"), accounts.to_string()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Mutex::new(Self::spawn(&script, &dir, port));
        Some(Self { script, dir, port, process })
    }

    fn spawn(script: &PathBuf, dir: &TempDir, port: u16) -> Child {
        let mut node = Command::new("node");
        node.arg(script).arg(port.to_string()).arg(dir.path().join("accounts.json")).arg(RETURN);
        node.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        let mut process = node.spawn().unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("http://"), "{line:?}");
        // It ends when nobody listens to what else it says.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        process
    }

    fn stop(&self) {
        let mut process = self.process.lock().unwrap();
        // It may have ended by itself.
        let _ = process.kill();
        let _ = process.wait();
    }

    /// Starts again, with other keys.
    fn restart(&self) {
        self.stop();
        *self.process.lock().unwrap() = Self::spawn(&self.script, &self.dir, self.port);
    }

    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn shop(&self, issuer: String, secret: &str) -> Emporia {
        let options = ProviderOptions {
            name: "Example".into(),
            issuer,
            client_id: "shop".into(),
            client_secret: Some(secret.into()),
            redirect_uris: vec![RETURN.into()],
        };
        let providers = BTreeMap::from([("example".to_owned(), Provider::new(options).unwrap())]);
        Emporia::with(Setup { providers, ..Setup::default() }).await
    }
}

/// The shop and the provider.
async fn open() -> Option<(Login, Emporia)> {
    let login = Login::start()?;
    let shop = login.shop(login.issuer(), SECRET).await;
    Some((login, shop))
}

/// A browser at the provider's pages: signs in with this login, consents, and comes back with what the address says.
async fn visit(authorization_url: &str, login: &str) -> BTreeMap<String, String> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut cookies = BTreeMap::<String, String>::new();
    let (mut url, mut form) = (Url::parse(authorization_url).unwrap(), None::<String>);
    for _ in 0..12 {
        let request = match form.take() {
            Some(form) => client
                .post(url.clone())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form),
            None => client.get(url.clone()),
        };
        let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", jar.join("; ")).send().await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            cookies.insert(name.into(), value.into());
        }
        if let Some(location) = answer.headers().get("location") {
            url = url.join(location.to_str().unwrap()).unwrap();
            if url.as_str().starts_with(RETURN) {
                return url.query_pairs().into_owned().collect();
            }
            continue;
        }
        let page = answer.text().await.unwrap();
        let action = page.split("action=\"").nth(1).unwrap_or_else(|| panic!("{page}"));
        url = url.join(action.split('"').next().unwrap()).unwrap();
        form = Some(match page.contains("name=\"login\"") {
            true => format!("prompt=login&login={login}&password=any"),
            false => "prompt=consent".into(),
        });
    }
    panic!("the provider never sent us back");
}

const START: &str = "mutation($p: String!) { startOidcSignIn(input: {provider: $p}) {
    authorizationUrl state journey expiresAt userErrors { code field message } } }";
const COMPLETE: &str = "mutation($input: CompleteOidcSignInInput!) { completeOidcSignIn(input: $input) {
    accessToken refreshToken customer { id email emailVerified name } userErrors { code field message } } }";

async fn start(shop: &Emporia) -> Value {
    shop.data(START, json!({ "p": "example" }), &[]).await["startOidcSignIn"].take()
}

async fn complete(shop: &Emporia, input: Value) -> Value {
    shop.data(COMPLETE, json!({ "input": input }), &[]).await["completeOidcSignIn"].take()
}

/// The whole way.
async fn sign_in(shop: &Emporia, login: &str) -> Value {
    let begun = start(shop).await;
    let back = visit(begun["authorizationUrl"].as_str().unwrap(), login).await;
    complete(shop, input(&begun, &back)).await
}

fn input(begun: &Value, back: &BTreeMap<String, String>) -> Value {
    json!({ "journey": begun["journey"], "state": back["state"], "code": back["code"], "iss": back.get("iss") })
}

fn code(answer: &Value) -> &str {
    answer["userErrors"][0]["code"].as_str().unwrap_or("none")
}

/// How many mails of this subject there are.
async fn mails(shop: &Emporia, subject: &str) -> usize {
    shop.caught_up().await;
    let mut found = 0;
    for summary in shop.platform.mail.list(100).await.unwrap() {
        let body = shop.platform.mail.show(summary.id).await.unwrap().unwrap().body;
        found += usize::from(body.is_some_and(|body| body.subject == subject));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_gets_an_account_and_comes_back_to_it_also_with_another_address() {
    let Some((login, shop)) = open().await else { return };
    let listed = shop.data("{ identityProviders { key name } }", json!({}), &[]).await;
    assert_eq!(listed["identityProviders"], json!([{ "key": "example", "name": "Example" }]));
    let first = sign_in(&shop, "ada").await;
    let customer = &first["customer"];
    assert_eq!(
        (&customer["email"], &customer["emailVerified"], &customer["name"]),
        (&json!("ada@example.com"), &json!(true), &json!("Ada Lovelace")),
        "{first:#}"
    );
    let bearer = format!("Bearer {}", first["accessToken"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let me = shop.data("{ me { id } }", json!({}), &headers).await;
    assert_eq!(me["me"]["id"], customer["id"]);
    // The subject decides, not the address.
    let moved = json!({ "ada": { "email": "ada@elsewhere.example", "email_verified": false } });
    std::fs::write(login.dir.path().join("accounts.json"), moved.to_string()).unwrap();
    assert_eq!(sign_in(&shop, "ada").await["customer"]["id"], customer["id"]);
    // Without a password there is nothing to guess.
    let by_password =
        "mutation { signIn(input: {email: \"ada@example.com\", password: \"\"}) { accessToken } }";
    let by_password = shop.data(by_password, json!({}), &[]).await;
    assert!(by_password["signIn"]["accessToken"].is_null());
    let linked = shop.data("{ linkedIdentities { id provider linkedAt } }", json!({}), &headers).await;
    let linked = &linked["linkedIdentities"];
    assert_eq!((linked.as_array().unwrap().len(), &linked[0]["provider"]), (1, &json!("example")));
    let export = shop.data("mutation { exportMe { data } }", json!({}), &headers).await;
    assert!(export["exportMe"]["data"].as_str().unwrap().contains("\"provider\":\"example\""));
    let unlink =
        "mutation($id: ID!) { unlinkIdentity(input: {identityId: $id}) { unlinked userErrors { code } } }";
    let eve = shop.customer("eve@example.com").await;
    let others = eve.data(unlink, json!({ "id": linked[0]["id"] })).await;
    assert_eq!(code(&others["unlinkIdentity"]), "NOT_FOUND", "somebody else's");
    let done = shop.data(unlink, json!({ "id": linked[0]["id"] }), &headers).await;
    assert_eq!(done["unlinkIdentity"]["unlinked"], true);
    assert_eq!(
        code(&sign_in(&shop, "ada").await),
        "STATE_NOT_ALLOWED",
        "without it, and with an address nobody vouches for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_linked_only_when_its_address_is_verified_on_both_sides() {
    let Some((_login, shop)) = open().await else { return };
    // Nobody has an account; the provider does not vouch for the address, or has none.
    for login in ["mallory", "quiet"] {
        let refused = sign_in(&shop, login).await;
        assert_eq!((code(&refused), &refused["accessToken"]), ("STATE_NOT_ALLOWED", &Value::Null));
    }
    let before = sign_in(&shop, "mallory").await;
    // Somebody opened an account here with Ada's address, unverified, and waits for her.
    let waiting = shop.customer("ada@example.com").await;
    let waiting = waiting.data("{ me { id emailVerified } }", json!({})).await;
    assert_eq!(waiting["me"]["emailVerified"], false);
    let refused = sign_in(&shop, "ada").await;
    assert_eq!((code(&refused), &refused["accessToken"]), ("STATE_NOT_ALLOWED", &Value::Null));
    // That there is an account is not told to somebody who may not own the address.
    assert_eq!(sign_in(&shop, "mallory").await, before);

    // She takes the account over by her mail: what whoever waited there knew is worth nothing.
    let ask = "mutation { requestPasswordReset(input: {email: \"ada@example.com\"}) { accepted } }";
    shop.data(ask, json!({}), &[]).await;
    let mailed = shop.code_for("ada@example.com").await;
    let reset = "mutation($code: String!) { resetPassword(input: {email: \"ada@example.com\", code: $code,
                 password: \"battery staple\"}) { changed } }";
    assert_eq!(shop.data(reset, json!({ "code": mailed }), &[]).await["resetPassword"]["changed"], true);
    let subject = "Your account can be signed in to in another way";
    let linked = sign_in(&shop, "ada").await;
    assert_eq!(linked["customer"]["id"], waiting["me"]["id"], "{linked:#}");
    until(async || (mails(&shop, subject).await == 1).then_some(())).await;
    // The provider's unverified one gets in neither before nor after.
    assert_eq!(sign_in(&shop, "mallory").await, before);
    assert_eq!(sign_in(&shop, "ada").await["customer"]["id"], waiting["me"]["id"]);
    assert_eq!(mails(&shop, subject).await, 1, "told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_good_once_and_for_whoever_began() {
    let Some((_login, shop)) = open().await else { return };
    let (own, others) = (start(&shop).await, start(&shop).await);
    let back = visit(own["authorizationUrl"].as_str().unwrap(), "ada").await;
    assert_eq!(back["state"], own["state"].as_str().unwrap());
    // A link with somebody else's code, opened in a browser that began on its own.
    let refused = complete(&shop, input(&others, &back)).await;
    assert_eq!(code(&refused), "INVALID_CREDENTIALS");
    let mut swapped = input(&others, &back);
    swapped["state"] = others["state"].clone();
    assert_eq!(code(&complete(&shop, swapped).await), "INVALID_CREDENTIALS", "used up by the wrong one");
    let fresh = start(&shop).await;
    let mut swapped = input(&fresh, &back);
    swapped["state"] = fresh["state"].clone();
    let refused = complete(&shop, swapped).await;
    assert_eq!(code(&refused), "INVALID_CREDENTIALS", "PKCE: the code is of another sign-in; {refused:#}");
    let begun = start(&shop).await;
    let back = visit(begun["authorizationUrl"].as_str().unwrap(), "ada").await;
    let mut elsewhere = input(&begun, &back);
    elsewhere["iss"] = json!("https://evil.example.com");
    assert_eq!(code(&complete(&shop, elsewhere).await), "INVALID_CREDENTIALS", "another issuer answered");
    let begun = start(&shop).await;
    let back = visit(begun["authorizationUrl"].as_str().unwrap(), "ada").await;
    assert_eq!(code(&complete(&shop, input(&begun, &back)).await), "none");
    assert_eq!(code(&complete(&shop, input(&begun, &back)).await), "INVALID_CREDENTIALS", "twice");
    let unknown = shop.data(START, json!({ "p": "nobody" }), &[]).await;
    assert_eq!(code(&unknown["startOidcSignIn"]), "NOT_FOUND");
    let start =
        "mutation { startOidcSignIn(input: {provider: \"example\", redirectUri: \"https://evil.example\"})
                 { userErrors { code } } }";
    assert_eq!(code(&shop.data(start, json!({}), &[]).await["startOidcSignIn"]), "INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_keys_are_found_and_a_provider_that_is_away_is_named_as_the_reason() {
    let Some((login, shop)) = open().await else { return };
    assert_eq!(code(&sign_in(&shop, "ada").await), "none");
    login.restart();
    // The keys may be asked for again a few seconds after they were asked for.
    until(async || (code(&sign_in(&shop, "ada").await) == "none").then_some(())).await;
    let begun = start(&shop).await;
    let back = visit(begun["authorizationUrl"].as_str().unwrap(), "ada").await;
    login.stop();
    let away = complete(&shop, input(&begun, &back)).await;
    assert_eq!(code(&away), "PROVIDER_UNAVAILABLE");
    let message = away["userErrors"][0]["message"].as_str().unwrap();
    assert!(message.contains("try again later") && !message.contains("127.0.0.1"), "{message}");
    let cold = login.shop(login.issuer(), SECRET).await;
    assert_eq!(code(&start(&cold).await), "PROVIDER_UNAVAILABLE", "nothing of it is known yet");
    login.restart();
    let wrong = login.shop(login.issuer(), "another secret").await;
    assert_eq!(
        code(&sign_in(&wrong, "ada").await),
        "PROVIDER_UNAVAILABLE",
        "ours to put right, not the shopper's"
    );
}
