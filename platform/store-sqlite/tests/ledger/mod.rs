//! The workload on SQLite, and a process that works until it is killed.
#![allow(dead_code, reason = "each test file uses its own part")]

mod workload;

use emporia_store::Store;
use emporia_store_sqlite::{Durability, Layout, SqliteOptions, open};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

pub use workload::*;

pub async fn open_ledger(directory: &Path, layout: Layout, durability: Durability) -> Store {
    // A short write-ahead log, so that checkpoints and new beginnings of the log are under test as well.
    let options = SqliteOptions::new(directory).layout(layout).durability(durability).wal_limit(1_000_000);
    let store = open(options, vec![schema()]).await.expect("opens");
    found(&store).await;
    store
}

/// Writes without end and acknowledges every transfer on standard output: what a child process does until it is
/// killed.
pub async fn write_until_killed(directory: &Path, durability: Durability) {
    // A client that fails ends the process, so that the parent does not wait for it.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(101);
    }));
    let store = open_ledger(directory, Layout::Shared, durability).await;
    let space = ledger(&store);
    let out = Arc::new(std::sync::Mutex::new(std::io::stdout()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (space, out) = (space.clone(), Arc::clone(&out));
            tokio::spawn(async move {
                for number in count(&space, client).await.. {
                    transfer(&space, client, number).await.expect("commits");
                    let mut out = out.lock().expect("no writer panics");
                    writeln!(out, "ack {client} {number}")
                        .and_then(|()| out.flush())
                        .expect("the parent listens");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("does not end");
    }
}

/// A child process at work, killed when the value is dropped.
pub struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Acknowledged transfers of each client.
    pub acknowledged: Vec<u64>,
}

impl Writer {
    /// Runs this test binary's ignored test `writer_process` as a process of its own.
    pub fn start(directory: &Path, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
        command.args(["--ignored", "--exact", "writer_process", "--nocapture"]);
        // What a writer that fails has to say is part of the test's own output.
        command.env("LEDGER_DIRECTORY", directory).stdout(Stdio::piped()).stderr(Stdio::inherit());
        prepare(&mut command);
        let mut child = command.spawn().expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines, acknowledged: vec![0; CLIENTS as usize] }
    }

    /// Waits until so many acknowledgements were read.
    ///
    /// # Panics
    /// If the child ends before.
    pub fn wait_for(&mut self, many: usize) {
        let mut read = 0;
        while read < many {
            match self.read_line() {
                None => panic!("the writer ended by itself after {read} transfers: {:?}", self.child.wait()),
                Some(true) => read += 1,
                Some(false) => {}
            }
        }
    }

    /// Kills the child with a signal that cannot be handled, and reads what it had acknowledged before.
    pub fn kill(&mut self) {
        self.child.kill().expect("the child can be killed");
        while self.read_line().is_some() {}
        self.child.wait().expect("the child can be waited for");
    }

    /// Whether the line was an acknowledgement; none at the end. A line cut off by the kill is none.
    fn read_line(&mut self) -> Option<bool> {
        let mut line = String::new();
        if self.lines.read_line(&mut line).expect("reads") == 0 {
            return None;
        }
        let mut words = line.strip_suffix('\n')?.split(' ');
        if words.next() != Some("ack") {
            return Some(false);
        }
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).expect("two numbers");
        let (client, number) = (number() as usize, number());
        self.acknowledged[client] = self.acknowledged[client].max(number + 1);
        Some(true)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A runtime like the executable's.
pub fn block_on<R>(work: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
