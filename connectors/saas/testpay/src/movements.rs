//! Captures, voids, refunds and disputes: load, decide, record.

use crate::{
    api::Movement,
    authorisation::{Authorisation, Happened, Refusal},
    ledger::{Fault, Tx},
    record,
};

/// Applies `decide` to the authorisation with an id and records what it came to.
pub(crate) fn apply(
    tx: &Tx<'_>,
    id: &str,
    idempotency_key: &str,
    decide: impl FnOnce(&mut Authorisation) -> Result<Happened, Refusal>,
) -> Result<Result<Movement, Refusal>, Fault> {
    let Some(mut authorisation) = record::find(tx, id)? else {
        return Ok(Err(Refusal::AuthorisationUnknown));
    };
    let happened = match decide(&mut authorisation) {
        Ok(happened) => happened,
        Err(refusal) => return Ok(Err(refusal)),
    };
    record::record(tx, &mut authorisation, &happened, Some(idempotency_key))?;
    match happened {
        Happened::Moved(moved) => Ok(Ok(Movement {
            id: moved.id,
            kind: moved.kind,
            amount_minor: moved.amount,
            authorisation: record::view(tx, &authorisation),
        })),
        other => Err(Fault::Corrupt(format!("{other:?} is no movement"))),
    }
}
