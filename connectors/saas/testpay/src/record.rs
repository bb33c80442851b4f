//! Authorisations in the ledger: reading them, and recording what happened to one — its row, its ledger entry and
//! its webhook — in one transaction.

use rusqlite::{OptionalExtension, Row, named_params};

use crate::{
    api,
    authorisation::{Authorisation, Happened},
    cards::TestCard,
    entries,
    ledger::{Fault, Tx, from_millis, name, named},
    queue,
};

/// The authorisation with an id.
pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Option<Authorisation>, Fault> {
    let mut query = tx.db.prepare_cached("SELECT * FROM authorisations WHERE id = ?1")?;
    query.query_row([id], |row| Ok(read(row))).optional()?.transpose()
}

/// The authorisations with a reference, oldest first.
pub(crate) fn find_by_reference(tx: &Tx<'_>, reference: &str) -> Result<Vec<Authorisation>, Fault> {
    let mut query =
        tx.db.prepare_cached("SELECT * FROM authorisations WHERE reference = ?1 ORDER BY seq LIMIT 100")?;
    query.query_map([reference], |row| Ok(read(row)))?.map(|row| row?).collect()
}

/// The authorisations whose deadline has passed, the longest overdue first.
pub(crate) fn find_overdue(tx: &Tx<'_>, limit: i64) -> Result<Vec<Authorisation>, Fault> {
    let mut query = tx.db.prepare_cached(
        "SELECT * FROM authorisations WHERE deadline <= ?1 ORDER BY deadline, seq LIMIT ?2",
    )?;
    query.query_map([tx.now.as_millisecond(), limit], |row| Ok(read(row)))?.map(|row| row?).collect()
}

fn read(row: &Row<'_>) -> Result<Authorisation, Fault> {
    let card: String = row.get("card")?;
    let time = |column: &str| -> Result<_, Fault> {
        row.get::<_, Option<i64>>(column)?.map(from_millis).transpose()
    };
    Ok(Authorisation {
        id: row.get("id")?,
        reference: row.get("reference")?,
        amount: row.get("amount")?,
        currency: row.get("currency")?,
        card: TestCard::named(&card).ok_or_else(|| Fault::Corrupt(format!("no test card {card}")))?,
        return_url: row.get("return_url")?,
        status: named(row.get("status")?)?,
        decline_code: row.get::<_, Option<String>>("decline_code")?.map(named).transpose()?,
        captured: row.get("captured")?,
        refunded: row.get("refunded")?,
        disputed: row.get("disputed")?,
        authorised_until: time("authorised_until")?,
        deadline: time("deadline")?,
        events: row.get("events")?,
        created_at: from_millis(row.get("created_at")?)?,
        updated_at: from_millis(row.get("updated_at")?)?,
    })
}

/// Records what happened to `authorisation`, which already shows it.
pub(crate) fn record(
    tx: &Tx<'_>,
    authorisation: &mut Authorisation,
    happened: &Happened,
    idempotency_key: Option<&str>,
) -> Result<(), Fault> {
    authorisation.updated_at = tx.now;
    let event = queue::event_type(happened);
    authorisation.events += i64::from(event.is_some());
    store(tx, authorisation)?;
    entries::append(tx, authorisation, happened, idempotency_key)?;
    if let Some(event) = event {
        queue::enqueue(tx, authorisation, happened, event)?;
    }
    if authorisation.deadline.is_some() {
        tx.wake_worker();
    }
    tracing::info!(
        authorisation = authorisation.id,
        reference = authorisation.reference,
        status = ?authorisation.status,
        card = authorisation.card.name,
        happened = ?happened,
        "recorded"
    );
    Ok(())
}

fn store(tx: &Tx<'_>, it: &Authorisation) -> Result<(), Fault> {
    let mut statement = tx.db.prepare_cached(
        "INSERT INTO authorisations (id, reference, amount, currency, card, return_url, status, decline_code, captured,
             refunded, disputed, authorised_until, deadline, events, created_at, updated_at)
         VALUES (:id, :reference, :amount, :currency, :card, :return_url, :status, :decline_code, :captured,
             :refunded, :disputed, :authorised_until, :deadline, :events, :created_at, :updated_at)
         ON CONFLICT (id) DO UPDATE SET status = :status, decline_code = :decline_code, captured = :captured,
             refunded = :refunded, disputed = :disputed, authorised_until = :authorised_until, deadline = :deadline,
             events = :events, updated_at = :updated_at",
    )?;
    statement.execute(named_params! {
        ":id": it.id,
        ":reference": it.reference,
        ":amount": it.amount,
        ":currency": it.currency,
        ":card": it.card.name,
        ":return_url": it.return_url,
        ":status": name(it.status)?,
        ":decline_code": it.decline_code.map(name).transpose()?,
        ":captured": it.captured,
        ":refunded": it.refunded,
        ":disputed": it.disputed,
        ":authorised_until": it.authorised_until.map(|time| time.as_millisecond()),
        ":deadline": it.deadline.map(|time| time.as_millisecond()),
        ":events": it.events,
        ":created_at": it.created_at.as_millisecond(),
        ":updated_at": it.updated_at.as_millisecond(),
    })?;
    Ok(())
}

/// The authorisation as the merchant sees it.
pub(crate) fn view(tx: &Tx<'_>, it: &Authorisation) -> api::Authorisation {
    let action = (it.status == api::AuthorisationStatus::RequiresAction)
        .then(|| tx.config.address(&format!("/3ds/{}", it.id)));
    api::Authorisation {
        id: it.id.clone(),
        status: it.status,
        decline_code: it.decline_code,
        action_url: action,
        amount_minor: it.amount,
        currency: it.currency.clone(),
        reference: it.reference.clone(),
        authorised_until: it.authorised_until,
        card_brand: it.card.brand.into(),
        last4: it.card.last4().into(),
        captured_minor: it.captured,
        refunded_minor: it.refunded,
        disputed_minor: it.disputed,
        created_at: it.created_at,
        updated_at: it.updated_at,
    }
}
