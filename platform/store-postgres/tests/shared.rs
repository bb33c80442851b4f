//! Several processes on one database. In the tests they are stores of one process: they share nothing but the database.

mod place;

use emporia_store::{
    Document, IndexEntry, IndexKey, Key, Query, SpaceSchema, Store, StoreError, TallyChange, TallyKey,
    contract::sample::{Account, account, account_key},
};
use emporia_store_postgres::{PostgresOptions, open};
use place::{bank, by_hand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

async fn two_banks(url: &str) -> [Store; 2] {
    [bank(url).await.expect("opens"), bank(url).await.expect("opens")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_takers_of_two_stores_never_take_too_much() {
    let Some(database) = emporia_testpg::database() else { return };
    let stores = two_banks(database.url()).await;
    let hall = || TallyKey::of("seats", "hall");
    let fill = |tx: emporia_store::Tx| async move { tx.add(hall(), TallyChange::new().add("free", 100)) };
    stores[0].space("bank").expect("declared").transact(fill).await.expect("commits");
    let tasks = (0..64).map(|n| {
        let space = stores[n % 2].space("bank").expect("declared");
        tokio::spawn(async move {
            let mut taken = 0;
            for _ in 0..3 {
                let take = TallyChange::new().add("free", -1).floor("free", 0).add("taken", 1);
                let take = &take;
                match space.transact(|tx| async move { tx.add(hall(), take.clone()) }).await {
                    Ok(()) => taken += 1,
                    Err(StoreError::BelowFloor { value, .. }) => assert_eq!(value, 0),
                    Err(other) => panic!("{other}"),
                }
            }
            taken
        })
    });
    let mut taken = 0;
    for task in tasks.collect::<Vec<_>>() {
        taken += task.await.expect("does not panic");
    }
    assert_eq!(taken, 100);
    for store in &stores {
        let tally = store.space("bank").expect("declared").tallies(&[hall()]).await.expect("reads").remove(0);
        assert_eq!((tally.get("free"), tally.get("taken")), (0, 100));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_one_document_in_two_stores_all_count() {
    let Some(database) = emporia_testpg::database() else { return };
    let stores = two_banks(database.url()).await;
    let tasks = (0..32).map(|n| {
        let space = stores[n % 2].space("bank").expect("declared");
        tokio::spawn(async move {
            for _ in 0..4 {
                let paid = space.transact(|tx| async move {
                    let old = tx.get::<Account>(&account_key("a")).await?.map_or(0, |a| a.balance);
                    tx.put(&account("a", "x", old + 1))
                });
                paid.await.expect("commits");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("does not panic");
    }
    for store in &stores {
        let space = store.space("bank").expect("declared");
        let found = space.get::<Account>(&account_key("a")).await.expect("reads").expect("is there");
        assert_eq!(found.balance, 128);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_once_on_an_empty_database_all_open() {
    let Some(database) = emporia_testpg::database() else { return };
    let starts = (0..6).map(|_| {
        let url = database.url().to_owned();
        tokio::spawn(async move { bank(&url).await.map(drop) })
    });
    for start in starts.collect::<Vec<_>>() {
        assert_eq!(start.await.expect("does not panic"), Ok(()));
    }
}

/// A person as the first release wrote it, and as the second one does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Person {
    id: String,
    #[serde(default)]
    rank: i64,
}

impl Document for Person {
    const COLLECTION: &'static str = "people";

    fn key(&self) -> Key {
        Key::of("people", self.id.as_str())
    }

    fn index(&self) -> Vec<IndexEntry> {
        if self.rank == 0 { vec![] } else { vec![IndexEntry::new("by_rank", IndexKey::new().int(self.rank))] }
    }
}

async fn first_release(url: &str) -> Store {
    let schema = SpaceSchema::new("registry").collection::<Person>();
    open(PostgresOptions::new(url).expect("a URL"), vec![schema]).await.expect("opens")
}

async fn second_release(url: &str) -> Result<Store, StoreError> {
    fn rank(_: &str, mut person: Value) -> Result<Value, String> {
        person["rank"] = json!(7);
        Ok(person)
    }
    let schema =
        SpaceSchema::new("registry").schema(2).migrate(2, rank).collection::<Person>().index("by_rank");
    open(PostgresOptions::new(url)?, vec![schema]).await
}

async fn put(store: &Store, id: &str) -> Result<(), StoreError> {
    let person = &Person { id: id.to_owned(), rank: 0 };
    store.space("registry")?.transact(|tx| async move { tx.overwrite(person) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_of_a_new_release_that_start_at_once_rewrite_everything_and_shut_out_the_old_writers() {
    let Some(database) = emporia_testpg::database() else { return };
    let old = first_release(database.url()).await;
    for n in 0..250 {
        put(&old, &format!("p{n}")).await.expect("commits");
    }
    let writing = {
        let old = old.clone();
        tokio::spawn(async move {
            for n in 250.. {
                if let Err(error) = put(&old, &format!("p{n}")).await {
                    return (n, error);
                }
            }
            unreachable!("it is shut out")
        })
    };
    let starts = (0..3).map(|_| {
        let url = database.url().to_owned();
        tokio::spawn(async move { second_release(&url).await })
    });
    let mut stores = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        stores.push(start.await.expect("does not panic").expect("opens"));
    }
    let (written, refused) = writing.await.expect("does not panic");
    assert_eq!(refused, StoreError::NewerSchema { what: "space registry".to_owned(), stored: 2, known: 1 });
    for store in &stores {
        let space = store.space("registry").expect("declared");
        let count = space.count::<Person>(Query::index("by_rank").prefix(IndexKey::new().int(7))).await;
        assert_eq!(
            count,
            Ok(written),
            "all that was acknowledged to the old release is there in the new form"
        );
        put(store, "new").await.expect("the new release writes");
    }
    // The old process still reads.
    let space = old.space("registry").expect("declared");
    assert!(space.get::<Person>(&Key::of("people", "p0")).await.expect("reads").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_adds_shuts_nobody_out() {
    let Some(database) = emporia_testpg::database() else { return };
    let old = first_release(database.url()).await;
    let schema = SpaceSchema::new("registry").collection::<Person>().tally("seats", &["free"]);
    let options = PostgresOptions::new(database.url()).expect("a URL");
    let new = open(options, vec![schema]).await.expect("opens");
    put(&old, "a").await.expect("the old release goes on");
    put(&new, "b").await.expect("the new one too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_in_two_schemas_of_one_database_know_nothing_of_each_other() {
    let Some(database) = emporia_testpg::database() else { return };
    let one = first_release(database.url()).await;
    let options = PostgresOptions::new(database.url()).expect("a URL").schema("other").expect("a name");
    let other =
        open(options, vec![SpaceSchema::new("registry").collection::<Person>()]).await.expect("opens");
    put(&one, "a").await.expect("commits");
    let found = other.space("registry").expect("declared").get::<Person>(&Key::of("people", "a")).await;
    assert_eq!(found, Ok(None));
    let hand = by_hand(database.url()).await;
    let shown = "SELECT body ->> 'id' FROM document WHERE space = 'registry'";
    assert_eq!(hand.query_one(shown, &[]).await.expect("people can read it").get::<_, String>(0), "a");
}
