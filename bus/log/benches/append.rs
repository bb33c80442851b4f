//! Durable events a second: clients that append batches of 10 events of 700 bytes, as fast as they are answered and
//! at a given rate.
//!
//! `cargo bench -p emporia-event-log --bench append -- [seconds] [directory] [clients]`
#![allow(clippy::print_stdout, reason = "a benchmark reports on the terminal")]

use emporia_event_log::{Event, Log, Options, ReadLimit, Sequence};
use hdrhistogram::Histogram;
use jiff::Timestamp;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

const BATCH: u64 = 10;

fn batch(client: u64, round: u64) -> Vec<Event> {
    let event = |place| Event {
        id: format!("{client:08x}-{round:08x}-{place:08x}-0000-000000"),
        time: Timestamp::now(),
        source: "shop.orders".to_owned(),
        detail_type: "OrderPlaced".to_owned(),
        group: None,
        body: vec![b'x'; 600],
    };
    (0..BATCH).map(event).collect()
}

/// Appends for so long, at most one batch every `pause`; latencies are counted from when a batch was due.
async fn client(log: Arc<Log>, client: u64, end: Instant, pause: Duration) -> Histogram<u64> {
    let mut latencies = Histogram::new(3).expect("three digits");
    let mut due = Instant::now() + pause.mul_f64(client as f64 / 64.0);
    for round in 0.. {
        if pause.is_zero() {
            due = Instant::now();
        } else {
            tokio::time::sleep_until(due.into()).await;
        }
        if due >= end {
            break;
        }
        log.append(batch(client, round), Timestamp::now()).await.expect("appends");
        latencies.record(due.elapsed().as_micros() as u64).expect("in range");
        due += pause;
    }
    latencies
}

async fn run(place: &PathBuf, seconds: f64, clients: u64, rate: Option<f64>) {
    let directory = tempfile::TempDir::new_in(place).expect("a directory on the disk to be measured");
    let log = Arc::new(Log::open(directory.path(), Options::default()).expect("opens"));
    let pause = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64((clients * BATCH) as f64 / rate));
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> =
        (0..clients).map(|number| tokio::spawn(client(Arc::clone(&log), number, end, pause))).collect();
    let mut all: Histogram<u64> = Histogram::new(3).expect("three digits");
    for task in tasks {
        all.add(task.await.expect("ends")).expect("the same precision");
    }
    let events = all.len() * BATCH;
    let (rate, ms) =
        (events as f64 / start.elapsed().as_secs_f64(), |q| all.value_at_quantile(q) as f64 / 1_000.0);
    println!(
        "{clients} clients: {rate:.0} events/s, acknowledged in p50 {:.1} p99 {:.1} max {:.1} ms",
        ms(0.5),
        ms(0.99),
        all.max() as f64 / 1_000.0
    );
    let (start, mut after) = (Instant::now(), Sequence::ZERO);
    while let Some(last) = log.read(after, ReadLimit::default()).expect("reads").last() {
        after = last.sequence;
    }
    println!("  read again: {:.0} events/s", after.get() as f64 / start.elapsed().as_secs_f64());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let seconds = arguments.first().map_or(5.0, |seconds| seconds.parse().expect("a number of seconds"));
    let place = arguments.get(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let clients = arguments.get(2).map_or(64, |clients| clients.parse().expect("a number of clients"));
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        run(&place, seconds, clients, None).await;
        run(&place, seconds, clients, Some(25_000.0)).await;
    });
}
