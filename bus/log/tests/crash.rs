//! `kill -9` of a writing process: what it acknowledged is there, in order and once.

mod support;

use emporia_event_log::{Log, Options, Sequence};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
};
use support::*;
use tempfile::TempDir;

const CLIENTS: u64 = 8;

fn options() -> Options {
    Options { segment_bytes: 50_000, ..Options::default() }
}

/// Not a test: the child process of the test below. Appends without end and tells what was acknowledged. It begins with
/// events that may be in the log already, as a producer does that heard no answer.
#[test]
#[ignore = "runs as a child process only"]
fn writer_process() {
    let Some(directory) = std::env::var_os("LOG_DIRECTORY") else { return };
    let start: u64 = std::env::var("LOG_START").expect("is set").parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let log = Arc::new(Log::open(PathBuf::from(directory), options()).expect("opens"));
        let out = Arc::new(Mutex::new(std::io::stdout()));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (log, out) = (Arc::clone(&log), Arc::clone(&out));
                tokio::spawn(async move {
                    for round in start.. {
                        let numbers = (0..3).map(|n| (round * 3 + n) * CLIENTS + client);
                        let answer = log.append(events(numbers.clone()), second(0)).await.expect("appends");
                        let mut out = out.lock().expect("no writer panics");
                        for (number, sequence) in numbers.zip(answer) {
                            writeln!(out, "ack {number} {sequence}").expect("the parent listens");
                        }
                        out.flush().expect("the parent listens");
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.expect("does not end");
        }
    });
}

/// A child process at work, killed when the value is dropped.
struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Writer {
    fn start(directory: &Path, start: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this binary has a path"))
            .args(["--ignored", "--exact", "writer_process", "--nocapture"])
            .env("LOG_DIRECTORY", directory)
            .env("LOG_START", start.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    /// The next acknowledgement: event number and sequence; none at the end. A line cut off by the kill is none.
    fn next(&mut self) -> Option<(u64, u64)> {
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).expect("reads");
            let whole = line.strip_suffix('\n')?;
            if let Some((number, sequence)) = whole.strip_prefix("ack ").and_then(|ack| ack.split_once(' ')) {
                return Some((number.parse().expect("a number"), sequence.parse().expect("a number")));
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn killed_processes_lose_nothing_they_acknowledged() {
    let directory = TempDir::new().expect("a temporary directory");
    let mut acknowledged = HashMap::new();
    for round in 0_usize..30 {
        let start = acknowledged.keys().max().map_or(0, |number: &u64| number / CLIENTS / 3);
        let mut writer = Writer::start(directory.path(), start);
        // Every tenth is killed on the way up, the others after some acknowledgements.
        let many = if round.is_multiple_of(10) { 0 } else { 50 + round * 37 % 400 };
        for read in 0..many {
            let (number, sequence) = writer.next().unwrap_or_else(|| panic!("the writer ended after {read}"));
            let before = acknowledged.insert(number, sequence);
            assert!(before.is_none_or(|before| before == sequence), "event {number} has one sequence");
        }
        writer.child.kill().expect("the child can be killed");
        acknowledged.extend(std::iter::from_fn(|| writer.next()));
        writer.child.wait().expect("the child can be waited for");
        let log = Log::open(directory.path(), options()).expect("opens");
        let records = all(&log, Sequence::ZERO).expect("reads");
        if !records.is_empty() {
            assert_eq!(*sequences(&records).start(), 1);
        }
        let found: HashMap<_, _> =
            records.iter().map(|record| (record.event.id.clone(), record.sequence.get())).collect();
        assert_eq!(found.len(), records.len(), "round {round}: no event is there twice");
        for (number, sequence) in &acknowledged {
            let there = found.get(&event(*number).id);
            assert_eq!(there, Some(sequence), "round {round}: event {number} was acknowledged");
        }
        let right =
            |number: u64| records.get(usize::try_from(number).ok()?.checked_sub(1)?).map(|r| &r.event);
        assert!(acknowledged.iter().all(|(number, sequence)| right(*sequence) == Some(&event(*number))));
    }
    assert!(acknowledged.len() > 2_000, "the rounds did some work: {}", acknowledged.len());
    assert!(segment_files(directory.path()).len() > 3, "also where segments begin");
}
