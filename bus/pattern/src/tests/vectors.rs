//! The public vectors: what EventBridge, event-ruler, quamina and others answer.

use crate::Pattern;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::Path;

#[derive(Deserialize)]
struct Case<'a> {
    id: &'a str,
    expect: Answer,
    // As text: reading them would lose the order of keys and the spelling of numbers.
    #[serde(borrow)]
    pattern: Option<&'a RawValue>,
    pattern_text: Option<String>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    event_text: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Match,
    NoMatch,
    Invalid,
}

#[test]
fn every_vector_gets_the_answer_on_record() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/event-patterns.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|required| required == "all");
        assert!(!required, "{} is not here", path.display());
        return eprintln!("skipped: {} is not here", path.display());
    };
    let mut wrong = vec![];
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let pattern = case.pattern_text.as_deref().or(case.pattern.map(RawValue::get)).unwrap();
        let event = case.event_text.as_deref().or(case.event.map(RawValue::get)).unwrap();
        let given = match Pattern::parse(pattern) {
            Err(_) => Answer::Invalid,
            Ok(pattern) if pattern.matches(event).unwrap() => Answer::Match,
            Ok(_) => Answer::NoMatch,
        };
        if given != case.expect {
            wrong.push(format!("{} {} on {}: {given:?}", case.id, pattern, event));
        }
    }
    assert_eq!(text.lines().count(), 3_097);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
