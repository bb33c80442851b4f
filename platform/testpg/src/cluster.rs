//! A durable server of one's own.

use crate::{
    binaries::Binaries,
    shared::{free_port, wait_until_ready},
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Runs the server until a word comes from the test, or the end of its pipe: then nobody needs the data any more. `$0`: the programs; `$1`: our directory; `$2`: the port; `$3`: whether TLS is on.
const KEEPER: &str = r#"
"$0/postgres" -D "$1/data" -p "$2" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$1" -c ssl="$3" \
    -c max_connections=200 -c max_wal_size=4GB >>"$1/log" 2>&1 </dev/null &
server=$!
read -r keep
kill -QUIT "$server" 2>/dev/null; wait "$server"
[ "$keep" = keep ] || rm -rf "$1"
"#;

/// A server with a data directory of its own that syncs as in production; it ends with this value.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    directory: TempDir,
    port: u16,
    certificate: Option<String>,
    keeper: Child,
}

impl Cluster {
    /// Starts a server; none where PostgreSQL is not installed.
    ///
    /// # Panics
    /// If it does not start; if it is not installed and `EMPORIA_TEST_REQUIRE=all`.
    pub fn start() -> Option<Self> {
        Self::start_in(&std::env::temp_dir())
    }

    /// As [`Cluster::start`], with its data below `place`: on the disk to be measured.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    pub fn start_in(place: &Path) -> Option<Self> {
        Self::begin(place, false)
    }

    /// As [`Cluster::start`], with TLS: its certificate is for `localhost`, and its own.
    ///
    /// # Panics
    /// As [`Cluster::start`]; where there is no `openssl`.
    pub fn start_with_tls() -> Option<Self> {
        Self::begin(&std::env::temp_dir(), true)
    }

    fn begin(place: &Path, tls: bool) -> Option<Self> {
        let Some(binaries) = Binaries::find() else {
            crate::skipped();
            return None;
        };
        let place = fs::canonicalize(place).expect("the place exists");
        let directory = TempDir::new_in(place).expect("a temporary directory can be made");
        binaries.give(directory.path());
        let data = directory.path().join("data");
        binaries.init(&data);
        let certificate = tls.then(|| certify(&binaries, &data));
        let port = free_port();
        let keeper = launch(&binaries, directory.path(), port, tls);
        Some(Self { binaries, directory, port, certificate, keeper })
    }

    /// The server's certificate in PEM form, with which a client can verify it.
    ///
    /// # Panics
    /// If it was started without TLS.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("it was started with TLS")
    }

    /// Where its first database is: `postgres://…`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills all of the server's processes with a signal that cannot be handled.
    ///
    /// # Panics
    /// If the server does not run.
    pub fn kill(&mut self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).expect("the server runs");
        let pid = pid.lines().next().unwrap_or_default().trim().to_owned();
        // The children would outlive their parent for a moment, and with them the shared memory.
        let mut all = children(&pid);
        all.insert(0, pid);
        let killed = Command::new("kill").arg("-KILL").args(&all).stderr(Stdio::null()).status();
        killed.expect("kill runs");
        self.end_keeper("keep\n");
    }

    /// Starts the server again over its data, at the same address.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.end_keeper("keep\n");
        // Left behind by a kill; the process it names is gone.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        self.keeper = launch(&self.binaries, self.directory.path(), self.port, self.certificate.is_some());
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn end_keeper(&mut self, word: &str) {
        // It may have ended already.
        let _ = self.keeper.stdin.take().map(|mut pipe| pipe.write_all(word.as_bytes()));
        let _ = self.keeper.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end_keeper("");
    }
}

/// Makes a key and a certificate where the server looks for them: the certificate.
fn certify(binaries: &Binaries, data: &Path) -> String {
    // As the server's user: to nobody else it may be readable.
    let mut make = binaries.shell(
        r#"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=emporia test server" \
               -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
               -keyout "$1/server.key" -out "$1/server.crt" && chmod 600 "$1/server.key""#,
    );
    let made = make.arg(data).output().expect("a shell starts");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    fs::read_to_string(data.join("server.crt")).expect("it was made")
}

fn launch(binaries: &Binaries, directory: &Path, port: u16, tls: bool) -> Child {
    let mut keeper = binaries.shell(KEEPER);
    keeper.arg(directory).arg(port.to_string()).arg(if tls { "on" } else { "off" });
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
    let keeper = keeper.spawn().expect("a shell starts");
    wait_until_ready(binaries, port, &directory.join("log"));
    keeper
}

/// The processes whose parent is `pid`.
fn children(pid: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("there is /proc").flatten();
    let processes = processes.filter_map(|entry| entry.file_name().into_string().ok());
    let parent = |process: &str| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name in brackets may hold anything; behind it come the state and the parent.
        stat.rsplit_once(") ")?.1.split(' ').nth(1).map(str::to_owned)
    };
    processes.filter(|process| parent(process).as_deref() == Some(pid)).collect()
}
