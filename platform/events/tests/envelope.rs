//! The envelope: its exact JSON, its mapping on CloudEvents, its refusals.

mod stage;

use emporia_events::{
    CloudEvent, Envelope, EventError, EventMeta, EventPayload, LogRecord, NewEvent, Position, envelope,
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stage::{NoteWritten, Stage, instant};

async fn committed(stage: &Stage, event: NewEvent) -> LogRecord {
    let event = &event;
    stage.notes.transact(|tx| async move { tx.emit(event.clone()) }).await.expect("commits");
    let batch = stage.store.read_log(&stage.log(), Position::ZERO, 10, None).await.expect("reads");
    batch.records.into_iter().last().expect("the event is there")
}

fn payload() -> NoteWritten {
    NoteWritten { note: "nte_1".to_owned(), text: "Grüße 😀".to_owned() }
}

#[tokio::test]
async fn the_json_is_the_agreed_form() {
    let stage = Stage::new().await;
    let meta = EventMeta::new("req-1", "ada").caused_by("evt-0").in_channel("web");
    let event = envelope(&payload(), &meta, &stage.ids, stage.clock.as_ref()).expect("encodes");
    let id = event.id.to_string();
    let record = committed(&stage, event).await;
    let envelope = Envelope::from_record(&record).expect("reads");
    let expected = json!({
        "id": id,
        "source": "emporia.notes",
        "detail-type": "NoteWritten",
        "time": "2023-11-14T22:13:20Z",
        "resources": ["note/nte_1"],
        "detail": {
            "metadata": {
                "schema": 2,
                "correlationId": "req-1",
                "causationId": "evt-0",
                "actor": "ada",
                "channel": "web",
                "sequence": 1,
                "eventId": id,
                "occurredAt": "2023-11-14T22:13:20.123Z",
            },
            "data": { "note": "nte_1", "text": "Grüße 😀" },
        },
    });
    assert_eq!(serde_json::to_value(&envelope).expect("encodes"), expected);
    assert_eq!(envelope.payload::<NoteWritten>(), Ok(payload()));
    let back: Envelope = serde_json::from_value(expected.clone()).expect("reads");
    assert_eq!(serde_json::to_value(&back).expect("encodes"), expected);
}

#[tokio::test]
async fn what_is_not_known_is_left_out() {
    let stage = Stage::new().await;
    let event = envelope(&payload(), &EventMeta::new("r", "a"), &stage.ids, stage.clock.as_ref());
    let record = committed(&stage, event.expect("encodes")).await;
    let json = serde_json::to_value(Envelope::from_record(&record).expect("reads")).expect("encodes");
    let metadata = json["detail"]["metadata"].as_object().expect("an object");
    assert!(!metadata.contains_key("causationId") && !metadata.contains_key("channel"), "{metadata:?}");
}

#[tokio::test]
async fn a_cloud_event_says_the_same() {
    let stage = Stage::new().await;
    let meta = EventMeta::new("req-1", "ada").in_channel("web");
    let event = envelope(&payload(), &meta, &stage.ids, stage.clock.as_ref()).expect("encodes");
    let id = event.id.to_string();
    let envelope = Envelope::from_record(&committed(&stage, event).await).expect("reads");
    let cloud = CloudEvent::from(envelope.clone());
    let expected = json!({
        "specversion": "1.0",
        "id": id,
        "source": "emporia.notes",
        "type": "NoteWritten",
        "subject": "note/nte_1",
        "time": "2023-11-14T22:13:20.123Z",
        "datacontenttype": "application/json",
        "schemanumber": 2,
        "sequence": "1",
        "correlationid": "req-1",
        "actor": "ada",
        "channel": "web",
        "data": { "note": "nte_1", "text": "Grüße 😀" },
    });
    assert_eq!(serde_json::to_value(&cloud).expect("encodes"), expected);
    let parsed: CloudEvent = serde_json::from_value(expected).expect("reads");
    let json = |envelope: &Envelope| serde_json::to_value(envelope).expect("encodes");
    assert_eq!(json(&Envelope::from(parsed)), json(&envelope));
}

#[tokio::test]
async fn an_effect_carries_the_cause_on() {
    let stage = Stage::new().await;
    let meta = EventMeta::new("req-1", "ada").in_channel("web");
    let event = envelope(&payload(), &meta, &stage.ids, stage.clock.as_ref()).expect("encodes");
    let id = event.id.to_string();
    let envelope = Envelope::from_record(&committed(&stage, event).await).expect("reads");
    let expected = EventMeta::new("req-1", "mirror").caused_by(id).in_channel("web");
    assert_eq!(envelope.meta_for_effect("mirror"), expected);
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OlderForm {
    note: String,
}

impl EventPayload for OlderForm {
    const SOURCE: &'static str = NoteWritten::SOURCE;
    const DETAIL_TYPE: &'static str = NoteWritten::DETAIL_TYPE;
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        self.note.clone()
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Another {}

impl EventPayload for Another {
    const SOURCE: &'static str = "emporia.others";
    const DETAIL_TYPE: &'static str = "OtherHappened";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        String::new()
    }
}

#[tokio::test]
async fn foreign_newer_and_malformed_events_are_refused() {
    let stage = Stage::new().await;
    let event = envelope(&payload(), &EventMeta::new("r", "a"), &stage.ids, stage.clock.as_ref());
    let read = Envelope::from_record(&committed(&stage, event.expect("encodes")).await).expect("reads");
    assert!(matches!(read.payload::<Another>(), Err(EventError::Kind { .. })));
    assert!(matches!(read.payload::<OlderForm>(), Err(EventError::Schema { got: 2, known: 1, .. })));
    let wrong = NewEvent::new(stage.ids.next_uuid(), "s", "Bare", "x", instant(), &json!({ "n": 1 }));
    let record = committed(&stage, wrong.expect("encodes")).await;
    assert!(matches!(Envelope::from_record(&record), Err(EventError::Form { .. })));
}

fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~äß😀]{0,12}").expect("a valid expression")
}

proptest! {
    #[test]
    fn envelopes_and_cloud_events_map_one_to_one(
        id in any::<u128>(),
        millis in -1_000_000_000_000_i64..10_000_000_000_000,
        schema in any::<u32>(),
        sequence in any::<u64>(),
        texts in [text(), text(), text(), text(), text(), text()],
        causation in proptest::option::of(text()),
        channel in proptest::option::of(text()),
    ) {
        let [source, kind, subject, correlation, actor, data] = texts;
        let at = Timestamp::from_millisecond(millis).expect("in range");
        let mut metadata = json!({
            "schema": schema, "correlationId": correlation, "actor": actor, "sequence": sequence,
            "eventId": uuid::Uuid::from_u128(id), "occurredAt": format!("{at:.3}"),
        });
        if let Some(causation) = causation { metadata["causationId"] = json!(causation); }
        if let Some(channel) = channel { metadata["channel"] = json!(channel); }
        let second = Timestamp::from_second(millis.div_euclid(1_000)).expect("in range");
        let envelope = json!({
            "id": uuid::Uuid::from_u128(id), "source": source, "detail-type": kind,
            "time": format!("{second:.0}"), "resources": [subject],
            "detail": { "metadata": metadata, "data": { "text": data } },
        });
        let read: Envelope = serde_json::from_str(&envelope.to_string()).expect("reads");
        let cloud = serde_json::to_string(&CloudEvent::from(read)).expect("encodes");
        let back: CloudEvent = serde_json::from_str(&cloud).expect("reads");
        let json: Value = serde_json::to_value(Envelope::from(back)).expect("encodes");
        prop_assert_eq!(json, envelope);
    }
}
