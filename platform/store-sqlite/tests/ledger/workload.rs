//! A workload whose traces must agree with each other: documents, tallies and events of one transaction are all
//! there or none is.

use emporia_store::{
    Document, IndexEntry, IndexKey, Key, NewEvent, Position, Query, Space, SpaceSchema, Store, StoreError,
    TallyChange, TallyKey,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub const CLIENTS: u64 = 8;
const ACCOUNTS: u64 = 10;
const EACH: i64 = 100;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Account {
    id: u64,
    balance: i64,
}

impl Document for Account {
    const COLLECTION: &'static str = "accounts";

    fn key(&self) -> Key {
        account_key(self.id)
    }
}

fn account_key(id: u64) -> Key {
    Key::of("accounts", id.to_string())
}

/// A client's n-th transfer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Receipt {
    client: u64,
    number: u64,
    text: String,
}

impl Document for Receipt {
    const COLLECTION: &'static str = "receipts";

    fn key(&self) -> Key {
        Key::of("receipts", self.client.to_string()).child(format!("{:08}", self.number))
    }

    fn index(&self) -> Vec<IndexEntry> {
        let key = IndexKey::new().int(self.client as i64).int(self.number as i64);
        vec![IndexEntry::new("by_client", key.clone()), IndexEntry::new("by_number", key)]
    }
}

fn moves(client: u64) -> TallyKey {
    TallyKey::of("moves", client.to_string())
}

fn subject(client: u64) -> String {
    format!("client/{client}")
}

pub fn schema() -> SpaceSchema {
    let schema = SpaceSchema::new("ledger").collection::<Account>().collection::<Receipt>();
    schema.index("by_client").unique("by_number").tally("moves", &["count"])
}

/// Makes the accounts that are not there yet.
pub async fn found(store: &Store) {
    let space = ledger(store);
    let founded = space.transact(|tx| async move {
        for id in 0..ACCOUNTS {
            if tx.get::<Account>(&account_key(id)).await?.is_none() {
                tx.put(&Account { id, balance: EACH })?;
            }
        }
        Ok::<_, StoreError>(())
    });
    founded.await.expect("commits");
}

pub fn ledger(store: &Store) -> Space {
    store.space("ledger").expect("declared")
}

/// Moves something between two accounts, writes a receipt, counts, tells an event.
pub async fn transfer(space: &Space, client: u64, number: u64) -> Result<(), StoreError> {
    loop {
        match try_transfer(space, client, number).await {
            // Few accounts for many clients: on a slow disk one may lose every attempt.
            Err(StoreError::Contention { .. }) => {}
            ended => return ended,
        }
    }
}

async fn try_transfer(space: &Space, client: u64, number: u64) -> Result<(), StoreError> {
    space
        .transact(|tx| async move {
            let mixed = (client * 7_919 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let (from, to) = (mixed % ACCOUNTS, (mixed / ACCOUNTS) % ACCOUNTS);
            if from != to {
                for (id, amount) in [(from, -3), (to, 3)] {
                    if let Some(mut account) = tx.get::<Account>(&account_key(id)).await? {
                        account.value.balance += amount;
                        tx.put(&account.value)?;
                    }
                }
            }
            let text = "r".repeat((mixed % 3_000) as usize);
            tx.insert(&Receipt { client, number, text })?;
            tx.add(moves(client), TallyChange::new().add("count", 1))?;
            let body = serde_json::json!({ "number": number });
            let id = Uuid::from_u64_pair(client, number);
            tx.emit(NewEvent::new(id, "emporia.ledger", "Moved", subject(client), Timestamp::now(), &body)?)
        })
        .await
}

/// How many transfers of a client were committed.
pub async fn count(space: &Space, client: u64) -> u64 {
    let tally = space.tallies(&[moves(client)]).await.expect("reads").remove(0);
    u64::try_from(tally.get("count")).expect("counts up only")
}

/// Checks that all traces agree; answers the committed transfers of each client.
pub async fn check(store: &Store) -> Vec<u64> {
    let space = ledger(store);
    let accounts: Vec<Key> = (0..ACCOUNTS).map(account_key).collect();
    let accounts = space.get_many::<Account>(&accounts).await.expect("reads");
    let total: i64 = accounts.iter().flatten().map(|account| account.balance).sum();
    assert_eq!(total, ACCOUNTS as i64 * EACH, "nothing is lost or made between accounts");

    let mut events = vec![Vec::new(); CLIENTS as usize];
    let (log, mut after) = (space.log(), Position::ZERO);
    loop {
        let batch = store.read_log(&log, after, 1_000, None).await.expect("reads");
        if batch.records.is_empty() {
            break;
        }
        after = batch.next;
        for record in batch.records {
            let (client, number) = record.id.as_u64_pair();
            assert_eq!(record.sequence, number + 1);
            events[client as usize].push(number);
        }
    }
    let mut counts = Vec::new();
    for client in 0..CLIENTS {
        let expected: Vec<u64> = (0..count(&space, client).await).collect();
        let mut receipts = Vec::new();
        for index in ["by_client", "by_number"] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let query = Query::index(index).prefix(IndexKey::new().int(client as i64)).after(after);
                let page = space.query::<Receipt>(query).await.expect("reads");
                after = page.items.last().map(|(cursor, _)| cursor.clone());
                found.extend(page.items.iter().map(|(_, receipt)| receipt.number));
                if !page.has_more {
                    break;
                }
            }
            receipts.push(found);
        }
        assert_eq!(receipts[0], expected, "receipts and tally of client {client}");
        assert_eq!(receipts[1], expected, "the unique index of client {client}");
        assert_eq!(events[client as usize], expected, "events and tally of client {client}");
        counts.push(expected.len() as u64);
    }
    counts
}
