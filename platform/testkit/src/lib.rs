#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up should stop where it is"
)]

mod dice;
mod engine;
mod small;
mod story;

pub use dice::Dice;
pub use small::{more, seed};
pub use story::{Shopper, until};

use emporia::{
    client::Proxies,
    graph,
    identity::HeaderIdentity,
    platform::{Engine, Parts, Platform, Tasks},
    web::{self, WebOptions},
};
use emporia_customers::{Registration, RelyingParty};
use emporia_gateway::{Config, Gateway, Identify, Request, RequestContext, Response};
use emporia_id::{Clock, FixedClock, Ids, SharedClock, SystemClock};
use emporia_oidc::Provider;
use emporia_store_sqlite::{Durability, Layout};
use emporia_testpay::{
    Config as Testpay, Secret, TestpayClient, TestpayProvider, Timings, WebhookTarget, client::ClientTimeouts,
};
use emporia_teststore::Rented;
use emporia_vault::MasterKey;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// The key of the payment provider.
pub const PSP_KEY: &str = "sk_test_of_the_testkit";
/// What the provider's webhooks are signed with.
pub const WEBHOOK_SECRET: &str = "whsec_dGhlIHRlc3RraXQncyB3ZWJob29rIHNlY3JldCwgMzI=";

/// The master key of directories that are opened more than once.
const KEY_OF_DIRECTORIES: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// Every room, open, in a directory that goes away with it.
pub struct Emporia {
    /// The rooms.
    pub platform: Platform,
    /// The gateway over them.
    pub gateway: Gateway,
    /// The test payment provider, for its ledger and its faults.
    pub provider: TestpayClient,
    identity: HeaderIdentity,
    tasks: Option<Tasks>,
    /// Where the HTTP server listens: `http://127.0.0.1:…`.
    pub address: String,
    /// Where the payment provider listens.
    pub provider_address: String,
    testpay: Testpay,
    psp: Mutex<Option<Server>>,
    http: Option<Server>,
    dir: Directory,
    beside: Box<dyn Fn() -> Parts + Send + Sync>,
    _database: Option<Rented>,
}

enum Directory {
    Temporary(TempDir),
    Given(PathBuf),
}

impl Directory {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Given(directory) => directory,
        }
    }
}

/// A server in this process.
struct Server {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Server {
    /// The test payment provider.
    fn psp(config: Testpay, listener: TcpListener) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            emporia_testpay::serve(config, listener, stopped).await.unwrap();
        });
        Self { task, stop }
    }

    fn abort(self) {
        let _ = self.stop.send(());
        self.task.abort();
    }
}

/// How a platform is set up.
pub struct Setup {
    /// Where the data is, with the same keys whenever it is opened; a temporary directory and new keys when absent.
    pub directory: Option<PathBuf>,
    /// One file for all rooms, or one for each.
    pub layout: Layout,
    /// The clock of the rooms; the machine's own when absent.
    pub clock: Option<Arc<FixedClock>>,
    /// How long the provider's cards take.
    pub timings: Timings,
    /// Whether the store flushes; tests do without, measurements do not.
    pub durability: Durability,
    /// By whose word customers sign in.
    pub providers: BTreeMap<String, Provider>,
    /// For which site passkeys are made.
    pub passkeys: Option<RelyingParty>,
    /// Whether consumers and sweeps run; without them a test runs each itself.
    pub tasks: bool,
    /// Where the store is; as `EMPORIA_TEST_STORE` says when absent.
    pub engine: Option<Engine>,
    /// The gateway's settings.
    pub gateway: Config,
}

impl Default for Setup {
    fn default() -> Self {
        let timings = Timings {
            pending: Duration::from_millis(50),
            timeout: Duration::from_secs(2),
            slow: Duration::from_millis(300),
            late_webhook: Duration::from_millis(200),
            ..Timings::default()
        };
        Self {
            directory: None,
            layout: Layout::Shared,
            clock: None,
            timings,
            durability: Durability::None,
            providers: BTreeMap::new(),
            passkeys: None,
            tasks: true,
            engine: None,
            gateway: Config::demo(),
        }
    }
}

impl Emporia {
    /// Every room, empty.
    pub async fn empty() -> Self {
        Self::with(Setup::default()).await
    }

    /// Every room, with a small assortment: see `small.rs`.
    pub async fn small() -> Self {
        let this = Self::empty().await;
        small::seed(&this.platform).await;
        this
    }

    /// As [`Emporia::small`], set up otherwise.
    pub async fn small_with(setup: Setup) -> Self {
        let this = Self::with(setup).await;
        small::seed(&this.platform).await;
        this
    }

    /// Every room, empty, set up as told.
    pub async fn with(setup: Setup) -> Self {
        let (dir, master_key) = match setup.directory {
            Some(directory) => {
                (Directory::Given(directory), MasterKey::from_base64(KEY_OF_DIRECTORIES).unwrap())
            }
            None => (Directory::Temporary(tempfile::tempdir().unwrap()), MasterKey::generate()),
        };
        let (engine, database) = match setup.engine {
            Some(engine) => (engine, None),
            None => engine::choose(setup.layout, setup.durability),
        };
        let clock: SharedClock = match setup.clock {
            Some(clock) => clock,
            None => Arc::new(SystemClock),
        };
        let (psp, http) = (listener().await, listener().await);
        let (psp_address, http_address) = (psp.local_addr().unwrap(), http.local_addr().unwrap());
        let mut testpay = Testpay::new(dir.path().join("testpay"), PSP_KEY);
        testpay.webhook = Some(WebhookTarget {
            url: format!("http://{http_address}/webhooks/payments"),
            secret: Secret::new(WEBHOOK_SECRET),
        });
        testpay.timings = setup.timings;
        testpay.test_controls = true;
        testpay.flush = false;
        let shown = clock.clone();
        testpay.clock = Arc::new(move || Clock::now(shown.as_ref()));
        let psp_server = Server::psp(testpay.clone(), psp);
        let base = format!("http://{psp_address}");
        let client = || TestpayClient::new(&base, PSP_KEY, ClientTimeouts::default()).unwrap();
        let (data_dir, at) = (dir.path().join("data"), base.clone());
        let parts = move || Parts {
            data_dir: data_dir.clone(),
            engine: engine.clone(),
            ids: Ids::random(clock.clone()),
            clock: clock.clone(),
            master_key: master_key.clone(),
            roles: emporia_customers::Policies::built_in(),
            email_pepper: b"the testkit's pepper, 32 bytes at least".to_vec(),
            provider: Arc::new(as_provider(&at)),
            passkeys: setup.passkeys.clone(),
            providers: setup.providers.clone(),
            cheap_passwords: true,
        };
        let platform = Platform::open(parts()).await.unwrap();
        let tasks = if setup.tasks { Some(Tasks::start(&platform).await.unwrap()) } else { None };
        let options = WebOptions {
            gateway: setup.gateway.clone(),
            graphiql: true,
            examples: vec![],
            metrics: None,
            proxies: Proxies::default(),
        };
        let router = web::router(&platform, options).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let router = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(http, router).with_graceful_shutdown(stopped).await.unwrap();
        });
        Self {
            gateway: graph::gateway(&platform, setup.gateway).unwrap(),
            identity: HeaderIdentity(platform.clone()),
            provider: client(),
            platform,
            tasks,
            address: format!("http://{http_address}"),
            provider_address: base.clone(),
            testpay,
            psp: Mutex::new(Some(psp_server)),
            http: Some(Server { task, stop }),
            dir,
            beside: Box::new(parts),
            _database: database,
        }
    }

    /// The rooms once more, as another process has them: on PostgreSQL only, files have one owner.
    pub async fn beside(&self) -> Platform {
        Platform::open((self.beside)()).await.unwrap()
    }

    /// Asks the graph, without HTTP between, with these headers.
    pub async fn respond(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Response {
        let context = self.context(headers).await;
        self.gateway.execute(Request::new(query).variables(variables), &context).await
    }

    /// Subscribes, without a socket between.
    pub async fn stream(
        &self,
        query: &str,
        variables: Value,
        headers: &[(&str, &str)],
    ) -> BoxStream<'static, Response> {
        let context = self.context(headers).await;
        let stream = self.gateway.stream(Request::new(query).variables(variables), context).await;
        stream.unwrap_or_else(|refused| panic!("{:?}", refused.errors))
    }

    async fn context(&self, headers: &[(&str, &str)]) -> RequestContext {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.insert(name, HeaderValue::from_str(value).unwrap());
        }
        RequestContext::new(self.identity.identify(&map, None).await.unwrap())
    }

    /// As [`Emporia::respond`]: the whole answer as JSON.
    pub async fn ask(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Value {
        self.respond(query, variables, headers).await.json().unwrap()
    }

    /// As [`Emporia::ask`]: the data of an answer without errors.
    pub async fn data(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Value {
        let mut answer = self.ask(query, variables, headers).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].take()
    }

    /// A guest with a token of his own.
    pub async fn guest(&self) -> Shopper<'_> {
        let created = self.data("mutation { createCart(input: {}) { guestToken } }", json!({}), &[]).await;
        Shopper::guest(self, created["createCart"]["guestToken"].as_str().unwrap())
    }

    /// A customer who has just opened an account.
    pub async fn customer(&self, email: &str) -> Shopper<'_> {
        let meta = emporia_contracts::context::system_meta("test", "test", None);
        let who = Registration {
            email: email.to_owned(),
            password: "correct horse".into(),
            name: None,
            phone: None,
        };
        let signed_in = self.platform.customers.open_account(who, &meta).await.unwrap();
        Shopper::signed_in(self, &signed_in.access.token)
    }

    /// The code of the newest mail to an address, once it is there.
    pub async fn code_for(&self, email: &str) -> String {
        until(async || {
            self.platform.customers.answer_challenges().await.unwrap();
            self.caught_up().await;
            let mail = &self.platform.mail;
            for summary in mail.list(20).await.unwrap() {
                let body = mail.show(summary.id).await.unwrap().unwrap().body;
                if let Some(body) = body.filter(|body| body.to.as_str() == email) {
                    return body.text.lines().find_map(|line| line.strip_prefix("    ")).map(str::to_owned);
                }
            }
            None
        })
        .await
    }

    /// An operator with roles.
    pub async fn operator(&self, roles: &[&str]) -> Shopper<'_> {
        let email = format!("{}@staff.example.com", self.platform.ids.next_uuid());
        let roles: Vec<String> = roles.iter().map(|r| (*r).to_owned()).collect();
        let granter = emporia_contracts::Principal::System("test".into());
        let meta = emporia_contracts::context::system_meta("test", "test", None);
        let customers = &self.platform.customers;
        customers.create_operator(&email, "Staff", "correct horse", &roles, &granter, &meta).await.unwrap();
        let query = "mutation($email: String!) { signInOperator(input: {email: $email, password: \"correct horse\"}) \
                     { accessToken userErrors { message } } }";
        let signed_in = self.data(query, json!({"email": email}), &[]).await;
        Shopper::signed_in(self, signed_in["signInOperator"]["accessToken"].as_str().unwrap())
    }

    /// Waits until every consumer has handled what is in the log now, and the payments have done what that wants.
    pub async fn caught_up(&self) {
        self.tasks.as_ref().unwrap().caught_up().await.unwrap();
        self.platform.payments.sweep().await.unwrap();
        self.tasks.as_ref().unwrap().caught_up().await.unwrap();
    }

    /// Ends the payment provider: from now on nobody listens there.
    pub async fn stop_provider(&self) {
        let server = self.psp.lock().unwrap().take();
        if let Some(Server { task, stop }) = server {
            let _ = stop.send(());
            task.await.unwrap();
        }
    }

    /// Starts the payment provider again, over its old ledger.
    pub async fn start_provider(&self) {
        let address = self.provider_address.strip_prefix("http://").unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        *self.psp.lock().unwrap() = Some(Server::psp(self.testpay.clone(), listener));
    }

    /// The payment provider, as the rooms ask it.
    pub fn as_provider(&self) -> TestpayProvider {
        as_provider(&self.provider_address)
    }

    /// Somebody with these headers.
    pub fn with_headers(&self, headers: &[(&str, &str)]) -> Shopper<'_> {
        Shopper::with_headers(self, headers)
    }

    /// The directory of all data.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }
}

impl Drop for Emporia {
    fn drop(&mut self) {
        let psp = self.psp.get_mut().unwrap().take();
        for server in psp.into_iter().chain(self.http.take()) {
            server.abort();
        }
    }
}

fn as_provider(address: &str) -> TestpayProvider {
    let client = TestpayClient::new(address, PSP_KEY, ClientTimeouts::default()).unwrap();
    TestpayProvider::new(client, WEBHOOK_SECRET)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
