//! What EventBridge delivered, on record.

use emporia_input_transformer::{Input, Invocation};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

#[derive(Deserialize)]
struct Case {
    id: String,
    detail: Value,
    paths: BTreeMap<String, String>,
    template: String,
    body: Option<String>,
    body_json: Option<Value>,
    delivered: bool,
}

#[test]
fn every_vector_gets_the_body_on_record() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/event-input-transformer.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|required| required == "all");
        assert!(!required, "{} is not here", path.display());
        return eprintln!("skipped: {} is not here", path.display());
    };
    let invocation =
        Invocation { rule_arn: "arn", rule_name: "rule", ingestion_time: "2026-11-24T18:00:00Z" };
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let input = Input::transformer("target", case.paths, &case.template).unwrap();
        let event = json!({ "source": "test", "detail": case.detail }).to_string();
        let body = input.body(&event, &invocation);
        assert_eq!(body.is_ok(), case.delivered, "{}", case.id);
        if let Some(expected) = case.body {
            assert_eq!(body.as_deref(), Ok(expected.as_str()), "{}", case.id);
        }
        if let Some(expected) = case.body_json {
            assert_eq!(serde_json::from_str::<Value>(&body.unwrap()).unwrap(), expected, "{}", case.id);
        }
    }
    assert_eq!(text.lines().count(), 16);
}
