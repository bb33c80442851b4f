//! A workload whose traces must agree with each other: documents, tallies and events of one transaction are all
//! there or none is.
#![allow(dead_code, reason = "each test file uses its own part")]

use emporia_store::{
    Document, IndexEntry, IndexKey, Key, NewEvent, Position, Query, Space, SpaceSchema, Store, StoreError,
    TallyChange, TallyKey,
};
use emporia_store_sqlite::{Durability, Layout, SqliteOptions, open};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};
use uuid::Uuid;

pub const CLIENTS: u64 = 8;
const ACCOUNTS: u64 = 10;
const EACH: i64 = 100;

#[derive(Debug, Serialize, Deserialize)]
struct Account {
    id: u64,
    balance: i64,
}

impl Document for Account {
    const COLLECTION: &'static str = "accounts";

    fn key(&self) -> Key {
        account_key(self.id)
    }
}

fn account_key(id: u64) -> Key {
    Key::of("accounts", id.to_string())
}

/// A client's n-th transfer.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    client: u64,
    number: u64,
    text: String,
}

impl Document for Receipt {
    const COLLECTION: &'static str = "receipts";

    fn key(&self) -> Key {
        Key::of("receipts", self.client.to_string()).child(format!("{:08}", self.number))
    }

    fn index(&self) -> Vec<IndexEntry> {
        let key = IndexKey::new().int(self.client as i64).int(self.number as i64);
        vec![IndexEntry::new("by_client", key.clone()), IndexEntry::new("by_number", key)]
    }
}

fn moves(client: u64) -> TallyKey {
    TallyKey::of("moves", client.to_string())
}

fn subject(client: u64) -> String {
    format!("client/{client}")
}

pub async fn open_ledger(directory: &Path, layout: Layout, durability: Durability) -> Store {
    let schema = SpaceSchema::new("ledger").collection::<Account>().collection::<Receipt>();
    let schema = schema.index("by_client").unique("by_number").tally("moves", &["count"]);
    // A short write-ahead log, so that checkpoints and new beginnings of the log are under test as well.
    let options = SqliteOptions::new(directory).layout(layout).durability(durability).wal_limit(1_000_000);
    let store = open(options, vec![schema]).await.expect("opens");
    let space = ledger(&store);
    let founded = space.transact(|tx| async move {
        for id in 0..ACCOUNTS {
            if tx.get::<Account>(&account_key(id)).await?.is_none() {
                tx.put(&Account { id, balance: EACH })?;
            }
        }
        Ok::<_, StoreError>(())
    });
    founded.await.expect("commits");
    store
}

pub fn ledger(store: &Store) -> Space {
    store.space("ledger").expect("declared")
}

/// Moves something between two accounts, writes a receipt, counts, tells an event.
pub async fn transfer(space: &Space, client: u64, number: u64) -> Result<(), StoreError> {
    space
        .transact(|tx| async move {
            let mixed = (client * 7_919 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let (from, to) = (mixed % ACCOUNTS, (mixed / ACCOUNTS) % ACCOUNTS);
            if from != to {
                for (id, amount) in [(from, -3), (to, 3)] {
                    if let Some(mut account) = tx.get::<Account>(&account_key(id)).await? {
                        account.value.balance += amount;
                        tx.put(&account.value)?;
                    }
                }
            }
            let text = "r".repeat((mixed % 3_000) as usize);
            tx.insert(&Receipt { client, number, text })?;
            tx.add(moves(client), TallyChange::new().add("count", 1))?;
            let body = serde_json::json!({ "number": number });
            let id = Uuid::from_u64_pair(client, number);
            tx.emit(NewEvent::new(id, "emporia.ledger", "Moved", subject(client), Timestamp::now(), &body)?)
        })
        .await
}

/// How many transfers of a client were committed.
pub async fn count(space: &Space, client: u64) -> u64 {
    let tally = space.tallies(&[moves(client)]).await.expect("reads").remove(0);
    u64::try_from(tally.get("count")).expect("counts up only")
}

/// Checks that all traces agree; answers the committed transfers of each client.
pub async fn check(store: &Store) -> Vec<u64> {
    let space = ledger(store);
    let accounts: Vec<Key> = (0..ACCOUNTS).map(account_key).collect();
    let accounts = space.get_many::<Account>(&accounts).await.expect("reads");
    let total: i64 = accounts.iter().flatten().map(|account| account.balance).sum();
    assert_eq!(total, ACCOUNTS as i64 * EACH, "nothing is lost or made between accounts");

    let mut events = vec![Vec::new(); CLIENTS as usize];
    let (log, mut after) = (space.log(), Position::ZERO);
    loop {
        let batch = store.read_log(&log, after, 1_000, None).await.expect("reads");
        if batch.records.is_empty() {
            break;
        }
        after = batch.next;
        for record in batch.records {
            let (client, number) = record.id.as_u64_pair();
            assert_eq!(record.sequence, number + 1);
            events[client as usize].push(number);
        }
    }
    let mut counts = Vec::new();
    for client in 0..CLIENTS {
        let expected: Vec<u64> = (0..count(&space, client).await).collect();
        let mut receipts = Vec::new();
        for index in ["by_client", "by_number"] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let query = Query::index(index).prefix(IndexKey::new().int(client as i64)).after(after);
                let page = space.query::<Receipt>(query).await.expect("reads");
                after = page.items.last().map(|(cursor, _)| cursor.clone());
                found.extend(page.items.iter().map(|(_, receipt)| receipt.number));
                if !page.has_more {
                    break;
                }
            }
            receipts.push(found);
        }
        assert_eq!(receipts[0], expected, "receipts and tally of client {client}");
        assert_eq!(receipts[1], expected, "the unique index of client {client}");
        assert_eq!(events[client as usize], expected, "events and tally of client {client}");
        counts.push(expected.len() as u64);
    }
    counts
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
