//! The shop and what is around it, as processes that can be killed.

use crate::{Engine, post::Post, proxy::Proxy};
use emporia::{
    config::Config,
    platform::{Parts, Platform},
};
use emporia_contracts::{Principal, context::system_meta};
use emporia_id::SharedClock;
use emporia_testpay::{TestpayClient, client::ClientTimeouts};
use emporia_testpg::Cluster;
use emporia_vault::MasterKey;
use parking_lot::Mutex;
use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

const SECRET_KEY: &str = "sk_test_of_the_chaos";
const WEBHOOK_SECRET: &str = "whsec_dGhlIGNoYW9zJ3Mgd2ViaG9vayBzZWNyZXQsIDMyIGI=";
/// The operator who works in the shop.
pub(crate) const STAFF: (&str, &str) = ("staff@example.com", "correct horse battery");
/// Room of the shop's disk.
const DISK: &str = "size=2g";
/// Where Debian has it.
const FAKETIME: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

pub(crate) struct World {
    dir: TempDir,
    emporia: PathBuf,
    pub(crate) http: String,
    psp: String,
    post: String,
    pub(crate) did: Arc<Post>,
    pub(crate) to_provider: Proxy,
    pub(crate) to_database: Option<Proxy>,
    pub(crate) database: Option<Mutex<Cluster>>,
    shop: Mutex<Option<Child>>,
    provider: Mutex<Option<Child>>,
    /// Whether the shop has a disk of its own, which can be filled.
    pub(crate) own_disk: bool,
    faketime: Option<PathBuf>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl World {
    /// Everything is there and seeded; the shop does not run yet. `None`: the engine is not installed.
    pub(crate) async fn new(engine: Engine, emporia: PathBuf, seed: u64) -> Option<Self> {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Cluster::start()?),
        };
        let dir = tempfile::tempdir().unwrap();
        let (http, psp) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let to_provider = Proxy::before(psp.clone()).await;
        let (mut to_database, mut store) = (None, String::new());
        if let Some(cluster) = &database {
            let url = cluster.url();
            let (_, rest) = url.split_once('@').unwrap();
            let (address, _) = rest.split_once('/').unwrap();
            let proxy = Proxy::before(address.to_owned()).await;
            let url = url.replace(address, &proxy.address.to_string());
            store = format!("\n[store]\nurl = \"{url}\"\n");
            to_database = Some(proxy);
        }
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        let own_disk = mount(&data);
        let config = format!(
            "data_dir = {:?}\nlisten = \"{http}\"\n\n[secrets]\nmaster_key = \"{}\"\nemail_pepper = \"{}\"\n\n\
             [payments]\nbase_url = \"http://{}\"\nsecret_key = \"{SECRET_KEY}\"\nwebhook_secret = \"{WEBHOOK_SECRET}\"\n{store}",
            data.join("shop"),
            *MasterKey::generate().to_base64(),
            *MasterKey::generate().to_base64(),
            to_provider.address,
        );
        fs::write(dir.path().join("emporia.toml"), config).unwrap();
        let (did, post) = Post::begin(seed, format!("http://{http}/webhooks/payments")).await;
        let this = Self {
            http: format!("http://{http}"),
            psp,
            post,
            did,
            to_provider,
            to_database,
            database: database.map(Mutex::new),
            shop: Mutex::new(None),
            provider: Mutex::new(None),
            own_disk,
            faketime: FAKETIME.iter().map(PathBuf::from).find(|path| path.exists()),
            emporia,
            dir,
        };
        let platform = this.open(Arc::new(emporia_id::SystemClock)).await;
        emporia_testkit::seed(&platform).await;
        emporia_testkit::more(&platform, 200).await;
        let (granter, meta) = (Principal::System("chaos".into()), system_meta("chaos", "seed", None));
        let customers = &platform.customers;
        customers
            .create_operator(STAFF.0, "Staff", STAFF.1, &["admin".to_owned()], &granter, &meta)
            .await
            .unwrap();
        platform.store.close().await;
        Some(this)
    }

    /// The rooms in this process: only while the shop is down.
    pub(crate) async fn open(&self, clock: SharedClock) -> Platform {
        Platform::open(self.parts(clock)).await.unwrap()
    }

    pub(crate) fn parts(&self, clock: SharedClock) -> Parts {
        let config = Config::load(Some(&self.dir.path().join("emporia.toml"))).unwrap();
        Parts::of(&config, clock).unwrap()
    }

    /// The provider as the shop's owner sees it, without troubles between.
    pub(crate) fn provider(&self) -> TestpayClient {
        TestpayClient::new(&format!("http://{}", self.psp), SECRET_KEY, ClientTimeouts::default()).unwrap()
    }

    /// Where shoppers' browsers send their cards.
    pub(crate) fn provider_address(&self) -> String {
        format!("http://{}", self.psp)
    }

    pub(crate) fn start_shop(&self) {
        let mut command = Command::new(&self.emporia);
        command.arg("serve").arg("--config").arg(self.dir.path().join("emporia.toml"));
        if let Some(library) = &self.faketime {
            let clock = self.clock_file();
            if !clock.exists() {
                fs::write(&clock, "+0").unwrap();
            }
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", clock)
                .env("FAKETIME_CACHE_DURATION", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("NO_FAKE_STAT", "1");
        }
        *self.shop.lock() = Some(self.spawn(command, "shop.log"));
    }

    /// `kill -9`.
    pub(crate) fn kill_shop(&self) {
        kill(&mut self.shop.lock());
    }

    /// Whether the shop runs; one that ended by itself is an error, unless its disk is full.
    pub(crate) fn shop_runs(&self) -> bool {
        self.shop.lock().as_mut().is_some_and(|shop| shop.try_wait().unwrap().is_none())
    }

    pub(crate) fn start_provider(&self) {
        let mut command = Command::new(&self.emporia);
        command.args(["testpay", "--test-controls", "--listen", &self.psp, "--secret-key", SECRET_KEY]);
        command.args(["--webhook-secret", WEBHOOK_SECRET, "--webhook-url", &self.post, "--data-dir"]);
        command.arg(self.dir.path().join("testpay"));
        *self.provider.lock() = Some(self.spawn(command, "testpay.log"));
    }

    pub(crate) fn kill_provider(&self) {
        kill(&mut self.provider.lock());
    }

    fn spawn(&self, mut command: Command, log: &str) -> Child {
        let log = File::options().create(true).append(true).open(self.dir.path().join(log)).unwrap();
        command.env_remove("EMPORIA_CONFIG").stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    fn clock_file(&self) -> PathBuf {
        self.dir.path().join("clock")
    }

    pub(crate) fn clock_jumps(&self) -> bool {
        self.faketime.is_some()
    }

    /// Sets the shop's clock so many seconds ahead (behind, when negative).
    pub(crate) fn jump(&self, seconds: i64) {
        fs::write(self.clock_file(), format!("{seconds:+}")).unwrap();
    }

    /// Takes all room that is left on the shop's disk, until the value is dropped.
    pub(crate) fn fill_disk(&self) -> FullDisk {
        let path = self.dir.path().join("data").join("full");
        let mut file = File::create(&path).unwrap();
        // It ends when the disk is full.
        let _ = std::io::copy(&mut std::io::repeat(0), &mut file);
        FullDisk(path)
    }

    /// The last lines that the shop wrote.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.dir.path().join("shop.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Keeps the logs for whoever looks why.
    pub(crate) fn keep(&self, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for log in ["shop.log", "testpay.log"] {
            let _ = fs::copy(self.dir.path().join(log), to.join(log));
        }
    }
}

/// A disk without room; dropped, it has room again.
pub(crate) struct FullDisk(PathBuf);

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A small file system in memory at this place; false where that is not allowed.
fn mount(at: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(at).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill_shop();
        self.kill_provider();
        if self.own_disk {
            let _ = Command::new("umount").arg("-l").arg(self.dir.path().join("data")).status();
        }
    }
}

/// Waits for a condition; false when it did not come.
pub(crate) async fn comes(longest: Duration, look: impl AsyncFn() -> bool) -> bool {
    let begun = std::time::Instant::now();
    while begun.elapsed() < longest {
        if look().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}
