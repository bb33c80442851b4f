//! Split roles as real processes: a gateway over two commerce processes on one PostgreSQL database.

mod process;

use emporia::{
    audit,
    config::Config,
    platform::{Parts, Platform},
};
use emporia_id::SystemClock;
use emporia_testpay::{
    TestpayClient,
    api::{CardDetails, FaultsRequest},
    client::ClientTimeouts,
};
use emporia_testpg::Database;
use emporia_vault::MasterKey;
use futures_util::{StreamExt, future::join_all, stream};
use process::{Process, emporia, free_port, waited};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const SECRET_KEY: &str = "sk_test_of_split_roles";
const WEBHOOK_SECRET: &str = "whsec_dGhlIHNwbGl0IHByb2Nlc3MncyB3ZWJob29rIHNlY3JldA==";
/// What the processes promise each other.
const WITHIN: Duration = Duration::from_secs(1);
const PASSWORD: &str = "correct horse";

/// A shop of four processes: the provider, two of commerce, the gateway.
struct Split {
    directory: TempDir,
    gateway: String,
    commerce: [String; 2],
    client: reqwest::Client,
    provider: TestpayClient,
    processes: Mutex<Vec<(String, Process)>>,
    _database: Database,
}

impl Split {
    async fn open() -> Option<Self> {
        let database = emporia_testpg::database()?;
        let directory = tempfile::tempdir().unwrap();
        let [gateway, one, two, psp] = [0; 4].map(|_| format!("127.0.0.1:{}", free_port()));
        let secret = || MasterKey::generate().to_base64().to_string();
        let config = format!(
            "data_dir = {:?}\nstore = {:?}\n\n[commerce]\nurls = [\"http://{one}\", \"http://{two}\"]\n\n\
             [secrets]\nmaster_key = \"{}\"\nemail_pepper = \"{}\"\ninternal_key = \"{}\"\n\n\
             [gateway.rates]\nenabled = false\n\n[payments]\nbase_url = \"http://{psp}\"\nsecret_key = \"{SECRET_KEY}\"\nwebhook_secret = \"{WEBHOOK_SECRET}\"\n",
            directory.path().join("data"),
            database.url(),
            secret(),
            secret(),
            secret(),
        );
        std::fs::write(directory.path().join("emporia.toml"), config).unwrap();
        let mut testpay = emporia();
        testpay.args(["testpay", "--test-controls", "--listen", &psp, "--secret-key", SECRET_KEY]);
        testpay.arg("--data-dir").arg(directory.path().join("testpay"));
        testpay.args(["--webhook-secret", WEBHOOK_SECRET]);
        testpay.args(["--webhook-url", &format!("http://{gateway}/webhooks/payments")]);
        let provider = TestpayClient::new(&format!("http://{psp}"), SECRET_KEY, ClientTimeouts::default());
        let shop = Self {
            gateway: format!("http://{gateway}"),
            commerce: [format!("http://{one}"), format!("http://{two}")],
            client: reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap(),
            provider: provider.unwrap(),
            processes: Mutex::new(vec![]),
            directory,
            _database: database,
        };
        shop.spawn("testpay", testpay);
        let platform = shop.rooms().await;
        emporia_testkit::seed(&platform).await;
        emporia_testkit::more(&platform, 40).await;
        let (granter, roles) = (emporia_contracts::Principal::System("test".into()), ["admin".to_owned()]);
        let meta = emporia_contracts::context::system_meta("test", "test", None);
        let made =
            platform.customers.create_operator("op@example.com", "Op", PASSWORD, &roles, &granter, &meta);
        made.await.unwrap();
        platform.store.close().await;
        for (role, address) in [("commerce", &one), ("commerce", &two), ("gateway", &gateway)] {
            shop.start(role, address);
        }
        for url in shop.commerce.iter().chain([&shop.gateway]) {
            shop.ready(url).await;
        }
        waited(Duration::from_secs(30), async || shop.provider.whole_ledger().await.ok()).await;
        Some(shop)
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("emporia.toml")
    }

    /// The rooms in this process, beside the others.
    async fn rooms(&self) -> Platform {
        let config = Config::load(Some(&self.config())).unwrap();
        Platform::open(Parts::of(&config, Arc::new(SystemClock)).unwrap()).await.unwrap()
    }

    fn spawn(&self, name: &str, command: std::process::Command) {
        let process = Process::spawn(command, &self.directory.path().join("log"));
        self.processes.lock().unwrap().push((name.to_owned(), process));
    }

    fn start(&self, role: &str, address: &str) {
        let mut command = emporia();
        command.args(["serve", "--roles", role, "--listen", address, "--config"]).arg(self.config());
        self.spawn(address, command);
    }

    async fn ready(&self, url: &str) {
        let ready = async || {
            let answer = self.client.get(format!("{url}/readyz")).send().await.ok()?;
            answer.status().is_success().then_some(())
        };
        waited(Duration::from_secs(60), ready).await;
    }

    /// `kill -9` for the process that listens there.
    fn kill(&self, url: &str) {
        let mut processes = self.processes.lock().unwrap();
        let place = processes.iter().position(|(name, _)| url.ends_with(name.as_str())).unwrap();
        processes.remove(place).1.kill();
    }

    /// Asks the gateway. `None`: nobody answered.
    async fn ask(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Option<Value> {
        let mut request = self.client.post(format!("{}/graphql", self.gateway));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.json(&json!({"query": query, "variables": variables})).send().await.ok()?.json().await.ok()
    }

    /// As [`Split::ask`]: the data of an answer without errors.
    async fn data(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Value {
        let mut answer = self.ask(query, variables, headers).await.unwrap();
        assert!(answer.get("errors").is_none(), "{answer:#}\n{}", self.log());
        answer["data"].take()
    }

    /// The token of a guest.
    async fn guest(&self) -> String {
        let created = self.data("mutation { createCart(input: {}) { guestToken } }", json!({}), &[]).await;
        created["createCart"]["guestToken"].as_str().unwrap().to_owned()
    }

    /// The variables of a purchase in one call.
    async fn purchase(&self, guest: &str, sku: &str) -> Value {
        let query = "mutation($sku: String!) { createCart(input: {lines: [{sku: $sku, quantity: 1}]}) { cart { id } } }";
        let made = self.data(query, json!({"sku": sku}), &[("emporia-guest", guest)]).await;
        let number = "4242424242424242".to_owned();
        let card = CardDetails { number, exp_month: 12, exp_year: 2040, cvc: "123".into() };
        let token = self.provider.create_token(&card).await.unwrap().token;
        json!({"cart": made["createCart"]["cart"]["id"], "token": token, "key": "the purchase"})
    }

    /// The headers of an operator.
    async fn staff(&self) -> String {
        let query = "mutation($p: String!) { signInOperator(input: {email: \"op@example.com\", password: $p}) { accessToken } }";
        let signed = self.data(query, json!({"p": PASSWORD}), &[]).await;
        format!("Bearer {}", signed["signInOperator"]["accessToken"].as_str().unwrap())
    }

    /// Every book of the shop agrees with the others, also with the provider's.
    async fn audited(&self, orders: u64) {
        let platform = self.rooms().await;
        let provider =
            Parts::of(&Config::load(Some(&self.config())).unwrap(), Arc::new(SystemClock)).unwrap();
        let report = waited(Duration::from_secs(60), async || {
            let report = audit::run(&platform.store, Some(provider.provider.as_ref())).await.unwrap();
            let done = !report.behind && report.checks.iter().all(|check| check.under_way == 0);
            Some(report).filter(|_| done)
        });
        let report = report.await;
        for check in &report.checks {
            assert_eq!(check.differences, 0, "{check:?}\n{}", self.log());
        }
        let placed = report.checks.iter().find(|check| check.name == "orders").unwrap();
        assert_eq!(placed.examined, orders, "{placed:?}");
        platform.store.close().await;
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

const PLACE: &str = "mutation($cart: ID!, $token: String!, $key: String!) { placeOrder(input: {cartId: $cart, \
    email: \"shopper@example.com\", shippingAddress: {name: \"Sam\", line1: \"Main Street 1\", city: \"Town\", \
    postalCode: \"12345\", countryCode: \"DE\"}, deliveryOption: \"standard\", cardToken: $token, idempotencyKey: $key}) \
    { order { number } userErrors { code message } } }";

#[tokio::test(flavor = "multi_thread")]
async fn purchases_under_way_when_a_commerce_process_is_killed_are_made_once() {
    let Some(shop) = Split::open().await else { return };
    // A slow provider: the kill falls into the time in which the money is asked for.
    shop.provider.set_faults(&FaultsRequest { latency_ms: 300, ..FaultsRequest::default() }).await.unwrap();
    let buyers = 12;
    let buying = join_all((0..buyers).map(async |_| {
        let guest = shop.guest().await;
        let request = shop.purchase(&guest, "BOOK").await;
        // Whoever hears nothing, or that it did not work now, asks again for the same.
        let placed = waited(Duration::from_secs(90), async || {
            let answer = shop.ask(PLACE, request.clone(), &[("emporia-guest", &guest)]).await?;
            answer["data"]["placeOrder"]["order"]["number"].as_str().map(ToOwned::to_owned)
        });
        placed.await
    }));
    let killing = async {
        waited(Duration::from_secs(60), async || {
            let asked = shop.provider.whole_ledger().await.ok()?;
            (!asked.is_empty()).then_some(())
        })
        .await;
        shop.kill(&shop.commerce[0]);
    };
    let (mut numbers, ()) = tokio::join!(buying, killing);
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), buyers, "each has an order of his own");
    shop.audited(buyers as u64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_pieces_two_processes_sell_two_hundred_buyers_exactly_a_hundred() {
    let Some(shop) = Split::open().await else { return };
    let guest = async |_| {
        let guest = shop.guest().await;
        let request = shop.purchase(&guest, "SHIRT-RED").await;
        (guest, request)
    };
    let ready: Vec<_> = stream::iter(0..200).map(guest).buffer_unordered(16).collect().await;
    let begun = Instant::now();
    let asked = join_all(ready.iter().map(async |(guest, request)| {
        let answer = waited(Duration::from_secs(120), async || {
            let answer = shop.ask(PLACE, request.clone(), &[("emporia-guest", guest)]).await?;
            answer.get("errors").is_none().then_some(answer)
        });
        let mut answer = answer.await;
        answer["data"]["placeOrder"].take()
    }));
    let answers = asked.await;
    let sold = answers.iter().filter(|answer| answer["order"]["number"].is_string()).count();
    let short = answers.iter().filter(|answer| answer["userErrors"][0]["code"] == "OUT_OF_STOCK").count();
    eprintln!("200 buyers were answered in {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!((sold, short), (100, 100));
    shop.audited(100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_changes_the_other_sells_within_a_second() {
    let Some(shop) = Split::open().await else { return };
    let staff = shop.staff().await;
    let headers = [("authorization", staff.as_str())];
    let set =
        "mutation($unit: String!) { setPrice(input: {sku: \"MUG\", unit: $unit}) { userErrors { code } } }";
    let retitle = "mutation($id: ID!, $title: String!) { updateProduct(input: {id: $id, title: [{locale: \"en\", text: $title}]}) { userErrors { code } } }";
    let seen = "query { product(slug: \"mug\") { id title variants { price { unit { amount } } } } }";
    let product = shop.data(seen, json!({}), &[]).await["product"]["id"].clone();
    for round in 1..=6 {
        let (unit, title) = (format!("{round}.25"), format!("Mug {round}"));
        shop.data(set, json!({"unit": unit}), &headers).await;
        shop.data(retitle, json!({"id": product, "title": title}), &headers).await;
        let begun = Instant::now();
        // The gateway asks the processes in turn: eight calls in a row see both.
        waited(Duration::from_secs(20), async || {
            for _ in 0..8 {
                let found = shop.data(seen, json!({}), &[]).await;
                let price = &found["product"]["variants"][0]["price"]["unit"]["amount"];
                if found["product"]["title"] != json!(title) || price != &json!(unit) {
                    return None;
                }
            }
            Some(())
        })
        .await;
        // Some time is the calls' own.
        assert!(begun.elapsed() < WITHIN * 2, "round {round} took {:?}\n{}", begun.elapsed(), shop.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commerce_answers_nobody_without_a_pass() {
    let Some(shop) = Split::open().await else { return };
    let url = &shop.commerce[0];
    let query = json!({"query": "{ __typename }"});
    let forged = format!("{}.{}", "7b7d", "0".repeat(64));
    for (path, pass) in [
        ("/internal/graph/orders", None),
        ("/internal/graph/orders", Some("7b7d")),
        ("/internal/graph/orders", Some(forged.as_str())),
        ("/internal/identity", None),
    ] {
        let mut request = shop.client.post(format!("{url}{path}")).json(&query);
        if let Some(pass) = pass {
            request = request.header("emporia-pass", pass);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path} {pass:?}");
        assert!(answer.text().await.unwrap().contains("Only the gateway"), "{path}");
    }
    // The graph is not there, and what clients send of themselves is not believed by the gateway.
    assert_eq!(shop.client.post(format!("{url}/graphql")).json(&query).send().await.unwrap().status(), 404);
    let orders = "{ orders(first: 1) { nodes { number } } }";
    let refused = shop.ask(orders, json!({}), &[("emporia-pass", forged.as_str())]).await.unwrap();
    assert!(refused["errors"].is_array(), "{refused:#}");
    let allowed = shop.ask(orders, json!({}), &[("authorization", &shop.staff().await)]).await.unwrap();
    assert!(allowed.get("errors").is_none(), "{allowed:#}");
    let stale = shop.ask(orders, json!({}), &[("authorization", "Bearer x.y.z")]).await.unwrap();
    assert_eq!(stale["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{stale:#}");
}
