#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a measurement that cannot be made should stop where it is"
)]

mod crash;
mod scenario;
mod seed;
mod wire;

use clap::Parser;
use emporia::platform::Engine;
use emporia_gateway::Config;
use emporia_store_postgres::PostgresOptions;
use emporia_store_sqlite::{Durability, Layout};
use emporia_testkit::{Emporia, Setup};
use emporia_testpg::Cluster;
use hdrhistogram::Histogram;
use scenario::{Scenario, Shop, Visitor};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The executable's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Load driver and first figures.
#[derive(Debug, Parser)]
struct Args {
    /// Clients of the closed loop.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before it.
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Operations per second of an open loop; closed when absent.
    #[arg(long)]
    rate: Option<f64>,
    /// Only this scenario.
    #[arg(long)]
    scenario: Option<Scenario>,
    /// Products in the catalogue.
    #[arg(long, default_value_t = 5_000)]
    products: usize,
    /// Orders that are there before.
    #[arg(long, default_value_t = 0)]
    orders: usize,
    /// What the store is on.
    #[arg(long, default_value = "sqlite")]
    store: Store,
    /// Let the gateway keep answers.
    #[arg(long)]
    cached: bool,
    /// Instead of all that: kill a shop with these orders while it records more, and start it again.
    #[arg(long, conflicts_with_all = ["scenario", "rate", "store"])]
    crash: bool,
    /// The shop that is to be killed.
    #[arg(long, hide = true)]
    victim: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Store {
    Sqlite,
    /// A private server on the same machine, which syncs as in production.
    Postgres,
}

/// Operations under way at once in an open loop, at most: beyond that the server has lost anyway.
const MOST_UNDER_WAY: usize = 4_096;

#[tokio::main]
async fn main() {
    let args = Args::parse();
    if let Some(directory) = &args.victim {
        return crash::victim(&args, directory).await;
    }
    if args.crash {
        return crash::restart(&args).await;
    }
    // Below the current directory: a system's temporary files may be in memory.
    let server = (args.store == Store::Postgres)
        .then(|| Cluster::start_in(Path::new(".")).expect("PostgreSQL is installed"));
    let engine = server
        .as_ref()
        .map_or(Engine::Sqlite { layout: Layout::Shared, durability: Durability::Full }, |server| {
            Engine::Postgres(PostgresOptions::new(&server.url()).unwrap())
        });
    let mut gateway = Config::demo();
    gateway.response_cache.enabled = args.cached;
    let emporia = Emporia::small_with(Setup { engine: Some(engine), gateway, ..Setup::default() }).await;
    let started = Instant::now();
    let articles = seed::seed(&emporia.platform, args.products).await;
    println!(
        "{} products, {} variants in {:.1} s",
        args.products,
        articles.len(),
        started.elapsed().as_secs_f64()
    );
    let shop = Arc::new(Shop::new(&emporia, articles));
    if args.orders > 0 {
        let started = Instant::now();
        fill(&shop, args.orders).await;
        println!("{} orders in {:.1} s", args.orders, started.elapsed().as_secs_f64());
    }
    println!(
        "{:<9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>11}",
        "scenario", "clients", "ops/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "failed", "CPU ms/op"
    );
    for scenario in Scenario::ALL.into_iter().filter(|s| args.scenario.is_none_or(|only| only == *s)) {
        measure(&args, &shop, scenario).await;
    }
    println!("memory: {} MB", memory() / 1_000_000);
    drop(emporia);
    drop(server);
}

/// Records so many orders.
async fn fill(shop: &Arc<Shop>, orders: usize) {
    let clients = 64;
    let client = |number: usize| {
        let shop = shop.clone();
        tokio::spawn(async move {
            let mut visitor = shop.visitor(number);
            for _ in 0..orders / clients {
                shop.perform(Scenario::Fact, &mut visitor).await.unwrap();
            }
        })
    };
    for client in (0..clients).map(client).collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

async fn measure(args: &Args, shop: &Arc<Shop>, scenario: Scenario) {
    drop(run(args, shop, scenario, args.warm_up).await);
    let (cpu, started) = (cpu_seconds(), Instant::now());
    let (latencies, failed) = run(args, shop, scenario, args.seconds).await;
    let seconds = started.elapsed().as_secs_f64();
    let operations = latencies.len().max(1);
    let ms = |micros: u64| micros as f64 / 1e3;
    println!(
        "{:<9} {:>8} {:>9.1} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {failed:>7} {:>11.3}",
        scenario.to_string(),
        args.rate.map_or_else(|| args.clients.to_string(), |rate| format!("{rate}/s")),
        latencies.len() as f64 / seconds,
        ms(latencies.value_at_quantile(0.5)),
        ms(latencies.value_at_quantile(0.99)),
        ms(latencies.value_at_quantile(0.999)),
        ms(latencies.max()),
        (cpu_seconds() - cpu) * 1e3 / operations as f64,
    );
}

async fn run(args: &Args, shop: &Arc<Shop>, scenario: Scenario, seconds: u64) -> (Histogram<u64>, u64) {
    let end = Instant::now() + Duration::from_secs(seconds);
    match args.rate {
        Some(rate) => open_loop(shop, scenario, end, rate).await,
        None => closed_loop(args.clients, shop, scenario, end).await,
    }
}

/// Shows the first failure of each client: the others are probably the same.
fn tell(before: u64, failure: &str) {
    if before == 0 {
        eprintln!("failed: {}", failure.chars().take(300).collect::<String>());
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 120_000_000, 3).unwrap()
}

async fn closed_loop(
    clients: usize,
    shop: &Arc<Shop>,
    scenario: Scenario,
    end: Instant,
) -> (Histogram<u64>, u64) {
    let client = |number: usize| {
        let shop = shop.clone();
        tokio::spawn(async move {
            let (mut latencies, mut failed, mut visitor) = (histogram(), 0, shop.visitor(number));
            while Instant::now() < end {
                let began = Instant::now();
                match shop.perform(scenario, &mut visitor).await {
                    Ok(()) => {
                        latencies.saturating_record(u64::try_from(began.elapsed().as_micros()).unwrap())
                    }
                    Err(failure) => {
                        tell(failed, &failure);
                        failed += 1;
                    }
                }
            }
            (latencies, failed)
        })
    };
    let clients: Vec<_> = (0..clients).map(client).collect();
    let (mut all, mut failed) = (histogram(), 0);
    for client in clients {
        let (latencies, failures) = client.await.unwrap();
        all.add(latencies).unwrap();
        failed += failures;
    }
    (all, failed)
}

async fn open_loop(shop: &Arc<Shop>, scenario: Scenario, end: Instant, rate: f64) -> (Histogram<u64>, u64) {
    let gap = Duration::from_secs_f64(1.0 / rate);
    let turns = Arc::new(tokio::sync::Semaphore::new(MOST_UNDER_WAY));
    // Whoever arrives takes the connections of one who has left.
    let idle: Arc<Mutex<Vec<Visitor>>> = Arc::default();
    let (mut due, mut under_way, mut number) = (Instant::now(), vec![], 0);
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        let (shop, turn, began) = (shop.clone(), turns.clone().acquire_owned().await.unwrap(), due);
        let idle = idle.clone();
        number += 1;
        under_way.push(tokio::spawn(async move {
            let left = idle.lock().unwrap().pop();
            let mut visitor = left.unwrap_or_else(|| shop.visitor(number));
            let performed = shop.perform(scenario, &mut visitor).await;
            let took = u64::try_from(began.elapsed().as_micros()).unwrap();
            idle.lock().unwrap().push(visitor);
            drop(turn);
            performed.map(|()| took)
        }));
        due += gap;
    }
    let (mut latencies, mut failed) = (histogram(), 0);
    for operation in under_way {
        match operation.await.unwrap() {
            Ok(took) => latencies.saturating_record(took),
            Err(failure) => {
                tell(failed, &failure);
                failed += 1;
            }
        }
    }
    (latencies, failed)
}

/// Bytes of memory that this process has (Linux).
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1_024
}

/// User and system time of this process (Linux).
fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    // Fields 14 and 15 in clock ticks of 10 ms; the name in parentheses may have spaces.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
