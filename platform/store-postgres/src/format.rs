//! The form of the tables: how those of an older release are brought forward while processes of it still run.

use crate::{PostgresOptions, connect::Connector, fault::fault};
use emporia_store::StoreError;
use tokio_postgres::{Client, GenericClient};

/// One step of form.
struct Step {
    sql: &'static str,
    /// The oldest form whose programs can still work with these tables. A step that only adds leaves it; one that takes
    /// away raises it, and is released when no program of an older form is in use any more.
    usable_from: i32,
}

/// Step n makes tables of form n from those of form n - 1. Steps that were released never change.
const STEPS: &[Step] = &[Step { sql: include_str!("format/1.sql"), usable_from: 1 }];

/// What this program knows.
const KNOWN: i32 = STEPS.len() as i32; // A handful.

/// Takes the lock that every writer takes, until the transaction ends.
pub(crate) const LOCK: &str = "SELECT pg_advisory_xact_lock(1164799087, hashtext(current_schema()))";

/// Checks the server and brings the tables to the present form.
///
/// # Errors
/// [`StoreError::Unusable`], [`StoreError::ReadOnly`], [`StoreError::NewerSchema`]; what the server reports.
pub(crate) async fn bring_forward(
    connector: &Connector,
    options: &PostgresOptions,
) -> Result<(), StoreError> {
    let broken = |error: tokio_postgres::Error| fault(&error, &connector.place);
    let mut wrapper = connector.client().await.map_err(broken)?;
    let client: &mut Client = &mut wrapper;
    check_server(client, &connector.place).await?;
    if stored(client, &options.schema, &connector.place).await?.is_some_and(|form| form >= KNOWN) {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(broken)?;
    // Processes that start at once queue up here. The schema may not be there yet, so its name is given.
    let lock = "SELECT pg_advisory_xact_lock(1164799087, hashtext($1::text))";
    transaction.query(lock, &[&options.schema]).await.map_err(broken)?;
    let present = match stored(&transaction, &options.schema, &connector.place).await? {
        Some(form) => form,
        None => {
            let schema = &options.schema;
            let make = format!("CREATE SCHEMA IF NOT EXISTS {schema}; SET LOCAL search_path = {schema};");
            let table = "CREATE TABLE format (number integer NOT NULL, usable_from integer NOT NULL);
                         INSERT INTO format VALUES (0, 0);";
            // Asked first: making a schema needs a right that its user may do without.
            let there = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
            let there = transaction.query(there, &[schema]).await.map_err(broken)?;
            let make = if there.is_empty() { make } else { String::new() };
            transaction.batch_execute(&format!("{make}{table}")).await.map_err(broken)?;
            0
        }
    };
    for step in STEPS.iter().skip(usize::try_from(present).unwrap_or_default()) {
        transaction.batch_execute(step.sql).await.map_err(broken)?;
        let remember = "UPDATE format SET number = number + 1, usable_from = $1";
        transaction.execute(remember, &[&step.usable_from]).await.map_err(broken)?;
    }
    transaction.commit().await.map_err(broken)
}

/// The form of the tables; none if there are none.
async fn stored(client: &impl GenericClient, schema: &str, place: &str) -> Result<Option<i32>, StoreError> {
    let broken = |error: tokio_postgres::Error| fault(&error, place);
    // Not `to_regclass`: it may answer from what the session remembers of before the lock was taken.
    let there = "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                WHERE n.nspname = $1 AND c.relname = 'format')";
    let there = client.query_one(there, &[&schema]).await;
    if !there.and_then(|row| row.try_get::<_, bool>(0)).map_err(broken)? {
        return Ok(None);
    }
    let row = client.query_one("SELECT number, usable_from FROM format", &[]).await.map_err(broken)?;
    let (number, usable_from): (i32, i32) =
        (row.try_get(0).map_err(broken)?, row.try_get(1).map_err(broken)?);
    if usable_from > KNOWN {
        let number_of = |form: i32| u32::try_from(form).unwrap_or_default();
        let what = format!("the schema {schema} of {place}");
        return Err(StoreError::NewerSchema { what, stored: number_of(number), known: number_of(KNOWN) });
    }
    Ok(Some(number))
}

/// What a server must be: PostgreSQL itself, since 13 (`pg_xact_status` of 64-bit numbers), in UTF-8, writable.
async fn check_server(client: &Client, place: &str) -> Result<(), StoreError> {
    let broken = |error: tokio_postgres::Error| fault(&error, place);
    let unusable = |reason: String| Err(StoreError::Unusable { what: place.to_owned(), reason });
    let version: String =
        client.query_one("SELECT version()", &[]).await.and_then(|row| row.try_get(0)).map_err(broken)?;
    if !version.starts_with("PostgreSQL ") || version.contains("-YB-") {
        let short: String = version.chars().take(60).collect();
        return unusable(format!("{short} is not PostgreSQL: its locks and snapshots differ"));
    }
    let facts = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
                        pg_is_in_recovery(), current_setting('fsync')";
    let row = client.query_one(facts, &[]).await.map_err(broken)?;
    let (number, encoding): (i32, String) =
        (row.try_get(0).map_err(broken)?, row.try_get(1).map_err(broken)?);
    if number < 130_000 {
        return unusable("PostgreSQL 13 or later is needed".to_owned());
    }
    if encoding != "UTF8" {
        return unusable(format!("the database's encoding is {encoding}: make one with UTF8"));
    }
    if row.try_get(2).map_err(broken)? {
        return Err(StoreError::ReadOnly { detail: format!("{place} is a standby: name the primary") });
    }
    if row.try_get::<_, String>(3).map_err(broken)? == "off" {
        tracing::warn!(place, "the server does not sync (fsync=off): acknowledged transactions can be lost");
    }
    Ok(())
}
