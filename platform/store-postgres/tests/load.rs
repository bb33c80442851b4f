//! A server that is killed, and connections that are, while transfers go on: nothing acknowledged is missing, nothing is
//! half there, nothing is there twice.

mod place;
#[path = "../../store-sqlite/tests/ledger/workload.rs"]
mod workload;

use emporia_store::{Store, StoreError};
use emporia_store_postgres::{PostgresOptions, open};
use emporia_testpg::Cluster;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;
use workload::{CLIENTS, check, count, found, ledger, schema, transfer};

/// Clients at work, with what they were told.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    clients: Vec<JoinHandle<u64>>,
}

async fn open_ledger(url: &str) -> Store {
    let store = open(PostgresOptions::new(url).expect("a URL"), vec![schema()]).await.expect("opens");
    found(&store).await;
    store
}

/// Each client makes its transfers one after the other; when the store is not available it tries the same one again.
fn start(store: &Store) -> Load {
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients = (0..CLIENTS).map(|client| {
        let (space, stop, acknowledged) = (ledger(store), Arc::clone(&stop), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                match transfer(&space, client, number).await {
                    Ok(()) => {
                        number += 1;
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                    // It had been committed, but neither we nor the store could know.
                    Err(StoreError::AlreadyExists { .. }) => number += 1,
                    Err(StoreError::Unavailable { .. }) => {
                        tokio::time::sleep(Duration::from_millis(20)).await
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            number
        })
    });
    Load { clients: clients.collect(), stop, acknowledged }
}

impl Load {
    async fn wait_for_more(&self, many: u64) {
        let until = self.acknowledged.load(Ordering::Relaxed) + many;
        let reached = async {
            while self.acknowledged.load(Ordering::Relaxed) < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached).await.expect("the clients go on");
    }

    /// Stops the clients and compares what they know with what is there.
    async fn settle(self, store: &Store) {
        self.stop.store(true, Ordering::Relaxed);
        let mut known = Vec::new();
        for client in self.clients {
            known.push(client.await.expect("the client does not panic"));
        }
        assert_eq!(check(store).await, known);
        assert_eq!(count(&ledger(store), 0).await, known[0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_loses_nothing_it_acknowledged() {
    let Some(mut cluster) = Cluster::start() else { return };
    let store = open_ledger(&cluster.url()).await;
    let load = start(&store);
    for _ in 0..4 {
        load.wait_for_more(150).await;
        cluster.kill();
        cluster.restart();
    }
    load.wait_for_more(50).await;
    load.settle(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_killed_under_load_cost_nothing() {
    let Some(database) = emporia_testpg::database() else { return };
    let store = open_ledger(database.url()).await;
    let hand = place::by_hand(database.url()).await;
    let load = start(&store);
    for _ in 0..25 {
        load.wait_for_more(20).await;
        assert!(place::terminate_stores(&hand).await > 0);
    }
    load.wait_for_more(50).await;
    load.settle(&store).await;
}
