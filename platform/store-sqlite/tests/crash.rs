//! `kill -9` at fifty random moments: nothing acknowledged is missing, nothing is half there.

mod ledger;

use emporia_store_sqlite::{Durability, Layout};
use ledger::{Writer, block_on, check, open_ledger, write_until_killed};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::path::PathBuf;
use tempfile::TempDir;

/// Not a test: the child process of the test below.
#[test]
#[ignore = "runs as a child process only"]
fn writer_process() {
    let Some(directory) = std::env::var_os("LEDGER_DIRECTORY") else { return };
    block_on(write_until_killed(&PathBuf::from(directory), Durability::Full));
}

#[test]
fn killed_processes_lose_nothing_they_acknowledged() {
    let directory = TempDir::new().expect("a temporary directory");
    let seed = rand::rng().random();
    let mut random = StdRng::seed_from_u64(seed);
    let mut committed = vec![0; ledger::CLIENTS as usize];
    for round in 0..50 {
        let mut writer = Writer::start(directory.path(), |_| {});
        // Every tenth is killed on the way up, the others after some acknowledgements.
        if round % 10 != 0 {
            let many = random.random_range(1..250);
            writer.wait_for(many);
        }
        writer.kill();
        let counts = block_on(async {
            let store = open_ledger(directory.path(), Layout::Shared, Durability::Full).await;
            let counts = check(&store).await;
            store.close().await;
            counts
        });
        for (client, count) in counts.iter().enumerate() {
            let least = writer.acknowledged[client].max(committed[client]);
            assert!(
                *count >= least,
                "round {round} of seed {seed}: client {client} has {count}, not {least}"
            );
            assert!(*count <= least + 1, "round {round}: a client has one transfer under way at most");
        }
        committed = counts;
    }
    assert!(committed.iter().sum::<u64>() > 1_000, "the rounds did some work: {committed:?}");
}
