//! A database and what the tests do to it behind the store's back.
#![allow(dead_code, reason = "each test file uses its own part")]

use emporia_store::{LogRecord, Position, Store, StoreError, contract::sample};
use emporia_store_postgres::{PostgresOptions, open};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

/// A store with the space `bank` of the contract's documents.
pub async fn bank(url: &str) -> Result<Store, StoreError> {
    open(PostgresOptions::new(url)?, vec![sample::schema("bank")]).await
}

/// A connection that does not belong to the store; it finds the store's tables.
pub async fn by_hand(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client.batch_execute("SET search_path = emporia").await.expect("is allowed");
    client
}

/// Makes every commit that tells something of the subject `slow` take so long, after its positions were given.
pub async fn slow_down(client: &Client, length: Duration) {
    let seconds = length.as_secs_f64();
    let trigger = format!(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW WHEN (NEW.subject = 'slow') EXECUTE FUNCTION dawdle();"
    );
    client.batch_execute(&trigger).await.expect("is allowed");
}

/// The process of the server that is just committing something slow.
pub async fn slow_committer(client: &Client) -> i32 {
    let find =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(row) = client.query_opt(find, &[]).await.expect("asks") {
            return row.get(0);
        }
        assert!(Instant::now() < until, "nobody commits slowly");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn terminate(client: &Client, process: i32) {
    client.query("SELECT pg_terminate_backend($1)", &[&process]).await.expect("is allowed");
}

/// Ends all connections of stores to this database; answers how many.
pub async fn terminate_stores(client: &Client) -> usize {
    let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'emporia'";
    client.query(all, &[]).await.expect("is allowed").len()
}

/// The whole log, page by page.
pub async fn whole_log(store: &Store) -> Vec<LogRecord> {
    let (log, mut after, mut all) = (store.log_of("bank"), Position::ZERO, Vec::new());
    loop {
        let batch = store.read_log(&log, after, 100, None).await.expect("reads");
        if batch.records.is_empty() {
            return all;
        }
        after = batch.next;
        all.extend(batch.records);
    }
}
