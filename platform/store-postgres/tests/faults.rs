//! What goes wrong around the store, and what callers hear of it.

mod place;

use emporia_store::{
    StoreError,
    contract::sample::{Account, account, account_key, emit},
};
use emporia_store_postgres::PostgresOptions;
use emporia_testpg::Cluster;
use place::{bank, by_hand, slow_committer, slow_down, whole_log};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

#[test]
fn a_password_is_never_shown() {
    let options = PostgresOptions::new("postgres://me:s3cret@db.example.com/shop").expect("a URL");
    assert_eq!(options.place(), "postgres://db.example.com:5432/shop");
    let wrong = [
        "postgres://me:s3cret@x@db.example.com/shop",
        "postgres://me:s3cret@db.example.com:port/shop",
        "postgres://me:s3cret@db.example.com/shop?colour=red",
        "mysql://me:s3cret@db.example.com/shop",
    ];
    let shown = wrong.map(|url| {
        let error = PostgresOptions::new(url).expect_err(url);
        assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
        format!("{error} {error:?}")
    });
    for text in shown.iter().chain([&format!("{options:?}")]) {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let away =
        bank("postgres://me:s3cret@127.0.0.1:1/shop").await.map(drop).expect_err("nobody listens there");
    assert!(matches!(away, StoreError::Unavailable { .. }) && away.is_retryable(), "{away:?}");
    assert!(!away.to_string().contains("s3cret"), "{away}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unusable() {
    let Some(database) = emporia_testpg::database() else { return };
    let refused = bank(&format!("{}_not", database.url())).await.map(drop).expect_err("it is not there");
    assert!(matches!(refused, StoreError::Unusable { .. }) && !refused.is_retryable(), "{refused:?}");
}

#[tokio::test]
async fn tables_of_a_newer_release_are_refused_unless_they_only_add() {
    let Some(database) = emporia_testpg::database() else { return };
    bank(database.url()).await.expect("opens").close().await;
    let hand = by_hand(database.url()).await;
    hand.batch_execute("UPDATE format SET number = 9").await.expect("is allowed");
    bank(database.url()).await.expect("a step that only added lets older programs in").close().await;
    hand.batch_execute("UPDATE format SET usable_from = 8").await.expect("is allowed");
    let refused = bank(database.url()).await.map(drop);
    assert!(matches!(refused, Err(StoreError::NewerSchema { stored: 9, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_database_that_may_only_be_read_says_so_and_recovers() {
    let Some(database) = emporia_testpg::database() else { return };
    let store = bank(database.url()).await.expect("opens");
    let space = store.space("bank").expect("declared");
    let write = || space.transact(|tx| async move { tx.overwrite(&account("a", "x", 1)) });
    write().await.expect("commits");
    let hand = by_hand(database.url()).await;
    let name = database.url().rsplit('/').next().expect("a name");
    let switch = |on: &str| format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}");
    hand.batch_execute(&switch("on")).await.expect("is allowed");
    // The setting holds for new connections.
    place::terminate_stores(&hand).await;
    let refused = write().await;
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    assert!(space.get::<Account>(&account_key("a")).await.expect("reads").is_some());
    hand.batch_execute(&format!("SET default_transaction_read_only = off; {}", switch("off")))
        .await
        .expect("is");
    place::terminate_stores(&hand).await;
    write().await.expect("goes on by itself");
}

#[tokio::test]
async fn a_full_disk_says_so_and_the_store_goes_on() {
    let Some(database) = emporia_testpg::database() else { return };
    let store = bank(database.url()).await.expect("opens");
    let hand = by_hand(database.url()).await;
    // What the server says when a file cannot grow.
    let trigger = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER no_room BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION no_room();";
    hand.batch_execute(trigger).await.expect("is allowed");
    let space = store.space("bank").expect("declared");
    let write = || {
        space.transact(|tx| async move {
            tx.insert(&account("a", "x", 1))?;
            emit(&tx, "s", "a", 1)
        })
    };
    for _ in 0..2 {
        let full = write().await;
        assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    }
    hand.batch_execute("DROP TRIGGER no_room ON log").await.expect("is allowed");
    write().await.expect("goes on by itself, and nothing was applied before");
    assert_eq!(whole_log(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_unavailable_and_is_found_again() {
    let Some(mut cluster) = Cluster::start() else { return };
    let store = bank(&cluster.url()).await.expect("opens");
    let space = store.space("bank").expect("declared");
    let write = || space.transact(|tx| async move { tx.overwrite(&account("a", "x", 1)) });
    write().await.expect("commits");
    cluster.kill();
    for _ in 0..2 {
        let away = write().await;
        assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
        let away = space.get::<Account>(&account_key("a")).await;
        assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    }
    cluster.restart();
    write().await.expect("goes on by itself");
    assert!(space.get::<Account>(&account_key("a")).await.expect("reads").is_some());
}

/// Lets connections through until it is told to cut them on our side only: the server does not notice.
async fn proxy(to: String, cut: Arc<Notify>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (to, cut) = (to.clone(), Arc::clone(&cut));
            tokio::spawn(async move {
                let mut far = TcpStream::connect(&to).await.expect("connects");
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = cut.notified() => {
                        drop(near);
                        tokio::time::sleep(Duration::from_secs(5)).await;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_known_to_be_committed() {
    let Some(database) = emporia_testpg::database() else { return };
    let (address, name) =
        database.url().split_once('@').and_then(|(_, rest)| rest.split_once('/')).expect("a URL");
    let cut = Arc::new(Notify::new());
    let port = proxy(address.to_owned(), Arc::clone(&cut)).await;
    let store = bank(&format!("postgres://postgres@127.0.0.1:{port}/{name}")).await.expect("opens");
    let hand = by_hand(database.url()).await;
    slow_down(&hand, Duration::from_millis(500)).await;
    let space = store.space("bank").expect("declared");
    let telling = tokio::spawn(async move {
        let done = space.transact_versioned(|tx| async move {
            tx.insert(&account("a", "x", 1))?;
            emit(&tx, "s", "slow", 1)
        });
        done.await.map(|landed| landed.version)
    });
    slow_committer(&hand).await;
    cut.notify_waiters();
    let version = telling.await.expect("does not panic").expect("it was committed");
    let found = store.space("bank").expect("declared").get::<Account>(&account_key("a")).await;
    assert_eq!(found.expect("reads").map(|found| found.version), version);
    assert_eq!(whole_log(&store).await.len(), 1, "once");
}
