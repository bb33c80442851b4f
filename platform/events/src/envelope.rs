use crate::{EventError, EventMeta, EventPayload};
use emporia_store::LogRecord;
use jiff::{Timestamp, Unit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A committed event in the form in which buses carry it; its JSON maps one to one on an EventBridge entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    /// The event's id; a bus may give it another one, see [`Metadata::event_id`].
    pub id: Uuid,
    /// Who told it.
    pub source: String,
    /// What happened.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// When, to the second, as buses have it; see [`Metadata::occurred_at`].
    #[serde(with = "seconds")]
    pub time: Timestamp,
    /// What it happened to: one subject.
    pub resources: Vec<String>,
    /// The rest.
    pub detail: Detail,
}

/// Circumstances and facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Detail {
    /// The circumstances.
    pub metadata: Metadata,
    /// The facts, as JSON.
    pub data: Box<RawValue>,
}

/// The circumstances of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Number of the data's form.
    pub schema: u32,
    /// Ties together everything that came of one request.
    pub correlation_id: String,
    /// The event that this one follows from, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// Who did it.
    pub actor: String,
    /// The scope it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Counts the events of one source and subject from 1: a gap tells that an event is missing.
    pub sequence: u64,
    /// The event's own id, whatever id a bus gave it.
    pub event_id: Uuid,
    /// When it happened, to the millisecond.
    #[serde(with = "millis")]
    pub occurred_at: Timestamp,
}

#[derive(Deserialize)]
struct StoredBody<'a> {
    metadata: StoredMetadata,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct StoredMetadata {
    schema: u32,
    #[serde(flatten)]
    meta: EventMeta,
}

impl Envelope {
    /// The envelope of an event as a log holds it.
    ///
    /// # Errors
    /// [`EventError::Form`] if the record was not made by [`crate::envelope`].
    pub fn from_record(record: &LogRecord) -> Result<Self, EventError> {
        let body: StoredBody<'_> =
            serde_json::from_str(record.body.get()).map_err(|error| EventError::Form {
                what: format!("{} {} at {}", record.source, record.detail_type, record.position),
                reason: error.to_string(),
            })?;
        let StoredMetadata { schema, meta } = body.metadata;
        Ok(Self {
            id: record.id,
            source: record.source.clone(),
            detail_type: record.detail_type.clone(),
            time: whole(record.occurred_at, Unit::Second),
            resources: vec![record.subject.clone()],
            detail: Detail {
                metadata: Metadata {
                    schema,
                    correlation_id: meta.correlation_id,
                    causation_id: meta.causation_id,
                    actor: meta.actor,
                    channel: meta.channel,
                    sequence: record.sequence,
                    event_id: record.id,
                    occurred_at: whole(record.occurred_at, Unit::Millisecond),
                },
                data: body.data.to_owned(),
            },
        })
    }

    /// What it happened to.
    pub fn subject(&self) -> &str {
        self.resources.first().map_or("", String::as_str)
    }

    /// Whether it is an event of the kind `P`.
    pub fn is<P: EventPayload>(&self) -> bool {
        self.source == P::SOURCE && self.detail_type == P::DETAIL_TYPE
    }

    /// The facts, if it is an event of the kind `P`.
    ///
    /// # Errors
    /// [`EventError::Kind`] for another kind, [`EventError::Schema`] for a newer form, [`EventError::Form`] for data
    /// that is no `P`.
    pub fn payload<P: EventPayload>(&self) -> Result<P, EventError> {
        if !self.is::<P>() {
            let expected = format!("{} {}", P::SOURCE, P::DETAIL_TYPE);
            return Err(EventError::Kind { expected, got: self.kind() });
        }
        let got = self.detail.metadata.schema;
        if got > P::SCHEMA {
            return Err(EventError::Schema { kind: self.kind(), got, known: P::SCHEMA });
        }
        serde_json::from_str(self.detail.data.get())
            .map_err(|error| EventError::Form { what: self.kind(), reason: error.to_string() })
    }

    /// Circumstances for an event that follows from this one: the same correlation and channel, this event as cause.
    pub fn meta_for_effect(&self, actor: impl Into<String>) -> EventMeta {
        let metadata = &self.detail.metadata;
        EventMeta {
            correlation_id: metadata.correlation_id.clone(),
            causation_id: Some(metadata.event_id.to_string()),
            actor: actor.into(),
            channel: metadata.channel.clone(),
        }
    }

    fn kind(&self) -> String {
        format!("{} {}", self.source, self.detail_type)
    }
}

/// The instant cut to whole units, towards the past.
fn whole(at: Timestamp, unit: Unit) -> Timestamp {
    let cut = jiff::TimestampRound::new().smallest(unit).mode(jiff::RoundMode::Floor);
    // Rounding down fails only below the least timestamp there is, which is whole itself.
    at.round(cut).unwrap_or(at)
}

mod seconds {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{at:.0}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}

pub(crate) mod millis {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{at:.3}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}
