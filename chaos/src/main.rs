#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what cannot be tried should stop where it is"
)]

mod people;
mod post;
mod proxy;
mod rest;
mod trouble;
mod world;

use clap::{Parser, ValueEnum};
use emporia_testkit::Dice;
use futures_util::future::{join_all, join3};
use people::{Seen, Street};
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use world::{World, comes};

/// Breaks everything around a running shop, then audits it.
#[derive(Debug, Parser)]
struct Args {
    /// How long it is broken, for each engine.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Which engine; both in turn when absent.
    #[arg(long)]
    engine: Option<Engine>,
    /// Another seed is another series of troubles.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Shoppers at once.
    #[arg(long, default_value_t = 8)]
    shoppers: u64,
    /// The executable [default: the one beside this program].
    #[arg(long)]
    emporia: Option<PathBuf>,
    /// Where the logs go when something differs.
    #[arg(long, default_value = "chaos-logs")]
    logs: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    Sqlite,
    Postgres,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let engines = args.engine.map_or_else(|| vec![Engine::Sqlite, Engine::Postgres], |one| vec![one]);
    let mut fine = true;
    for engine in engines {
        fine &= broken(&args, engine).await;
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One engine; whether all is well in the end.
async fn broken(args: &Args, engine: Engine) -> bool {
    let beside = || std::env::current_exe().unwrap().with_file_name("emporia");
    let emporia = args.emporia.clone().unwrap_or_else(beside);
    assert!(emporia.exists(), "{} is not there: build it, or name it by --emporia", emporia.display());
    let Some(world) = World::new(engine, emporia, args.seed).await else { return true };
    let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|required| required == "all");
    for (possible, what) in [
        (world.own_disk, "the disk is not filled: mounting a file system needs root"),
        (
            world.clock_jumps(),
            "the clock does not jump: libfaketime is not installed (Debian: apt-get install faketime)",
        ),
    ] {
        assert!(possible || !required, "{what}");
        if !possible {
            println!("skipped: {what}");
        }
    }
    world.start_provider();
    world.start_shop();
    assert!(comes(Duration::from_secs(60), async || trouble::ready(&world).await).await, "{}", world.log());

    let (seen, stop) = (Seen::default(), AtomicBool::new(false));
    let street = Street {
        graphql: format!("{}/graphql", world.http),
        tokens: format!("{}/v1/tokens", world.provider_address()),
        http: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
        seen: &seen,
        stop: &stop,
    };
    let end = Instant::now() + Duration::from_secs_f64(args.minutes * 60.0);
    let shoppers = join_all((0..args.shoppers).map(|n| street.shop(Dice(args.seed * 1_000 + n))));
    let others = join3(street.browse(), street.work(Dice(args.seed)), async {
        let made = trouble::make(&world, Dice(args.seed), end).await;
        stop.store(true, Ordering::Relaxed);
        made
    });
    let (_, (_, _, made)) = tokio::join!(shoppers, others);
    println!("\n{engine:?}, {} minutes, seed {}", args.minutes, args.seed);
    for (trouble, times) in &made {
        println!("  {:<16} {times:>6}", format!("{trouble:?}"));
    }
    let did = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let post = &world.did;
    println!(
        "  webhooks: {} lost, {} doubled, {} late, {} brought",
        did(&post.lost),
        did(&post.doubled),
        did(&post.late),
        did(&post.brought)
    );
    let (asked, shown) = *seen.browsed.lock();
    println!("  pages: {shown} of {asked} shown; refusals: {:?}", seen.refusals.lock());
    println!("  orders confirmed: {}\n", seen.orders.lock().len());

    let fine = rest::audited(&world, &seen).await;
    if !fine {
        world.keep(&args.logs);
        eprintln!("The logs are in {}.", args.logs.display());
    }
    fine
}
