//! Answers of subgraphs that are not ours.

use crate::{input::parts, shop::block_on};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use emporia_gateway::{Caller, Config, Gateway, Request, RequestContext, UndeclaredAccess, compose};
use futures_util::StreamExt;
use serde_json::Value;
use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};
use tokio::net::TcpListener;

const PRODUCTS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
    type Query { products(first: Int): [Product!]! found: Found named: Named }
    type Subscription { news: Product }
    type Product implements Named @key(fields: "id sku { code }") {
      id: ID! sku: Sku! name: String price: Float count: Int sold: Boolean kind: Kind
    }
    type Sku @shareable { code: String! }
    type Shop implements Named { name: String }
    interface Named { name: String }
    union Found = Product | Shop
    enum Kind { NEW USED }
"#;
const STOCK: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
    type Product @key(fields: "id sku { code }") { id: ID! sku: Sku! stock: Int! places: [Place!] }
    type Sku @shareable { code: String! }
    type Place { name: String units: Int! }
"#;
const OPERATIONS: [&str; 5] = [
    "{ products(first: 3) { id name price count sold kind sku { code } stock places { name units } } }",
    "{ found { __typename ... on Product { id stock } ... on Shop { name } } }",
    "{ named { name ... on Product { kind places { units } } } again: products { stock } }",
    "{ a: products(first: 1) { places { name } } b: products(first: 2) { places { name } } }",
    "subscription { news { id name stock } }",
];
/// Longer than answers on this machine take.
const PATIENCE: Duration = Duration::from_secs(10);

type Says = Arc<Mutex<Said>>;

/// Status and event stream or not, then what each says.
#[derive(Default)]
struct Said {
    status: StatusCode,
    bodies: [Bytes; 2],
}

struct Foreign {
    gateway: Gateway,
    says: Says,
}

static FOREIGN: LazyLock<Foreign> = LazyLock::new(|| block_on(Foreign::start()));

impl Foreign {
    async fn start() -> Self {
        let says = Says::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let router = Router::new()
            .route("/0", post(|State(says): State<Says>, headers: HeaderMap| say(0, says, headers)))
            .route("/1", post(|State(says): State<Says>, headers: HeaderMap| say(1, says, headers)))
            .with_state(says.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let parts = [("products", PRODUCTS, &*format!("{url}/0")), ("stock", STOCK, &*format!("{url}/1"))];
        let supergraph = compose(&parts).expect("the schemas compose");
        let config =
            Config { undeclared_access: UndeclaredAccess::Allow, mask_errors: false, ..Config::default() };
        let client = reqwest::Client::new();
        let builder = Gateway::builder(supergraph).config(config).remote_subgraphs(&client);
        Self { gateway: builder.build().expect("the gateway is built"), says }
    }
}

async fn say(which: usize, says: Says, asked: HeaderMap) -> Response {
    let (status, body) =
        says.lock().map(|said| (said.status, said.bodies[which].clone())).unwrap_or_default();
    let stream = asked.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes() == b"text/event-stream");
    let media = if stream { "text/event-stream" } else { "application/json" };
    (status, [(header::CONTENT_TYPE, media)], body).into_response()
}

/// The first byte says what is asked, and with which status two subgraphs answer; their answers follow. The client gets JSON
/// of the form that he asked for, whatever they say.
pub fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else { return };
    let operation = OPERATIONS[usize::from(*how) % OPERATIONS.len()];
    let status = [StatusCode::OK, StatusCode::BAD_GATEWAY][usize::from(*how / 128)];
    let foreign = &*FOREIGN;
    if let Ok(mut said) = foreign.says.lock() {
        *said = Said { status, bodies: parts::<2>(rest).map(Bytes::copy_from_slice) };
    }
    foreign.gateway.purge_all();
    block_on(async {
        let context = RequestContext::new(Caller::anonymous());
        let answers = async {
            if operation.starts_with("subscription") {
                match foreign.gateway.stream(Request::new(operation), context).await {
                    Ok(stream) => stream.take(20).collect().await,
                    Err(refused) => vec![refused],
                }
            } else {
                vec![foreign.gateway.execute(Request::new(operation), &context).await]
            }
        };
        for answer in tokio::time::timeout(PATIENCE, answers).await.expect("it ends") {
            let json = answer.json().expect("it is JSON");
            assert!(json["data"].is_null() || json["data"].is_object(), "{json}");
            fits(&json["data"], operation);
        }
    });
}

/// Nothing is in the answer that was not asked for.
fn fits(data: &Value, operation: &str) {
    let asked: Vec<&str> = operation.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    match data {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(asked.contains(&name.as_str()), "{name} was not asked for: {data}");
                fits(value, operation);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fits(item, operation)),
        _ => {}
    }
}
