//! Does everything add up?

use super::{Failure, Settings, demo, local, say};
use crate::{
    audit,
    platform::{Engine, Parts, spaces},
};
use clap::{Args, Subcommand};
use emporia_contracts::payments::PaymentProvider;
use emporia_store::{Store, StoreError};
use emporia_store_sqlite::{SqliteOptions, holds_data};
use jiff::Timestamp;
use std::path::Path;
use tempfile::TempDir;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Compare the books of all rooms with each other. Exit code 1 when something differs.
    ///
    /// A shop that is open is copied first, so that all books are read as of one moment.
    Run(AuditArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    settings: Settings,
    /// Ask the payment provider for each payment too.
    #[arg(long)]
    provider: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: AuditCommand) -> Result<(), Failure> {
    let AuditCommand::Run(args) = command;
    let mut config = args.settings.load()?;
    if config.store.url.is_none() && !holds_data(&config.data_dir) {
        return Err(demo::no_data(&config.data_dir));
    }
    local::fill_in(&mut config)?;
    let parts = Parts::of(&config, local::clock())?;
    let provider = args.provider.then_some(parts.provider.as_ref());
    let (store, _copy) = match parts.engine {
        Engine::Postgres(options) => (emporia_store_postgres::open(options, spaces()).await?, None),
        Engine::Sqlite { layout, .. } => {
            let at = |dir: &Path| SqliteOptions::new(dir).layout(layout);
            match emporia_store_sqlite::open(at(&config.data_dir), spaces()).await {
                Ok(store) => (store, None),
                Err(StoreError::Locked { .. }) => {
                    let copy = copy(&config.data_dir)?;
                    let store = emporia_store_sqlite::open(at(&copy.path().join("copy")), spaces()).await?;
                    (store, Some(copy))
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    audited(&store, provider, args.json).await
}

/// A copy beside the data, as of now: the same disk has room for it or says that it has not.
fn copy(data_dir: &Path) -> Result<TempDir, Failure> {
    let copy = tempfile::Builder::new().prefix("audit-").tempdir_in(data_dir)?;
    emporia_store_sqlite::backup(data_dir, &copy.path().join("copy"), Timestamp::now())?;
    Ok(copy)
}

async fn audited(store: &Store, provider: Option<&dyn PaymentProvider>, json: bool) -> Result<(), Failure> {
    let report = audit::run(store, provider).await;
    store.close().await;
    let report = report?;
    if json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        say(&report.to_string());
    }
    match report.differences() {
        0 => Ok(()),
        differences => Err(Failure::new(format!("{differences} differences"))),
    }
}
