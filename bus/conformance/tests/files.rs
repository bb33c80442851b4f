//! Whole files, as people run them; among them the public vectors, which hold the engines to what EventBridge does.

use emporia_bus_conformance::run;
use std::path::Path;

#[test]
fn the_public_vectors_pass() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    for (file, cases) in [
        ("event-patterns.jsonl", 3_097),
        ("event-input-transformer.jsonl", 16),
        ("event-schedule-expr.jsonl", 61),
    ] {
        let path = vectors.join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let required = std::env::var("EMPORIA_TEST_REQUIRE").is_ok_and(|required| required == "all");
            assert!(!required, "{} is not here", path.display());
            eprintln!("skipped: {} is not here", path.display());
            continue;
        };
        let report = run(&text).unwrap();
        assert_eq!((report.passed, report.failed), (cases, vec![]), "{file}");
    }
}

#[test]
fn a_case_that_fails_says_what_happened() {
    let report = run(concat!(
        r#"{"id": "p", "pattern": {"a": ["x"]}, "event": {"a": "y"}, "expect": "match"}"#,
        "\n\n",
        r#"{"id": "i", "pattern_text": "{\"a\": 1}", "event": {}, "expect": "no_match"}"#,
        "\n",
        r#"{"id": "t", "detail": {"n": 1}, "paths": {"n": "$.detail.n"}, "template": "{\"n\": <n>}", "body_json": {"n": 2}}"#,
        "\n",
        r#"{"id": "d", "detail": {}, "template": "{\"n\": <n>}", "delivered": false}"#,
        "\n",
        r#"{"id": "s", "api": "scheduler", "expression": "rate(1 fortnight)", "valid": true}"#,
    ))
    .unwrap();
    assert_eq!(report.passed, 0);
    let said: Vec<_> = report.failed.iter().map(|f| (f.id.as_str(), f.reason.as_str())).collect();
    assert_eq!(said[0], ("p", "no_match, expected: match"));
    assert!(said[1].1.starts_with("invalid: Event pattern is not valid. Reason: "), "{said:?}");
    assert_eq!(said[2], ("t", "{\"n\": 1}, expected: {\"n\":2}"));
    assert!(
        said[3].1.starts_with("refused: InputTemplate for target target contains invalid placeholder"),
        "{said:?}"
    );
    assert_eq!(said[4], ("s", "refused, expected: valid"));
}

#[test]
fn a_line_that_is_no_case_is_named_with_its_number() {
    let error = |text: &str| run(text).unwrap_err().to_string();
    assert_eq!(
        error("\n{\"id\": \"x\"}"),
        "line 2 is no case: it has neither a pattern nor a template nor an expression"
    );
    assert_eq!(error(r#"{"id": "x", "pattern": {}}"#), "line 1 is no case: event is missing");
    assert!(error("{").starts_with("line 1 is no case: EOF"));
    assert!(error(r#"{"id": "x", "pattern": {}, "event": {}, "expect": "maybe"}"#).contains("maybe"));
}
