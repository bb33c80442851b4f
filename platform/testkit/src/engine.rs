//! Which engine the store of a test is on: `EMPORIA_TEST_STORE` says it for all.

use emporia::platform::Engine;
use emporia_store_postgres::PostgresOptions;
use emporia_store_sqlite::{Durability, Layout};
use emporia_testpg::Database;
use std::sync::atomic::{AtomicU32, Ordering};

/// `postgres`: a database of its own on the shared test server. A URL: a schema of its own in that database, for
/// measurements on a server that syncs; it is left there. Else SQLite as told.
pub(crate) fn choose(layout: Layout, durability: Durability) -> (Engine, Option<Database>) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let wanted = std::env::var("EMPORIA_TEST_STORE");
    match wanted.as_deref() {
        // A test of the layouts is about SQLite's files whatever the others are on.
        _ if layout == Layout::PerService => (Engine::Sqlite { layout, durability }, None),
        Err(_) | Ok("" | "sqlite") => (Engine::Sqlite { layout, durability }, None),
        Ok("postgres") => {
            let database = emporia_testpg::database();
            let database = database.expect("EMPORIA_TEST_STORE=postgres needs PostgreSQL");
            (Engine::Postgres(PostgresOptions::new(database.url()).unwrap()), Some(database))
        }
        Ok(url) => {
            let schema = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            (Engine::Postgres(PostgresOptions::new(url).and_then(|o| o.schema(&schema)).unwrap()), None)
        }
    }
}
