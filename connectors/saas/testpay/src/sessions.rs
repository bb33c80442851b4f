//! Sessions of the hosted card page.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::{
    api, ids,
    ledger::{Fault, Tx, from_millis, later},
};

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) reference: String,
    pub(crate) return_url: Option<String>,
    pub(crate) expires: Timestamp,
}

pub(crate) fn create(tx: &Tx<'_>, request: &api::SessionRequest) -> Result<api::Session, Fault> {
    let id = ids::new("ses");
    let expires = later(tx.now, tx.config.timings.session_validity);
    tx.db
        .prepare_cached(
            "INSERT INTO sessions (id, amount, currency, reference, return_url, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id,
            request.amount_minor,
            request.currency,
            request.reference,
            request.return_url,
            expires.as_millisecond()
        ])?;
    let url = tx.config.address(&format!("/pay/{id}"));
    Ok(api::Session { id, url, expires })
}

/// The session with an id, expired or not.
pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Option<Session>, Fault> {
    let mut query = tx.db.prepare_cached(
        "SELECT id, amount, currency, reference, return_url, expires_at FROM sessions WHERE id = ?1",
    )?;
    let row = query
        .query_row([id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get::<_, i64>(5)?))
        })
        .optional()?;
    let Some((id, amount, currency, reference, return_url, expires)) = row else { return Ok(None) };
    Ok(Some(Session { id, amount, currency, reference, return_url, expires: from_millis(expires)? }))
}
