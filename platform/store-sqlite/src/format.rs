//! The form of the file itself: tables, and how a file of an older release is brought forward.

use crate::fault::fault;
use emporia_store::StoreError;
use rusqlite::Connection;
use std::path::Path;

/// "Empo": marks the file as one of ours for `file` and other tools.
const APPLICATION: i32 = 0x456d_706f;

/// Step n makes a file of form n from one of form n - 1. Steps that were released never change.
const STEPS: &[&str] = &[include_str!("format/1.sql")];

/// Brings the file to the present form.
///
/// # Errors
/// [`StoreError::NewerSchema`] for a file of a newer release; [`StoreError::Corrupt`] for another program's file.
pub(crate) fn bring_forward(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let broken = |error| fault(error, file);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, form) =
        (number("application_id").map_err(broken)?, number("user_version").map_err(broken)?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(broken)?;
    if tables > 0 && application != APPLICATION {
        let detail = format!("{} is a database of another program", file.display());
        return Err(StoreError::Corrupt { detail });
    }
    let stored = u32::try_from(form).unwrap_or(u32::MAX);
    let known = STEPS.len() as u32; // A handful.
    if stored > known {
        return Err(StoreError::NewerSchema { what: format!("the file {}", file.display()), stored, known });
    }
    if stored == known {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(broken)?;
    for step in STEPS.iter().skip(stored as usize) {
        transaction.execute_batch(step).map_err(broken)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(broken)?;
    transaction.pragma_update(None, "user_version", known).map_err(broken)?;
    transaction.commit().map_err(broken)
}
