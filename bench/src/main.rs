#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made should stop where it is"
)]

mod scenario;
mod seed;

use clap::Parser;
use emporia_store_sqlite::Durability;
use emporia_testkit::{Emporia, Setup};
use hdrhistogram::Histogram;
use scenario::{Scenario, Shop};
use std::{
    sync::Arc,
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
}

/// Operations under way at once in an open loop, at most: beyond that the server has lost anyway.
const MOST_UNDER_WAY: usize = 4_096;

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let setup = Setup { durability: Durability::Full, ..Setup::default() };
    let emporia = Emporia::small_with(setup).await;
    let started = Instant::now();
    let articles = seed::seed(&emporia.platform, args.products).await;
    println!(
        "{} products, {} variants in {:.1} s",
        args.products,
        articles.len(),
        started.elapsed().as_secs_f64()
    );
    let shop = Arc::new(Shop::new(&emporia, articles));
    println!(
        "{:<9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>11}",
        "scenario", "clients", "ops/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "failed", "CPU ms/op"
    );
    for scenario in Scenario::ALL.into_iter().filter(|s| args.scenario.is_none_or(|only| only == *s)) {
        measure(&args, &shop, scenario).await;
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
                    Err(()) => failed += 1,
                }
            }
            (latencies, failed)
        })
    };
    collect((0..clients).map(client).collect()).await
}

async fn open_loop(shop: &Arc<Shop>, scenario: Scenario, end: Instant, rate: f64) -> (Histogram<u64>, u64) {
    let gap = Duration::from_secs_f64(1.0 / rate);
    let turns = Arc::new(tokio::sync::Semaphore::new(MOST_UNDER_WAY));
    let (mut due, mut under_way, mut number) = (Instant::now(), vec![], 0);
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        let (shop, turn, began) = (shop.clone(), turns.clone().acquire_owned().await.unwrap(), due);
        number += 1;
        under_way.push(tokio::spawn(async move {
            let (mut latencies, mut failed, mut visitor) = (histogram(), 0, shop.visitor(number));
            match shop.perform(scenario, &mut visitor).await {
                Ok(()) => latencies.saturating_record(u64::try_from(began.elapsed().as_micros()).unwrap()),
                Err(()) => failed += 1,
            }
            drop(turn);
            (latencies, failed)
        }));
        due += gap;
    }
    collect(under_way).await
}

async fn collect(tasks: Vec<tokio::task::JoinHandle<(Histogram<u64>, u64)>>) -> (Histogram<u64>, u64) {
    let (mut all, mut failed) = (histogram(), 0);
    for task in tasks {
        let (latencies, failures) = task.await.unwrap();
        all.add(latencies).unwrap();
        failed += failures;
    }
    (all, failed)
}

/// User and system time of this process (Linux).
fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    // Fields 14 and 15 in clock ticks of 10 ms; the name in parentheses may have spaces.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
