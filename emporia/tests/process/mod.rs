//! The real executable as child processes on free ports, over a data directory that goes away with them.
#![allow(dead_code, reason = "each test file uses its part")]

use emporia::{
    config::Config,
    platform::{Parts, Platform, spaces},
};
use emporia_id::SystemClock;
use emporia_store::Store;
use emporia_store_sqlite::SqliteOptions;
use emporia_testpay::{TestpayClient, client::ClientTimeouts};
use emporia_teststore::Rented;
use emporia_vault::MasterKey;
use serde_json::{Value, json};
use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const SECRET_KEY: &str = "sk_test_of_a_child_process";
const WEBHOOK_SECRET: &str = "whsec_dGhlIGNoaWxkIHByb2Nlc3MncyB3ZWJob29rIHNlY3JldA==";

/// The executable.
pub fn emporia() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emporia"));
    command.env_remove("EMPORIA_CONFIG").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(arguments: &[&str], directory: &Path) -> Output {
    emporia().args(arguments).current_dir(directory).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A child process that ends with its value.
pub struct Process(Child);

impl Process {
    pub fn spawn(mut command: Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        Self(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }

    /// A signal by its name: `INT`, `TERM`.
    pub fn signal(&self, name: &str) {
        Command::new("kill").args([format!("-{name}"), self.0.id().to_string()]).status().unwrap();
    }

    /// Waits for its end, some time.
    pub fn ended(&mut self, longest: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            if begun.elapsed() > longest {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A payment provider and a server that is configured, seeded, started and killed.
pub struct Installation {
    dir: TempDir,
    pub http: String,
    pub provider: TestpayClient,
    pub client: reqwest::Client,
    psp: Process,
    server: Mutex<Option<Process>>,
    database: Option<Rented>,
}

impl Installation {
    /// The provider runs; the store holds the small assortment; the server does not run yet.
    pub async fn new() -> Self {
        Self::over(emporia_teststore::database()).await
    }

    /// As [`Installation::new`], always over files: what only they have is tried.
    pub async fn on_files() -> Self {
        Self::over(None).await
    }

    async fn over(database: Option<Rented>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (http, psp) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let store = database.as_ref().map_or_else(String::new, |database| {
            let schema = database.schema.as_ref().map(|schema| format!("schema = {schema:?}\n"));
            format!("\n[store]\nurl = {:?}\n{}", database.url, schema.unwrap_or_default())
        });
        let config = format!(
            "data_dir = {:?}\nlisten = \"{http}\"\n{store}\n[secrets]\nmaster_key = \"{}\"\nemail_pepper = \"{}\"\n\n\
             [payments]\nbase_url = \"http://{psp}\"\nsecret_key = \"{SECRET_KEY}\"\nwebhook_secret = \"{WEBHOOK_SECRET}\"\n",
            dir.path().join("data"),
            *MasterKey::generate().to_base64(),
            *MasterKey::generate().to_base64(),
        );
        std::fs::write(dir.path().join("emporia.toml"), config).unwrap();
        let mut command = emporia();
        command.args([
            "testpay",
            "--test-controls",
            "--listen",
            &psp,
            "--secret-key",
            SECRET_KEY,
            "--data-dir",
        ]);
        command.arg(dir.path().join("testpay"));
        command.args([
            "--webhook-secret",
            WEBHOOK_SECRET,
            "--webhook-url",
            &format!("http://{http}/webhooks/payments"),
        ]);
        let this = Self {
            psp: Process::spawn(command, &dir.path().join("testpay.log")),
            http: format!("http://{http}"),
            provider: TestpayClient::new(&format!("http://{psp}"), SECRET_KEY, ClientTimeouts::default())
                .unwrap(),
            client: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
            server: Mutex::new(None),
            database,
            dir,
        };
        let platform = this.open().await;
        emporia_testkit::seed(&platform).await;
        emporia_testkit::more(&platform, 40).await;
        platform.store.close().await;
        drop(platform);
        waited(Duration::from_secs(30), async || this.provider.whole_ledger().await.ok()).await;
        this
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("emporia.toml")
    }

    pub fn directory(&self) -> &Path {
        self.dir.path()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The store in this process, without rooms: only while the server is down.
    pub async fn store(&self) -> Store {
        match &self.database {
            Some(database) => emporia_store_postgres::open(database.options.clone(), spaces()).await,
            None => emporia_store_sqlite::open(SqliteOptions::new(self.data_dir()), spaces()).await,
        }
        .unwrap()
    }

    /// The rooms in this process: only while the server is down.
    pub async fn open(&self) -> Platform {
        let config = Config::load(Some(&self.config())).unwrap();
        Platform::open(Parts::of(&config, Arc::new(SystemClock)).unwrap()).await.unwrap()
    }

    /// Starts the server; `crash_at` is where it is to die.
    pub async fn start(&self, crash_at: Option<&str>) {
        let crash = crash_at.map(|point| ("EMPORIA_TEST_CRASH_AT", point));
        self.start_with(crash.as_slice()).await;
    }

    /// Starts the server with these variables.
    pub async fn start_with(&self, variables: &[(&str, &str)]) {
        let mut command = emporia();
        command.arg("serve").arg("--config").arg(self.config()).envs(variables.iter().copied());
        *self.server.lock().unwrap() = Some(Process::spawn(command, &self.dir.path().join("server.log")));
        let ready = async || {
            let answer = self.client.get(format!("{}/readyz", self.http)).send().await.ok()?;
            answer.status().is_success().then_some(())
        };
        waited(Duration::from_secs(60), ready).await;
    }

    /// `kill -9`.
    pub fn kill(&self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            server.kill();
        }
    }

    /// Whether the server ended by itself, within some time.
    pub fn died(&self, longest: Duration) -> bool {
        let mut server = self.server.lock().unwrap();
        let ended = server.as_mut().is_some_and(|s| s.ended(longest).is_some());
        if ended {
            *server = None;
        }
        ended
    }

    pub fn server_pid(&self) -> u32 {
        self.server.lock().unwrap().as_ref().unwrap().id()
    }

    /// Asks the graph over HTTP. `None`: nobody answered, or the answer was cut off.
    pub async fn ask(&self, query: &str, variables: Value, guest: Option<&str>) -> Option<Value> {
        let mut request = self.client.post(format!("{}/graphql", self.http));
        if let Some(token) = guest {
            request = request.header("emporia-guest", token);
        }
        let answer = request.json(&json!({"query": query, "variables": variables})).send().await.ok()?;
        answer.json().await.ok()
    }

    /// What the server said, for a failing test.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }
}

/// Waits for a condition, with an end.
pub async fn waited<T>(longest: Duration, look: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < longest, "it did not happen within {longest:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
