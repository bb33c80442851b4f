//! Durable transactions a second, over a private server that syncs.
//!
//! `cargo bench -p emporia-store-postgres --bench commit -- [seconds] [directory] [clients…]`
#![allow(clippy::print_stdout, reason = "a benchmark reports on the terminal")]

#[path = "../../store-sqlite/benches/load/mod.rs"]
mod load;

use emporia_store_postgres::{PostgresOptions, open};
use emporia_testpg::Cluster;

fn main() {
    let (seconds, place, numbers) = load::arguments();
    let Some(cluster) = Cluster::start_in(&place) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = PostgresOptions::new(&cluster.url()).expect("a URL");
        let store = open(options, vec![load::schema()]).await.expect("opens");
        load::report(&store, seconds, &numbers).await;
        store.close().await;
    });
}
