//! How long a shop takes to start after a crash.

use crate::{
    Args, closed_loop, fill,
    scenario::{Scenario, Shop},
    seed,
};
use emporia::platform::Engine;
use emporia_store_sqlite::{Durability, Layout};
use emporia_testkit::{Emporia, Setup};
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const READY: &str = "ready to be killed";

async fn open(directory: &Path) -> Emporia {
    let engine = Engine::Sqlite { layout: Layout::Shared, durability: Durability::Full };
    Emporia::with(Setup { directory: Some(directory.to_owned()), engine: Some(engine), ..Setup::default() })
        .await
}

/// Fills a shop, and goes on recording orders until it is killed.
pub(crate) async fn victim(args: &Args, directory: &Path) {
    let emporia = open(directory).await;
    emporia_testkit::seed(&emporia.platform).await;
    let articles = seed::seed(&emporia.platform, args.products).await;
    let shop = Arc::new(Shop::new(&emporia, articles));
    fill(&shop, args.orders).await;
    println!("{READY}");
    closed_loop(args.clients, &shop, Scenario::Fact, Instant::now() + Duration::from_secs(60)).await;
}

/// Kills a shop in another process, opens it here and asks it for its first page.
pub(crate) async fn restart(args: &Args) {
    // Below the current directory: a system's temporary files may be in memory.
    let directory = tempfile::tempdir_in(".").unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.arg("--victim").arg(directory.path());
    victim.args(["--orders", &args.orders.to_string(), "--products", &args.products.to_string()]);
    let mut victim = victim.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    while lines.next().expect("the shop got ready").unwrap() != READY {}
    tokio::time::sleep(Duration::from_secs(2)).await;
    victim.kill().unwrap();
    victim.wait().unwrap();

    let started = Instant::now();
    let emporia = open(directory.path()).await;
    let opened = started.elapsed();
    let page = emporia.data("{ products(first: 24) { edges { node { title } } } }", json!({}), &[]).await;
    let answered = started.elapsed();
    assert_eq!(page["products"]["edges"].as_array().unwrap().len(), 24);
    emporia.caught_up().await;
    println!(
        "{} orders and more: open after {:.2} s, first page after {:.2} s, every consumer at the log's end after {:.2} s",
        args.orders,
        opened.as_secs_f64(),
        answered.as_secs_f64(),
        started.elapsed().as_secs_f64(),
    );
}
