use crate::{StoreError, limits};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// An event to be committed together with the state it tells of. The log gives it its position and its sequence.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The event's own id (UUIDv7).
    pub id: Uuid,
    /// Who tells it, such as `emporia.notes`.
    pub source: String,
    /// What happened, in the past tense, such as `NoteWritten`.
    pub detail_type: String,
    /// What it happened to, such as `note/nte_…`; events of one subject are numbered.
    pub subject: String,
    /// When it happened, to the millisecond.
    pub occurred_at: Timestamp,
    /// The facts, as JSON.
    pub body: Box<RawValue>,
}

impl NewEvent {
    /// An event whose body is `body` as JSON.
    ///
    /// # Errors
    /// [`StoreError::Unencodable`] if `body` has no JSON form.
    pub fn new(
        id: Uuid,
        source: impl Into<String>,
        detail_type: impl Into<String>,
        subject: impl Into<String>,
        occurred_at: Timestamp,
        body: &impl Serialize,
    ) -> Result<Self, StoreError> {
        let detail_type = detail_type.into();
        let body = serde_json::value::to_raw_value(body).map_err(|error| StoreError::Unencodable {
            what: format!("event {detail_type}"),
            reason: error.to_string(),
        })?;
        Ok(Self { id, source: source.into(), detail_type, subject: subject.into(), occurred_at, body })
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        for (name, text) in
            [("source", &self.source), ("detail type", &self.detail_type), ("subject", &self.subject)]
        {
            if text.is_empty() || text.len() > limits::KEY_BYTES || text.chars().any(char::is_control) {
                let reason = format!(
                    "an event's {name} is 1 to {} bytes without control characters",
                    limits::KEY_BYTES
                );
                return Err(StoreError::BadKey { key: text.chars().take(200).collect(), reason });
            }
        }
        let size = self.body.get().len();
        if size > limits::EVENT_BYTES {
            let what = format!("event {} of {}", self.detail_type, self.subject);
            return Err(StoreError::TooLarge { what, size, limit: limits::EVENT_BYTES });
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        16 + self.source.len() + self.detail_type.len() + self.subject.len() + self.body.get().len()
    }
}
