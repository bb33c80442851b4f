//! Which expressions the two APIs take, on record.

use emporia_schedule_expression::{Api, Schedule};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Case {
    id: String,
    api: String,
    expression: String,
    valid: bool,
}

#[test]
fn every_vector_is_taken_or_refused_as_on_record() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/event-schedule-expr.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|required| required == "all");
        assert!(!required, "{} is not here", path.display());
        return eprintln!("skipped: {} is not here", path.display());
    };
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let api = match case.api.as_str() {
            "rule" => Api::Rule,
            "scheduler" => Api::Scheduler,
            other => panic!("{other}"),
        };
        let parsed = Schedule::parse(&case.expression, api);
        assert_eq!(parsed.is_ok(), case.valid, "{} {}: {parsed:?}", case.id, case.expression);
    }
    assert_eq!(text.lines().count(), 61);
}
