//! One server for every test process of a user, one database for each test.

use crate::binaries::{Binaries, uid};
use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Runs the server until nobody has held the lease for ten seconds. `$0`: the programs; `$1`: our directory;
/// `$2`: the port.
const KEEPER: &str = r#"
exec 9<"$1/lease"
"$0/postgres" -D "$1/data" -p "$2" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$1" \
    -c max_connections=400 -c shared_buffers=128MB -c fsync=off -c full_page_writes=off -c wal_level=minimal \
    -c max_wal_senders=0 -c autovacuum_naptime=10s >"$1/log" 2>&1 9<&- &
server=$!
while :; do
    flock -x 9; flock -u 9
    sleep 10
    flock -n -x 9 && break
done
rm -f "$1/port"
kill -QUIT "$server"; wait "$server"
rm -rf "$1/data"
"#;

/// An empty database, dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
}

struct Server {
    binaries: Binaries,
    directory: PathBuf,
    port: u16,
    /// Held until the process ends: the server lives as long as anybody holds it.
    _lease: File,
    /// The keeper, if it is our child; it outlives us.
    _keeper: Option<Child>,
}

/// An empty database on the shared server, which is started if need be; none where PostgreSQL is not installed.
///
/// # Panics
/// If the server does not start; if it is not installed and `EMPORIA_TEST_REQUIRE=all`.
pub fn database() -> Option<Database> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = server_of(&SERVER)?;
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    // A process of the same number may have been killed before it could drop its own.
    server.run("dropdb", &["--if-exists", "--force", &name]);
    server.run("createdb", &["--template=template0", &name]);
    let url = format!("postgres://postgres@127.0.0.1:{}/{name}", server.port);
    Some(Database { name, url })
}

fn server_of(place: &'static OnceLock<Option<Server>>) -> Option<&'static Server> {
    let found = place.get_or_init(|| Binaries::find().map(Server::join));
    if found.is_none() {
        crate::skipped();
    }
    found.as_ref()
}

impl Database {
    /// Where it is: `postgres://…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All that it holds, as `pg_dump` writes it: for tests of what must not be there.
    ///
    /// # Panics
    /// If `pg_dump` fails.
    pub fn dump(&self) -> String {
        let binaries = Binaries::find().expect("the server was started by its programs");
        let output = binaries.command("pg_dump").arg(&self.url).output().expect("pg_dump runs");
        assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Its data goes with the server anyway: what fails here costs room only.
        if let Some(server) = Binaries::find() {
            let mut drop = server.command("dropdb");
            let maintenance = self.url.replace(&format!("/{}", self.name), "/postgres");
            drop.args(["--if-exists", "--force", "--maintenance-db", &maintenance, &self.name]);
            let _ = drop.stderr(Stdio::null()).status();
        }
    }
}

impl Server {
    /// Takes part in the server, and starts it if it is not there.
    fn join(binaries: Binaries) -> Self {
        let directory = std::env::temp_dir().join(format!("emporia-testpg-{}", uid()));
        binaries.make_directory(&directory);
        let open = |name: &str| File::create(directory.join(name)).expect("our directory can be written");
        let (lease, start) = (open("lease"), open("start"));
        // Waits while the keeper, which found nobody, clears up.
        lease.lock_shared().expect("files can be locked");
        start.lock().expect("files can be locked");
        let (port, keeper) = match running(&directory) {
            Some(port) => (port, None),
            None => {
                let (port, keeper) = launch(&binaries, &directory);
                (port, Some(keeper))
            }
        };
        start.unlock().expect("it was locked");
        Self { binaries, directory, port, _lease: lease, _keeper: keeper }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = self.binaries.command(program);
        command.args(["--username=postgres", "--port", &self.port.to_string(), "--host"]);
        let output = command.arg(&self.directory).args(arguments).output().expect("the program runs");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The port of the server that runs, if one does.
fn running(directory: &Path) -> Option<u16> {
    let port = fs::read_to_string(directory.join("port")).ok()?.parse().ok()?;
    let process = fs::read_to_string(directory.join("data/postmaster.pid")).ok();
    // The file of a server that was killed stays behind, and its port may be another's by now.
    let alive = process.is_none_or(|text| {
        text.lines().next().is_some_and(|pid| Path::new("/proc").join(pid.trim()).exists())
    });
    (alive && TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(port)
}

fn launch(binaries: &Binaries, directory: &Path) -> (u16, Child) {
    let data = directory.join("data");
    let _ = fs::remove_dir_all(&data);
    binaries.init(&data);
    let port = free_port();
    let mut keeper = binaries.shell(KEEPER);
    keeper.arg(directory).arg(port.to_string());
    // Nothing of ours is kept open by it: whoever waits for our output would wait for the server's end.
    keeper.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Its own group: an interrupt from the terminal is for the tests, whose end it notices itself.
    std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
    let keeper = keeper.spawn().expect("a shell starts");
    wait_until_ready(binaries, port, &directory.join("log"));
    fs::write(directory.join("port"), port.to_string()).expect("our directory can be written");
    (port, keeper)
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

pub(crate) fn wait_until_ready(binaries: &Binaries, port: u16, log: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    let ready = || {
        let mut ask = binaries.command("pg_isready");
        ask.args(["--quiet", "--host=127.0.0.1", "--port", &port.to_string()]);
        ask.status().is_ok_and(|status| status.success())
    };
    while !ready() {
        assert!(
            Instant::now() < until,
            "the server does not start: {}",
            fs::read_to_string(log).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
