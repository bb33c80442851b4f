//! Which engine the store of a test is on: `EMPORIA_TEST_STORE` says it for all, see `emporia-teststore`.

use emporia::platform::Engine;
use emporia_store_sqlite::{Durability, Layout};
use emporia_teststore::Rented;

/// The engine, and the database that must outlive it.
pub(crate) fn choose(layout: Layout, durability: Durability) -> (Engine, Option<Rented>) {
    // A test of the layouts is about SQLite's files whatever the others are on.
    let rented = if layout == Layout::PerService { None } else { emporia_teststore::database() };
    let engine = match &rented {
        Some(database) => Engine::Postgres(database.options.clone()),
        None => Engine::Sqlite { layout, durability },
    };
    (engine, rented)
}
