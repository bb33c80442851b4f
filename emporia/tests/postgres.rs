//! The executable over a PostgreSQL database.

mod process;

use emporia::{
    config::Config,
    platform::{Parts, Platform},
};
use emporia_id::SystemClock;
use emporia_testpg::{Cluster, Database};
use emporia_vault::MasterKey;
use process::{Process, emporia, free_port, run, text, waited};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

const PASSWORD: &str = "s3cret-of-the-database";

#[test]
fn the_password_of_a_database_is_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("postgres://shop:{PASSWORD}@127.0.0.1:1/shop");
    let said = |toml: String, command: &[&str]| {
        std::fs::write(directory.path().join("emporia.toml"), toml).unwrap();
        let arguments: Vec<&str> = command.iter().copied().chain(["--config", "emporia.toml"]).collect();
        let output = run(&arguments, directory.path());
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!said.contains(PASSWORD), "{said}");
        said
    };
    let check = ["config", "check"];
    assert!(said(format!("[store]\nurl = {url:?}"), &check).contains("postgres://127.0.0.1:1/shop"));
    assert!(said(format!("store = {url:?}"), &check).contains("postgres://127.0.0.1:1/shop"));
    assert!(said(format!("store = [{url:?}]"), &check).contains("a URL, postgres://…, or a table"));
    assert!(said(format!("[store]\nlayout = {url:?}"), &check).contains("store.layout"));
    assert!(said(format!("[store]\nurl = {url:?}"), &["backup", "copy"]).contains("pg_dump"));
    assert!(said(format!("store = {url:?}"), &["restore", "copy"]).contains("pg_restore"));
    assert!(
        said(format!("[store]\nurl = {url:?}"), &["mail"]).contains("127.0.0.1:1"),
        "nobody listens there"
    );
}

/// Two servers of one shop.
struct Shop {
    directory: TempDir,
    addresses: [String; 2],
    client: reqwest::Client,
    servers: Vec<Process>,
    _database: Option<Database>,
}

impl Shop {
    async fn open() -> Option<Self> {
        let database = emporia_testpg::database()?;
        let url = database.url().to_owned();
        Some(Self::over(&url, Some(database)).await)
    }

    /// Two servers over the database at `url`.
    async fn over(url: &str, database: Option<Database>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let addresses = [0, 1].map(|_| format!("127.0.0.1:{}", free_port()));
        let config = format!(
            "data_dir = {:?}\n\n[store]\nurl = {:?}\n\n[secrets]\nmaster_key = \"{}\"\nemail_pepper = \"{}\"\n\n\
             [payments]\nsecret_key = \"sk_test_of_nobody\"\nwebhook_secret = \"whsec_dGVzdHRlc3R0ZXN0dGVzdA==\"\n",
            directory.path().join("data"),
            url,
            *MasterKey::generate().to_base64(),
            *MasterKey::generate().to_base64(),
        );
        let file = directory.path().join("emporia.toml");
        std::fs::write(&file, config).unwrap();
        let parts = Parts::of(&Config::load(Some(&file)).unwrap(), Arc::new(SystemClock)).unwrap();
        let platform = Platform::open(parts).await.unwrap();
        emporia_testkit::seed(&platform).await;
        platform.store.close().await;
        drop(platform);
        let servers = addresses.iter().map(|address| serve(&file, address, directory.path())).collect();
        let shop =
            Self { client: reqwest::Client::new(), directory, addresses, servers, _database: database };
        for address in &shop.addresses {
            let ready = async || {
                let answer = shop.client.get(format!("http://{address}/readyz")).send().await.ok()?;
                answer.status().is_success().then_some(())
            };
            waited(Duration::from_secs(60), ready).await;
        }
        shop
    }

    /// Asks whether a server is ready: the status, and what it says.
    async fn readiness(&self, server: usize) -> (u16, String) {
        let answer =
            self.client.get(format!("http://{}/readyz", self.addresses[server])).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// As [`Shop::ask`]: the whole answer, errors and all.
    async fn answer(&self, server: usize, query: &str) -> Value {
        let request = self.client.post(format!("http://{}/graphql", self.addresses[server]));
        let answer = request.json(&json!({"query": query})).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn ask(&self, server: usize, query: &str, variables: Value, guest: Option<&str>) -> Value {
        let mut request = self.client.post(format!("http://{}/graphql", self.addresses[server]));
        if let Some(token) = guest {
            request = request.header("emporia-guest", token);
        }
        let answer = request.json(&json!({"query": query, "variables": variables})).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{answer:#}\n{}", self.log());
        answer["data"].clone()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("server.log")).unwrap_or_default()
    }
}

fn serve(config: &Path, address: &str, directory: &Path) -> Process {
    let mut command = emporia();
    command.arg("serve").arg("--config").arg(config).args(["--listen", address]);
    Process::spawn(command, &directory.join("server.log"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_sell_from_one_database() {
    let Some(mut shop) = Shop::open().await else { return };
    let create =
        "mutation { createCart(input: {lines: [{sku: \"MUG\", quantity: 1}]}) { guestToken cart { id } } }";
    let made = shop.ask(0, create, json!({}), None).await;
    let (token, cart) =
        (made["createCart"]["guestToken"].as_str().unwrap(), &made["createCart"]["cart"]["id"]);
    let seen = "query($id: ID!) { cart(id: $id) { lines { quantity } } }";
    for server in [1, 0] {
        let found = shop.ask(server, seen, json!({"id": cart}), Some(token)).await;
        assert_eq!(found["cart"]["lines"][0]["quantity"], 1, "{found:#}");
    }
    // One of them is killed; the other one goes on.
    shop.servers.remove(0).kill();
    let found = shop.ask(1, seen, json!({"id": cart}), Some(token)).await;
    assert_eq!(found["cart"]["lines"][0]["quantity"], 1, "{found:#}");
    shop.ask(1, create, json!({}), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_products_are_shown_and_carts_say_so_and_all_heals_when_it_is_back() {
    let Some(mut cluster) = Cluster::start() else { return };
    let shop = Shop::over(&cluster.url(), None).await;
    let browse = |title: &str| {
        // Each time another operation, so that no kept answer stands in for the rooms.
        format!(
            "query {title} {{ {title}: product(slug: \"mug\") {{ title variants {{ price {{ unit {{ amount }} }} }} }} }}"
        )
    };
    let shown = shop.answer(0, &browse("before")).await["data"]["before"].clone();
    assert_eq!(shown["title"], "Mug", "{shown:#}");
    cluster.kill();
    let without = shop.answer(0, &browse("without")).await;
    assert_eq!(without["data"]["without"], shown, "{without:#}");
    let create = "mutation { createCart(input: {lines: [{sku: \"MUG\", quantity: 1}]}) { cart { id } } }";
    let refused = shop.answer(0, create).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{refused:#}");
    let (status, says) = shop.readiness(0).await;
    assert_eq!(status, 503);
    assert!(says.contains("store:"), "{says}");
    cluster.restart();
    for server in [0, 1] {
        waited(Duration::from_secs(30), async || {
            shop.answer(server, create).await["data"]["createCart"]["cart"]["id"].as_str().map(drop)
        })
        .await;
        assert_eq!(shop.readiness(server).await.0, 200, "{}", shop.log());
    }
}
