//! The load that the engines are compared with: transactions of 2 readings, 6 writes, 3.5 kB each, by many clients at
//! once.

use emporia_store::{
    Document, IndexEntry, IndexKey, Key, NewEvent, Space, SpaceSchema, Store, StoreError, TallyChange,
    TallyKey,
};
use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a benchmark is told: seconds for each number of clients, a directory, numbers of clients.
pub fn arguments() -> (f64, std::path::PathBuf, Vec<usize>) {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let place = arguments.next().map_or_else(|| ".".into(), std::path::PathBuf::from);
    let numbers: Vec<usize> = arguments.filter_map(|text| text.parse().ok()).collect();
    (seconds, place, if numbers.is_empty() { vec![1, 8, 64, 256] } else { numbers })
}

/// What the load's space declares.
pub fn schema() -> SpaceSchema {
    SpaceSchema::new("bench").collection::<Record>().index("by_owner").tally("seats", &["free", "taken"])
}

#[derive(Clone, Serialize, Deserialize)]
struct Record {
    id: String,
    owner: String,
    text: String,
}

impl Document for Record {
    const COLLECTION: &'static str = "records";

    fn key(&self) -> Key {
        key(&self.id)
    }

    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("by_owner", IndexKey::new().text(&self.owner).text(&self.id))]
    }
}

fn key(id: &str) -> Key {
    Key::of("records", id)
}

fn record(id: String, owner: usize, bytes: usize) -> Record {
    Record { id, owner: format!("owner {owner}"), text: "x".repeat(bytes) }
}

/// Reads two documents, writes one of them and three new ones, changes a tally, tells an event.
async fn transact(space: &Space, client: usize, n: u64) -> Result<(), StoreError> {
    let (own, shared) = (format!("client {client}"), format!("shared {}", (client as u64 + n) % 1_000));
    let (own, shared) = (&own, &shared);
    space
        .transact(|tx| async move {
            tx.get_many::<Record>(&[key(own), key(shared)]).await?;
            tx.put(&record(own.clone(), client, 400))?;
            for (part, bytes) in [1_400, 600, 300].into_iter().enumerate() {
                tx.insert(&record(
                    format!("{client}-{n}-{part}-{}", n.wrapping_mul(0x9e37_79b9)),
                    client,
                    bytes,
                ))?;
            }
            let seats = TallyKey::of("seats", format!("item {}", n % 500));
            tx.add(seats, TallyChange::new().add("free", -1).floor("free", i64::MIN).add("taken", 1))?;
            let subject = format!("record/{client}-{n}");
            let body = serde_json::json!({ "text": "x".repeat(600) });
            tx.emit(NewEvent::new(
                Uuid::from_u128(u128::from(n)),
                "bench",
                "Made",
                subject,
                Timestamp::now(),
                &body,
            )?)
        })
        .await
}

async fn measure(space: &Space, clients: usize, run: u64, length: Duration) -> (f64, Histogram<u64>) {
    let started = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let space = space.clone();
            tokio::spawn(async move {
                let mut took = Vec::new();
                let mut n = run * 1_000_000_000;
                while started.elapsed() < length {
                    let begun = Instant::now();
                    transact(&space, client, n).await.expect("commits");
                    took.push(begun.elapsed());
                    n += 1;
                }
                took
            })
        })
        .collect();
    let mut histogram = Histogram::new(3).expect("three digits are allowed");
    for task in tasks {
        for took in task.await.expect("the client does not panic") {
            histogram
                .record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
                .expect("the histogram grows");
        }
    }
    (histogram.len() as f64 / started.elapsed().as_secs_f64(), histogram)
}

/// Measures for so many seconds with each number of clients, and prints.
pub async fn report(store: &Store, seconds: f64, numbers: &[usize]) {
    let space = store.space("bench").expect("declared");
    for n in 0..1_000 {
        let shared = &format!("shared {n}");
        let filled = space.transact(|tx| async move { tx.overwrite(&record(shared.clone(), n, 300)) });
        filled.await.expect("commits");
    }
    println!("clients      tx/s   p50 ms   p99 ms   max ms");
    for (run, &clients) in numbers.iter().enumerate() {
        let (rate, took) = measure(&space, clients, run as u64 + 1, Duration::from_secs_f64(seconds)).await;
        let ms = |micros: u64| micros as f64 / 1_000.0;
        let (p50, p99) = (ms(took.value_at_quantile(0.5)), ms(took.value_at_quantile(0.99)));
        println!("{clients:>7} {rate:>9.0} {p50:>8.2} {p99:>8.2} {:>8.2}", ms(took.max()));
    }
    let (started, readings) = (Instant::now(), 20_000_u32);
    for n in 0..readings {
        space.get::<Record>(&key(&format!("shared {}", n % 1_000))).await.expect("reads");
    }
    println!("a point reading takes {:.1} µs", started.elapsed().as_secs_f64() * 1e6 / f64::from(readings));
}
