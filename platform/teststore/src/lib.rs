#![doc = include_str!("../README.md")]

mod search;

use emporia_id::SharedClock;
use emporia_store::{Backend, SpaceSchema, Store};
use emporia_store_postgres::{PostgresBackend, PostgresOptions};
use emporia_store_sqlite::{Durability, SqliteBackend, SqliteOptions};
use emporia_testpg::Database;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;

/// Where the store of one test is, and its other files; gone with this value.
#[derive(Debug)]
pub struct Place {
    directory: TempDir,
    database: Option<Rented>,
}

/// A database, or a schema in one, that a test has to itself.
#[derive(Debug)]
pub struct Rented {
    /// How a store is opened there.
    pub options: PostgresOptions,
    /// Where it is: `postgres://…`, for other processes.
    pub url: String,
    /// The schema, where it is not the usual one.
    pub schema: Option<String>,
    /// What is dropped with this value.
    database: Option<Database>,
}

/// A database as `EMPORIA_TEST_STORE` asks for it; none when the run is on SQLite.
///
/// # Panics
/// When PostgreSQL is asked for and not installed, or the variable is no URL.
pub fn database() -> Option<Rented> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let wanted = std::env::var("EMPORIA_TEST_STORE").unwrap_or_default();
    match wanted.as_str() {
        "" | "sqlite" => None,
        "postgres" => {
            let database = emporia_testpg::database();
            let database = database.expect("EMPORIA_TEST_STORE=postgres needs PostgreSQL");
            let options = PostgresOptions::new(database.url()).expect("it has a URL");
            let url = database.url().to_owned();
            Some(Rented { options, url, schema: None, database: Some(database) })
        }
        url => {
            let schema = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let options = PostgresOptions::new(url).and_then(|options| options.schema(&schema));
            let options = options.expect("EMPORIA_TEST_STORE is a URL");
            Some(Rented { options, url: url.to_owned(), schema: Some(schema), database: None })
        }
    }
}

impl Place {
    /// An empty place on the run's engine.
    ///
    /// # Panics
    /// As [`database`]; if no temporary directory can be made.
    #[allow(clippy::new_without_default, reason = "it makes something outside of itself")]
    pub fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        Self { directory, database: database() }
    }

    /// The directory, for whatever else the test keeps in files.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The engine's backend, new or over what is there already.
    ///
    /// # Panics
    /// If it does not open.
    pub async fn backend(&self, clock: SharedClock) -> Arc<dyn Backend> {
        match &self.database {
            None => {
                let options = SqliteOptions::new(self.path()).durability(Durability::None).clock(clock);
                Arc::new(SqliteBackend::open(options).expect("opens"))
            }
            Some(rented) => {
                let options = rented.options.clone().clock(clock);
                Arc::new(PostgresBackend::open(options).await.expect("opens"))
            }
        }
    }

    /// A store, new or over what is there already.
    ///
    /// # Panics
    /// If it does not open.
    pub async fn open(&self, clock: SharedClock, schemas: Vec<SpaceSchema>) -> Store {
        let backend = self.backend(Arc::clone(&clock)).await;
        Store::open(backend, schemas, clock).await.expect("opens")
    }

    /// Whether the database, or any file below the directory, holds this text, in whichever case.
    ///
    /// # Panics
    /// If the directory or the database cannot be read.
    pub fn holds(&self, text: &str) -> bool {
        let dumped = self.database.iter().filter_map(|rented| rented.database.as_ref());
        let found = dumped.map(Database::dump).any(|dump| search::in_dump(&dump, text));
        found || search::below(self.path(), text)
    }
}
