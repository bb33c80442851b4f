use crate::{Envelope, EventError, HandlerError, consumer::Shared};
use emporia_store::{Children, Document, Key, LogId, LogRecord, Position, StoreError, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use uuid::Uuid;

/// An event that a consumer could not handle, set aside with the reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Poison {
    consumer: String,
    /// Where it stands.
    pub id: PoisonId,
    /// The event's own id.
    pub event: Uuid,
    /// Who told it.
    pub source: String,
    /// What happened.
    pub detail_type: String,
    /// What it happened to.
    pub subject: String,
    /// Its number among the events of its subject.
    pub sequence: u64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its body; none if it is too large to be kept here, then it is read from the log again.
    body: Option<Box<RawValue>>,
    /// What the handler said last.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was set aside, or tried last.
    pub at: Timestamp,
}

/// Names an event that was set aside: its stream and position.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PoisonId {
    /// The stream.
    pub log: LogId,
    /// The position in it.
    pub position: Position,
}

impl fmt::Display for PoisonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Zeros in front: the texts order as the positions do.
        write!(f, "{}/{:019}", self.log, self.position.get())
    }
}

impl Document for Poison {
    const COLLECTION: &'static str = "_poison";

    fn key(&self) -> Key {
        poison_key(&self.consumer, &self.id)
    }
}

fn poison_key(consumer: &str, id: &PoisonId) -> Key {
    Key::of(Poison::COLLECTION, consumer).child(id.to_string())
}

/// Bodies up to this size are kept with what was set aside; a document holds 350 kB.
const KEPT_BYTES: usize = 300_000;

impl Poison {
    pub(crate) fn new(
        consumer: &str,
        log: &LogId,
        record: &LogRecord,
        reason: String,
        attempts: u32,
        at: Timestamp,
    ) -> Self {
        let fits = record.body.get().len() <= KEPT_BYTES;
        Self {
            consumer: consumer.to_owned(),
            id: PoisonId { log: log.clone(), position: record.position },
            event: record.id,
            source: record.source.clone(),
            detail_type: record.detail_type.clone(),
            subject: record.subject.clone(),
            sequence: record.sequence,
            occurred_at: record.occurred_at,
            body: fits.then(|| record.body.clone()),
            reason,
            attempts,
            at,
        }
    }

    fn record(&self, body: Box<RawValue>) -> LogRecord {
        LogRecord {
            position: self.id.position,
            sequence: self.sequence,
            id: self.event,
            source: self.source.clone(),
            detail_type: self.detail_type.clone(),
            subject: self.subject.clone(),
            occurred_at: self.occurred_at,
            body,
        }
    }
}

impl Shared {
    /// Events set aside, in the order of their streams and positions.
    pub(crate) async fn list_poison(
        &self,
        after: Option<&PoisonId>,
        limit: usize,
    ) -> Result<Vec<Poison>, StoreError> {
        let mut list = Children::of(self.name.as_str()).limit(limit);
        if let Some(after) = after {
            list = list.from(format!("{after}\u{1}"));
        }
        Ok(self.space.children(list).await?.into_values())
    }

    /// Handles an event that was set aside once more, and takes it off the list if that succeeds.
    pub(crate) async fn redrive(&self, id: &PoisonId) -> Result<(), HandlerError> {
        let key = poison_key(&self.name, id);
        let Some(poison) = self.space.get::<Poison>(&key).await? else {
            return Err(HandlerError::Permanent(format!("{id} is not among the events set aside")));
        };
        let event = self.event_of(&poison).await?;
        let (key, event, handler) = (&key, &event, &self.handler);
        let done = self
            .space
            .transact(|tx: Tx| async move {
                if tx.get::<Poison>(key).await?.is_none() {
                    // Somebody else was faster.
                    return Ok(());
                }
                handler.handle(event, &tx).await?;
                tx.delete(key)?;
                Ok::<_, HandlerError>(())
            })
            .await;
        if let Err(error) = &done {
            let reason = &error.to_string();
            let at = self.space.clock().now();
            let noted = self.space.transact(|tx: Tx| async move {
                let Some(mut poison) = tx.get::<Poison>(key).await? else { return Ok(()) };
                poison.value.reason.clone_from(reason);
                poison.value.attempts = poison.value.attempts.saturating_add(1);
                poison.value.at = at;
                tx.put(&poison.value)
            });
            noted.await?;
        }
        done
    }

    async fn event_of(&self, poison: &Poison) -> Result<Envelope, HandlerError> {
        let body = match &poison.body {
            Some(body) => body.clone(),
            None => {
                let before = Position::from_i64(poison.id.position.get().saturating_sub(1));
                let batch = self.log.read(&poison.id.log, before, 1, None).await?;
                let found = batch.records.into_iter().find(|record| record.position == poison.id.position);
                let gone = || HandlerError::Permanent(format!("{} is no longer in its log", poison.id));
                found.ok_or_else(gone)?.body
            }
        };
        Envelope::from_record(&poison.record(body)).map_err(|error: EventError| error.into())
    }
}
