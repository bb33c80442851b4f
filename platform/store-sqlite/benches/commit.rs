//! Durable transactions a second.
//!
//! `cargo bench -p emporia-store-sqlite --bench commit -- [seconds] [directory] [clients…]`
#![allow(clippy::print_stdout, reason = "a benchmark reports on the terminal")]

mod load;

use emporia_store_sqlite::{SqliteOptions, open};

fn main() {
    let (seconds, place, numbers) = load::arguments();
    let directory = tempfile::TempDir::new_in(place).expect("a directory on the disk to be measured");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = open(SqliteOptions::new(directory.path()), vec![load::schema()]).await.expect("opens");
        load::report(&store, seconds, &numbers).await;
        store.close().await;
        for entry in std::fs::read_dir(directory.path()).expect("reads").flatten() {
            println!("{:?}: {} MB", entry.file_name(), entry.metadata().map_or(0, |m| m.len()) / 1_000_000);
        }
    });
}
