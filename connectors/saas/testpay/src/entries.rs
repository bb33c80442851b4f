//! The append-only entries, which audits compare with the merchant's own books.

use rusqlite::{Row, named_params};

use crate::{
    api::{EntryType, LedgerEntry, MovementType},
    authorisation::{Authorisation, Happened},
    ledger::{Fault, Tx, from_millis, name, named},
};

/// Appends the entry of what happened, if it moves or refuses money.
pub(crate) fn append(
    tx: &Tx<'_>,
    authorisation: &Authorisation,
    happened: &Happened,
    idempotency_key: Option<&str>,
) -> Result<(), Fault> {
    let (kind, amount, movement) = match happened {
        Happened::Pending | Happened::RequiresAction => return Ok(()),
        Happened::Authorised => (EntryType::Authorise, authorisation.amount, None),
        Happened::Declined => (EntryType::Decline, authorisation.amount, None),
        Happened::Expired { released } => (EntryType::Expire, *released, None),
        Happened::Moved(moved) => {
            let kind = match moved.kind {
                MovementType::Capture => EntryType::Capture,
                MovementType::Void => EntryType::Void,
                MovementType::Refund => EntryType::Refund,
                MovementType::Dispute => EntryType::Dispute,
            };
            (kind, moved.amount, Some(moved.id.as_str()))
        }
    };
    let mut statement = tx.db.prepare_cached(
        "INSERT INTO entries (type, authorisation, reference, amount, currency, at, movement, decline_code, idempotency_key)
         VALUES (:type, :authorisation, :reference, :amount, :currency, :at, :movement, :decline_code, :key)",
    )?;
    statement.execute(named_params! {
        ":type": name(kind)?,
        ":authorisation": authorisation.id,
        ":reference": authorisation.reference,
        ":amount": amount,
        ":currency": authorisation.currency,
        ":at": tx.now.as_millisecond(),
        ":movement": movement,
        ":decline_code": authorisation.decline_code.map(name).transpose()?,
        ":key": idempotency_key,
    })?;
    Ok(())
}

/// Up to `limit` entries after the one with sequence `after`.
pub(crate) fn list(tx: &Tx<'_>, after: i64, limit: i64) -> Result<Vec<LedgerEntry>, Fault> {
    let mut query = tx.db.prepare_cached("SELECT * FROM entries WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    query.query_map([after, limit], |row| Ok(read(row)))?.map(|row| row?).collect()
}

fn read(row: &Row<'_>) -> Result<LedgerEntry, Fault> {
    Ok(LedgerEntry {
        sequence: row.get("seq")?,
        kind: named(row.get("type")?)?,
        authorisation: row.get("authorisation")?,
        reference: row.get("reference")?,
        amount_minor: row.get("amount")?,
        currency: row.get("currency")?,
        at: from_millis(row.get("at")?)?,
        movement: row.get("movement")?,
        decline_code: row.get::<_, Option<String>>("decline_code")?.map(named).transpose()?,
        idempotency_key: row.get("idempotency_key")?,
    })
}
