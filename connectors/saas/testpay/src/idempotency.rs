//! The same key with the same input gets the first result, for ever; with another input it is refused.
//!
//! Kept are the results the ledger decided, refusals included. Input that never reached the ledger (validation,
//! missing rights) and faults are not kept: such a call may be put right and sent again with its key.

use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    api::Problem,
    authorisation::Refusal,
    ledger::{Fault, Tx},
};

/// The answer to a merchant's call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Whether it is the result of an earlier call.
    pub(crate) replayed: bool,
}

/// Runs `decide` unless `key` has a result already.
pub(crate) fn once<T: Serialize>(
    tx: &Tx<'_>,
    key: &str,
    operation: &str,
    input: &impl Serialize,
    decide: impl FnOnce() -> Result<Result<T, Refusal>, Fault>,
) -> Result<Answer, Fault> {
    let mut hasher = Sha256::new();
    hasher.update(operation.as_bytes());
    hasher.update(b"\n");
    hasher.update(serde_json::to_vec(input)?);
    let fingerprint: [u8; 32] = hasher.finalize().into();

    let mut query =
        tx.db.prepare_cached("SELECT fingerprint, status, body FROM idempotency WHERE key = ?1")?;
    let first: Option<([u8; 32], u16, String)> =
        query.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    if let Some((before, status, body)) = first {
        if before.ct_eq(&fingerprint).into() {
            return Ok(Answer { status, body, replayed: true });
        }
        let problem = Problem::new(
            409,
            "IDEMPOTENCY_KEY_REUSED",
            "This Idempotency-Key was used for another call or other input. Take a new key for a new call.",
        );
        return Ok(Answer { status: 409, body: serde_json::to_string(&problem)?, replayed: false });
    }
    let (status, body) = match decide()? {
        Ok(result) => (201, serde_json::to_string(&result)?),
        Err(refusal) => (refusal.status(), serde_json::to_string(&Problem::from(refusal))?),
    };
    tx.db
        .prepare_cached(
            "INSERT INTO idempotency (key, fingerprint, status, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![key, fingerprint, status, body, tx.now.as_millisecond()])?;
    Ok(Answer { status, body, replayed: false })
}
