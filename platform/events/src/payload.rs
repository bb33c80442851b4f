use emporia_id::{Clock, Ids};
use emporia_store::{NewEvent, StoreError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The facts of one kind of event: a struct that its owner publishes and others may know.
pub trait EventPayload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Who tells it, such as `emporia.notes`.
    const SOURCE: &'static str;
    /// What happened, in the past tense, such as `NoteWritten`.
    const DETAIL_TYPE: &'static str;
    /// Number of the payload's form. Optional fields may be added without raising it.
    const SCHEMA: u32;

    /// What it happened to, such as `note/nte_…`.
    fn subject(&self) -> String;
}

/// The circumstances of an event, taken from the request that caused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventMeta {
    /// Ties together everything that came of one request.
    pub correlation_id: String,
    /// The event that this one follows from, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// Who did it.
    pub actor: String,
    /// The scope it happened in, opaque here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

impl EventMeta {
    /// Circumstances without a causing event and without a channel.
    pub fn new(correlation_id: impl Into<String>, actor: impl Into<String>) -> Self {
        Self { correlation_id: correlation_id.into(), causation_id: None, actor: actor.into(), channel: None }
    }

    /// With the event that this one follows from.
    #[must_use]
    pub fn caused_by(mut self, event: impl Into<String>) -> Self {
        self.causation_id = Some(event.into());
        self
    }

    /// With the channel it happened in.
    #[must_use]
    pub fn in_channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }
}

/// What the store keeps of an event beside its own columns: position, sequence, id and time come from those.
#[derive(Serialize)]
struct Body<'a, P> {
    metadata: BodyMetadata<'a>,
    data: &'a P,
}

#[derive(Serialize)]
struct BodyMetadata<'a> {
    schema: u32,
    #[serde(flatten)]
    meta: &'a EventMeta,
}

/// An event to be emitted in a transaction: `tx.emit(envelope(&payload, &meta, &ids, clock)?)?`.
///
/// # Errors
/// [`StoreError::Unencodable`] if the payload has no JSON form.
pub fn envelope<P: EventPayload>(
    payload: &P,
    meta: &EventMeta,
    ids: &Ids,
    clock: &dyn Clock,
) -> Result<NewEvent, StoreError> {
    let body = Body { metadata: BodyMetadata { schema: P::SCHEMA, meta }, data: payload };
    NewEvent::new(ids.next_uuid(), P::SOURCE, P::DETAIL_TYPE, payload.subject(), clock.now(), &body)
}
