//! Does everything add up, and who changed what?

use super::{Failure, Settings, demo, local, say};
use crate::{
    audit,
    platform::{Engine, PERSONS, Parts, chain_key, spaces},
};
use clap::{Args, Subcommand};
use emporia_audit::{AuditLog, ChainKey, Filter, Recorded};
use emporia_audit_log::{Reader, opened};
use emporia_store::{Store, StoreError};
use emporia_store_sqlite::{SqliteOptions, holds_data};
use emporia_vault::Vault;
use jiff::Timestamp;
use std::path::Path;
use tempfile::TempDir;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Compare the books of all rooms with each other. Exit code 1 when something differs.
    ///
    /// A shop that is open is copied first, so that all books are read as of one moment.
    Run(AuditArgs),
    /// Walk the chain of the audit log and every entry of it. Exit code 1 when it was tampered with.
    ///
    /// A shop that is open is copied first. Note the head that is printed at a place that nobody who can write the
    /// store can write: with it a later walk tells whether the end of the chain was cut off.
    Verify(VerifyArgs),
    /// Show who changed what, the newest first.
    Log(LogArgs),
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

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    settings: Settings,
    /// Begin with this link; then entries that are in no link are not looked for.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from: u64,
    /// A head that was noted earlier: it has to be in the chain still.
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    settings: Settings,
    /// Only changes of this document, such as `product/prd_…`.
    #[arg(long)]
    subject: Option<String>,
    /// Only changes by them, such as `operator/opr_…` or `system/command-line`.
    #[arg(long)]
    who: Option<String>,
    /// Only changes from then on, such as `2026-11-24T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Run(args) => {
            let shop = Shop::open(&args.settings).await?;
            let provider = args.provider.then_some(shop.parts.provider.as_ref());
            let report = audit::run(&shop.store, provider).await;
            shop.store.close().await;
            let report = report?;
            told(&report, args.json)?;
            match report.differences() {
                0 => Ok(()),
                differences => Err(Failure::new(format!("{differences} differences"))),
            }
        }
        AuditCommand::Verify(args) => {
            let shop = Shop::open(&args.settings).await?;
            let key = ChainKey::open(&chain_key(&shop.parts.data_dir))?;
            let head = args.head.as_deref().map(|head| head.trim().to_ascii_lowercase());
            let verified = emporia_audit::verify(&shop.store, &key, args.from, head.as_deref()).await;
            shop.store.close().await;
            let verified = verified?;
            told(&verified, args.json)?;
            match verified.breaks {
                0 => Ok(()),
                breaks => Err(Failure::new(format!("the audit log was tampered with: {breaks} breaks"))),
            }
        }
        AuditCommand::Log(args) => {
            let shop = Shop::open(&args.settings).await?;
            let shown = show(&shop, args).await;
            shop.store.close().await;
            shown
        }
    }
}

/// A report, for people or for programs.
fn told(report: &(impl serde::Serialize + std::fmt::Display), json: bool) -> Result<(), Failure> {
    match json {
        true => say(&serde_json::to_string_pretty(report)?),
        false => say(&report.to_string()),
    }
    Ok(())
}

async fn show(shop: &Shop, args: LogArgs) -> Result<(), Failure> {
    let keys = shop.parts.data_dir.join("keys").join(PERSONS);
    let vault = Vault::open(&keys, &shop.parts.master_key)?;
    let filter = Filter { subject: args.subject, who: args.who, since: args.since };
    let (page, _) = AuditLog::new(shop.store.clone())?.page(&filter, usize::from(args.limit), None).await?;
    for (_, Recorded { link, entry }) in page {
        let Some(entry) = entry else {
            say(&format!(
                "{:>8}  {}  {}: the entry is missing, run `emporia audit verify`",
                link.number, link.at, link.who
            ));
            continue;
        };
        let entry = opened(serde_json::to_value(entry)?, Reader::Opening(&vault))?;
        if args.json {
            say(&serde_json::json!({ "number": link.number, "hash": link.hash, "entry": entry }).to_string());
            continue;
        }
        say(&format!("{:>8}  {}  {}  {} in {}", link.number, link.at, link.who, link.operation, link.space));
        for change in entry["changes"].as_array().into_iter().flatten() {
            let subject = change["subject"].as_str().unwrap_or_default();
            say(&format!("{:10}{subject}: {} → {}", "", change["before"], change["after"]));
        }
    }
    Ok(())
}

/// A shop as of now, to be read.
struct Shop {
    parts: Parts,
    store: Store,
    _copy: Option<TempDir>,
}

impl Shop {
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let mut config = settings.load()?;
        if config.store.url.is_none() && !holds_data(&config.data_dir) {
            return Err(demo::no_data(&config.data_dir));
        }
        local::fill_in(&mut config)?;
        let parts = Parts::of(&config, local::clock())?;
        let (store, copy) = match parts.engine.clone() {
            Engine::Postgres(options) => (emporia_store_postgres::open(options, spaces()).await?, None),
            Engine::Sqlite { layout, .. } => {
                let at = |dir: &Path| SqliteOptions::new(dir).layout(layout);
                match emporia_store_sqlite::open(at(&config.data_dir), spaces()).await {
                    Ok(store) => (store, None),
                    Err(StoreError::Locked { .. }) => {
                        let copy = copy(&config.data_dir)?;
                        let store =
                            emporia_store_sqlite::open(at(&copy.path().join("copy")), spaces()).await?;
                        (store, Some(copy))
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(Self { parts, store, _copy: copy })
    }
}

/// A copy beside the data, as of now: the same disk has room for it or says that it has not.
fn copy(data_dir: &Path) -> Result<TempDir, Failure> {
    let copy = tempfile::Builder::new().prefix("audit-").tempdir_in(data_dir)?;
    emporia_store_sqlite::backup(data_dir, &copy.path().join("copy"), Timestamp::now())?;
    Ok(copy)
}
