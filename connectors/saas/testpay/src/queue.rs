//! The durable queue of webhooks and the log of their deliveries.
//!
//! Messages of one authorisation go out in order: a later one waits until the earlier one is delivered or set aside.

use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;
use rusqlite::{Row, named_params, params};

use crate::{
    api::{Delivery, MovementType},
    authorisation::{Authorisation, Happened},
    cards::Behaviour,
    ids,
    ledger::{Fault, Tx, from_millis, later},
    record,
    webhook::{EventData, EventMovement, EventType, WebhookEvent},
};

/// A message to send now.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) authorisation: String,
    pub(crate) body: String,
    copies: i64,
    attempts: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    Answered(u16),
    NoAnswer(String),
}

/// The webhook that tells of what happened. A challenge is told by the answer alone.
pub(crate) fn event_type(happened: &Happened) -> Option<EventType> {
    Some(match happened {
        Happened::RequiresAction => return None,
        Happened::Pending => EventType::Pending,
        Happened::Authorised => EventType::Authorised,
        Happened::Declined => EventType::Declined,
        Happened::Expired { .. } => EventType::Expired,
        Happened::Moved(moved) => match moved.kind {
            MovementType::Capture => EventType::Captured,
            MovementType::Void => EventType::Voided,
            MovementType::Refund => EventType::Refunded,
            MovementType::Dispute => EventType::DisputeOpened,
        },
    })
}

/// Puts the webhook into the queue, in the transaction of what happened.
pub(crate) fn enqueue(
    tx: &Tx<'_>,
    authorisation: &Authorisation,
    happened: &Happened,
    event_type: EventType,
) -> Result<(), Fault> {
    if tx.config.webhook.is_none() {
        return Ok(());
    }
    let name = event_type.to_string();
    let movement = match happened {
        Happened::Moved(moved) => Some(EventMovement {
            id: moved.id.clone(),
            kind: moved.kind,
            amount_minor: moved.amount,
            reason: moved.reason.clone(),
        }),
        _ => None,
    };
    let event = WebhookEvent {
        id: ids::new("evt"),
        event_type,
        timestamp: tx.now,
        data: EventData {
            sequence: authorisation.events,
            authorisation: record::view(tx, authorisation),
            movement,
        },
    };
    let behaviour = authorisation.card.behaviour;
    let copies = if behaviour == Behaviour::DuplicateWebhooks { 2 } else { 1 };
    let hold_back = match behaviour {
        Behaviour::LateWebhooks => tx.config.timings.late_webhook,
        _ => Duration::ZERO,
    };
    tx.db
        .prepare_cached(
            "INSERT INTO messages (id, authorisation, type, body, state, copies, attempts, due_at)
             VALUES (:id, :authorisation, :type, :body, 'queued', :copies, 0, :due)",
        )?
        .execute(named_params! {
            ":id": event.id,
            ":authorisation": authorisation.id,
            ":type": name,
            ":body": serde_json::to_string(&event)?,
            ":copies": copies,
            ":due": later(tx.now, hold_back).as_millisecond(),
        })?;
    tx.wake_worker();
    Ok(())
}

/// Up to `limit` messages to send now: the first of each authorisation, the longest due first.
pub(crate) fn due(tx: &Tx<'_>, limit: i64) -> Result<Vec<Message>, Fault> {
    let mut query = tx.db.prepare_cached(
        "SELECT id, authorisation, body, copies, attempts FROM messages AS message
         WHERE state = 'queued' AND due_at <= ?1
           AND seq = (SELECT min(seq) FROM messages WHERE authorisation = message.authorisation AND state = 'queued')
         ORDER BY due_at, seq LIMIT ?2",
    )?;
    let messages = query.query_map([tx.now.as_millisecond(), limit], |row| {
        Ok(Message {
            id: row.get("id")?,
            authorisation: row.get("authorisation")?,
            body: row.get("body")?,
            copies: row.get("copies")?,
            attempts: row.get("attempts")?,
        })
    })?;
    Ok(messages.collect::<Result<_, _>>()?)
}

/// When the next message or deadline becomes due, if one waits for its time.
pub(crate) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, Fault> {
    let mut query = tx.db.prepare_cached(
        "SELECT min(due) FROM (
             SELECT min(due_at) AS due FROM messages WHERE state = 'queued' AND due_at > ?1
             UNION ALL SELECT min(deadline) FROM authorisations WHERE deadline > ?1)",
    )?;
    let due: Option<i64> = query.query_row([tx.now.as_millisecond()], |row| row.get(0))?;
    due.map(from_millis).transpose()
}

/// Logs an attempt and decides what becomes of the message.
pub(crate) fn log_attempt(
    tx: &Tx<'_>,
    message: &Message,
    at: Timestamp,
    attempt: &Attempt,
) -> Result<(), Fault> {
    let (status_code, error) = match attempt {
        Attempt::Answered(status) => (Some(*status), None),
        Attempt::NoAnswer(error) => (None, Some(error.as_str())),
    };
    let delivered = status_code.is_some_and(|status| (200..300).contains(&status));
    let attempts = message.attempts + 1;
    tx.db
        .prepare_cached(
            "INSERT INTO deliveries (message, attempt, at, delivered, status_code, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![message.id, attempts, at.as_millisecond(), delivered, status_code, error])?;
    let (state, copies, due) = match delivered {
        true if message.copies > 1 => ("queued", message.copies - 1, tx.now),
        true => ("delivered", 0, tx.now),
        false if attempts >= i64::from(tx.config.timings.webhook_attempts) => {
            tracing::warn!(webhook = message.id, attempts, "webhook set aside: it was never accepted");
            ("set_aside", message.copies, tx.now)
        }
        false => ("queued", message.copies, later(tx.now, back_off(attempts, &tx.config.timings))),
    };
    tx.db
        .prepare_cached(
            "UPDATE messages SET state = ?2, copies = ?3, attempts = ?4, due_at = ?5 WHERE id = ?1",
        )?
        .execute(params![message.id, state, copies, attempts, due.as_millisecond()])?;
    Ok(())
}

/// Doubles with every attempt up to a limit; half of it is left to chance, so that messages that failed together do
/// not come back together.
fn back_off(attempts: i64, timings: &crate::Timings) -> Duration {
    let doublings = attempts.saturating_sub(1).clamp(0, 30);
    let wait = timings.webhook_retry.saturating_mul(1 << doublings).min(timings.webhook_retry_max);
    let half = wait / 2;
    half + half.mul_f64(rand::rng().random_range(0.0..=1.0))
}

/// Up to `limit` delivery attempts after the one with sequence `after`.
pub(crate) fn list(tx: &Tx<'_>, after: i64, limit: i64) -> Result<Vec<Delivery>, Fault> {
    let mut query = tx.db.prepare_cached(
        "SELECT deliveries.*, type, authorisation FROM deliveries JOIN messages ON messages.id = message
         WHERE deliveries.seq > ?1 ORDER BY deliveries.seq LIMIT ?2",
    )?;
    query.query_map([after, limit], |row| Ok(read(row)))?.map(|row| row?).collect()
}

fn read(row: &Row<'_>) -> Result<Delivery, Fault> {
    Ok(Delivery {
        sequence: row.get("seq")?,
        webhook_id: row.get("message")?,
        event_type: row.get("type")?,
        authorisation: row.get("authorisation")?,
        attempt: row.get("attempt")?,
        at: from_millis(row.get("at")?)?,
        delivered: row.get("delivered")?,
        status_code: row.get("status_code")?,
        error: row.get("error")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_up_to_its_limit_and_keeps_half_for_chance() {
        let timings = crate::Timings::default();
        for (attempts, millis) in [(1, 500), (2, 1000), (5, 8000), (11, 300_000), (i64::MAX, 300_000)] {
            let wait = back_off(attempts, &timings);
            assert!(wait <= Duration::from_millis(millis), "{attempts}: {wait:?}");
            assert!(wait >= Duration::from_millis(millis / 2), "{attempts}: {wait:?}");
        }
    }
}
