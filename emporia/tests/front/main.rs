//! `emporia gateway` before subgraphs of another stack (GraphQL Yoga with `@apollo/subgraph`, composed by
//! `@theguild/federation-composition`), asked by the clients that shops use.

#[path = "../npm/mod.rs"]
mod npm;
#[path = "../process/mod.rs"]
mod process;

use process::{Process, emporia, free_port};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PACKAGES: [&str; 12] = [
    "@apollo/client@4.3.8",
    "@apollo/subgraph@2.14.4",
    "@theguild/federation-composition@0.27.0",
    "@urql/core@6.0.3",
    "graphql@16.11.0",
    "graphql-http@1.23.1",
    "graphql-sse@2.6.1",
    "graphql-tag@2.12.7",
    "graphql-ws@6.4.2",
    "graphql-yoga@5.24.1",
    "rxjs@7.8.2",
    "ws@8.23.0",
];

/// The subgraphs, and the executable before them.
struct Front {
    url: String,
    /// Where the subgraphs say how often each was called.
    calls: String,
    packages: PathBuf,
    client: reqwest::Client,
    _gateway: Process,
    subgraphs: Child,
    dir: TempDir,
}

impl Drop for Front {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.subgraphs.kill();
        let _ = self.subgraphs.wait();
    }
}

impl Front {
    /// `None` when npm is missing.
    async fn start() -> Option<Self> {
        let packages = npm::with("front", &PACKAGES)?;
        let script = npm::script(&packages, "subgraphs.mjs", include_str!("subgraphs.mjs"));
        let dir = tempfile::tempdir().unwrap();
        let supergraph = dir.path().join("supergraph.graphql");
        let mut node = Command::new("node");
        node.arg(script).arg(&supergraph).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut subgraphs = node.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(subgraphs.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));

        let listen = format!("127.0.0.1:{}", free_port());
        let config = dir.path().join("emporia.toml");
        let settings = "[gateway]\nsubgraph_timeout = 2000\nintrospection = true\n\n\
                        [forward]\nheaders = [\"authorization\"]\n";
        std::fs::write(&config, settings).unwrap();
        let mut command = emporia();
        command.args(["gateway", "--listen", &listen, "--supergraph"]).arg(&supergraph);
        command.arg("--config").arg(&config);
        let gateway = Process::spawn(command, &dir.path().join("gateway.log"));
        let front = Self {
            url: format!("http://{listen}/graphql"),
            calls: ready["calls"].as_str().unwrap().to_owned(),
            packages,
            client: reqwest::Client::new(),
            _gateway: gateway,
            subgraphs,
            dir,
        };
        let begun = Instant::now();
        while front.client.get(format!("http://{listen}/readyz")).send().await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", front.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(front)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("gateway.log")).unwrap_or_default()
    }

    async fn ask(&self, query: &str) -> Value {
        let request = self.client.post(&self.url).json(&json!({ "query": query }));
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn data(&self, query: &str) -> Value {
        let mut answer = self.ask(query).await;
        assert_eq!(answer.get("errors"), None, "{query}: {answer:#}\n{}", self.log());
        answer["data"].take()
    }

    async fn calls(&self) -> Value {
        self.client.get(&self.calls).send().await.unwrap().json().await.unwrap()
    }

    /// What a script prints, given the address of the graph.
    async fn node(&self, name: &str, text: &str) -> Value {
        let script = npm::script(&self.packages, name, text);
        let url = self.url.clone();
        let run = move || Command::new("node").arg(script).arg(url).output().unwrap();
        let run = tokio::time::timeout(Duration::from_secs(90), tokio::task::spawn_blocking(run));
        let output = run.await.expect("within ninety seconds").unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"))
    }
}

fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|e| e["extensions"]["code"].as_str().unwrap_or("none")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_interfaces_and_unions_come_together_from_subgraphs_of_another_stack() {
    let Some(front) = Front::start().await else { return };
    // @requires fetches the weight on the way, @override moves the label.
    let products = front.data("{ products { name shipping inStock label reviews { text } } }").await;
    assert_eq!(
        products["products"][1],
        json!({"name": "Teapot", "shipping": 25, "inStock": 20, "label": "from stock", "reviews": [{"text": "Leaks"}]})
    );
    // @provides: the reviews know the names, nobody asks for the people.
    let before = front.calls().await["people"].clone();
    let reviews = front.data("{ reviews { author { name } product { name } } }").await;
    assert_eq!(reviews["reviews"][0], json!({"author": {"name": "Ada"}, "product": {"name": "Kettle"}}));
    assert_eq!(front.calls().await["people"], before);
    let mails = front.data("{ reviews { author { email } } }").await;
    assert_eq!(mails["reviews"][1]["author"]["email"], "u2@example.com");
    // An interface whose types live in two subgraphs, and a union.
    let media = front
        .data("{ media { __typename url ... on Film { seconds } ... on Picture { width comments } } }")
        .await;
    assert_eq!(
        media["media"],
        json!([
            {"__typename": "Picture", "url": "/1.jpg", "width": 800, "comments": ["about p1"]},
            {"__typename": "Film", "url": "/1.mp4", "seconds": 12}
        ])
    );
    let found = front
        .data("{ search(term: \"pot\") { __typename ... on Shelf { number products { inStock } } ... on Product { name inStock } } }")
        .await;
    assert_eq!(
        found["search"],
        json!([
            {"__typename": "Shelf", "number": 7, "products": [{"inStock": 10}]},
            {"__typename": "Product", "name": "Teapot", "inStock": 20}
        ])
    );
    // A mutation whose answer goes on into another subgraph.
    let renamed = front.data("mutation { rename(id: \"1\", name: \"Kettle\") { name inStock } }").await;
    assert_eq!(renamed["rename"], json!({"name": "Kettle", "inStock": 10}));
}

#[tokio::test(flavor = "multi_thread")]
async fn subgraphs_that_fail_hang_or_are_gone_null_their_own_fields_and_tell_no_secrets() {
    let Some(front) = Front::start().await else { return };
    let failed = front.ask("{ products { name fragile } }").await;
    assert_eq!(failed["data"]["products"][1], json!({"name": "Teapot", "fragile": null}));
    assert_eq!(failed["data"]["products"][0]["fragile"], true);
    assert_eq!(failed["errors"][0]["path"], json!(["products", 1, "fragile"]));
    let gone = front.ask("{ lost products { name } }").await;
    assert_eq!(
        (&gone["data"]["lost"], &gone["data"]["products"][0]["name"]),
        (&Value::Null, &json!("Kettle"))
    );
    assert_eq!(codes(&gone), ["SUBGRAPH_UNAVAILABLE"]);
    let begun = Instant::now();
    let slow = front.ask("{ slow products { name } }").await;
    assert_eq!(codes(&slow), ["SUBGRAPH_TIMEOUT"]);
    assert_eq!(slow["data"]["products"][2]["name"], "Mug");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let broken = front.ask("{ broken }").await;
    assert_eq!((&broken["data"], codes(&broken)), (&Value::Null, vec!["INTERNAL_SERVER_ERROR"]));
    assert!(!broken.to_string().contains("10.0.0.7"), "{broken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_named_headers_and_the_trace_reach_the_subgraphs() {
    let Some(front) = Front::start().await else { return };
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = front
        .client
        .post(&front.url)
        .json(&json!({"query": "{ person(id: \"u1\") { seen } }"}))
        .header("authorization", "Bearer sesame")
        .header("cookie", "session=1")
        .header("x-secret", "1")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let seen: Vec<&str> =
        answer["data"]["person"]["seen"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    assert_eq!(seen[0], "authorization: Bearer sesame");
    assert!(
        seen[1].starts_with(&format!("traceparent: 00-{trace}-")) && seen[1].ends_with("-01"),
        "{seen:?}"
    );
    assert!(!seen[1].contains("00f067aa0ba902b7"), "the parent is the gateway: {seen:?}");
    assert_eq!(seen[2..], ["cookie: ", "x-secret: "]);
    assert!(!front.log().contains("sesame"), "{}", front.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_must_and_should_of_graphql_over_http_is_kept() {
    let Some(front) = Front::start().await else { return };
    let results = front.node("audits.mjs", include_str!("audits.mjs")).await;
    let results = results.as_array().unwrap();
    let failed: Vec<&Value> = results
        .iter()
        .filter(|r| r["status"] != "ok")
        .filter(|r| !r["name"].as_str().unwrap().starts_with("MAY"))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(results.len() > 50, "{}", results.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_shops_get_what_they_ask_for() {
    let Some(front) = Front::start().await else { return };
    let got = front.node("clients.mjs", include_str!("clients.mjs")).await;
    let names = json!(["Kettle", "Teapot"]);
    assert_eq!(
        got["ws"],
        json!({
            "query": [{"data": {"products": [{"name": "Kettle"}, {"name": "Teapot"}, {"name": "Mug"}]}}],
            "subscription": [
                {"data": {"renamed": {"name": "Kettle", "inStock": 10}}},
                {"data": {"renamed": {"name": "Teapot", "inStock": 20}}},
                {"data": {"renamed": {"name": "Mug", "inStock": 30}}}
            ],
            "ended": 2,
            "refused": ["GRAPHQL_VALIDATION_FAILED"]
        })
    );
    assert_eq!(got["sse"]["query"][0]["data"]["product"], json!({"name": "Kettle", "shipping": 15}));
    assert_eq!(got["sse"]["subscription"].as_array().unwrap().len(), 3);
    assert_eq!(got["sse"]["ended"], 2);
    let product = |id: u32, name: &str| json!({"product": {"__typename": "Product", "id": id.to_string(), "name": name, "label": "from stock", "inStock": id * 10}});
    let apollo = &got["apollo"];
    assert_eq!(apollo["first"], product(1, "Kettle"));
    assert_eq!(apollo["again"], product(2, "Teapot"));
    // The hash alone, the hash with the text, and then for ever the hash alone.
    assert_eq!(apollo["methods"], "GET POST GET");
    assert_eq!(apollo["batch"], 3);
    assert_eq!(apollo["batched"], json!([product(1, "Kettle"), product(2, "Teapot"), product(3, "Mug")]));
    assert_eq!(apollo["subscription"], names);
    let urql = &got["urql"];
    assert_eq!(urql["query"]["reviews"][1]["author"]["name"], "Ben");
    assert_eq!(urql["mutation"]["rename"]["inStock"], 30);
    assert_eq!(urql["error"], json!(["GRAPHQL_VALIDATION_FAILED"]));
    assert_eq!(urql["subscription"], names);
}

#[test]
fn what_cannot_be_served_is_said_with_the_file_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = process::run(arguments, dir.path());
        assert_eq!(output.status.code(), Some(1));
        process::text(&output.stderr)
    };
    assert!(
        said(&["gateway", "--supergraph", "none.graphql"])
            .contains("the supergraph none.graphql: No such file")
    );
    std::fs::write(dir.path().join("empty.graphql"), "type Query { a: Int }").unwrap();
    let empty = said(&["gateway", "--supergraph", "empty.graphql"]);
    assert!(empty.contains("empty.graphql: supergraph: "), "{empty}");
}
