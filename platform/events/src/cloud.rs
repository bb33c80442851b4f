use crate::{Detail, Envelope, Metadata, envelope::millis};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// An event as CloudEvents 1.0 in structured JSON (<https://github.com/cloudevents/spec>). Our metadata are extension
/// attributes; `sequence` is the published extension of that name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// The event's id.
    pub id: Uuid,
    /// Who told it.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to.
    pub subject: String,
    /// When, to the millisecond.
    #[serde(with = "millis")]
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// Number of the data's form.
    pub schemanumber: u32,
    /// Counts the events of one source and subject from 1; text, as the extension says.
    #[serde(with = "text")]
    pub sequence: u64,
    /// Ties together everything that came of one request.
    pub correlationid: String,
    /// The event that this one follows from, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<String>,
    /// Who did it.
    pub actor: String,
    /// The scope it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The facts.
    pub data: Box<RawValue>,
}

impl From<Envelope> for CloudEvent {
    fn from(envelope: Envelope) -> Self {
        let subject = envelope.subject().to_owned();
        let Detail { metadata, data } = envelope.detail;
        Self {
            specversion: "1.0".to_owned(),
            id: metadata.event_id,
            source: envelope.source,
            kind: envelope.detail_type,
            subject,
            time: metadata.occurred_at,
            datacontenttype: "application/json".to_owned(),
            schemanumber: metadata.schema,
            sequence: metadata.sequence,
            correlationid: metadata.correlation_id,
            causationid: metadata.causation_id,
            actor: metadata.actor,
            channel: metadata.channel,
            data,
        }
    }
}

impl From<CloudEvent> for Envelope {
    fn from(event: CloudEvent) -> Self {
        let second = jiff::TimestampRound::new().smallest(jiff::Unit::Second).mode(jiff::RoundMode::Floor);
        Self {
            id: event.id,
            source: event.source,
            detail_type: event.kind,
            // Rounding down fails only below the least timestamp there is, which is whole itself.
            time: event.time.round(second).unwrap_or(event.time),
            resources: vec![event.subject],
            detail: Detail {
                metadata: Metadata {
                    schema: event.schemanumber,
                    correlation_id: event.correlationid,
                    causation_id: event.causationid,
                    actor: event.actor,
                    channel: event.channel,
                    sequence: event.sequence,
                    event_id: event.id,
                    occurred_at: event.time,
                },
                data: event.data,
            },
        }
    }
}

mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
