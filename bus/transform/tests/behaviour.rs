//! What the vectors do not say.

use emporia_input_transformer::{Input, Invocation, NotDelivered};
use std::collections::BTreeMap;

const INVOCATION: Invocation = Invocation {
    rule_arn: "arn:aws:events:eu-central-1:123456789012:rule/big",
    rule_name: "big",
    ingestion_time: "2026-11-24T18:00:00Z",
};

const EVENT: &str = r#"{"version":"0","detail-type":"Order","detail":{"n":1.50,"quote":"a\"b","nothing":null,"lines":[{"sku":"A","n":1},{"sku":"B"}],"a-b":{"c d":true}}}"#;

fn transform(paths: &[(&str, &str)], template: &str) -> Result<String, NotDelivered> {
    let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned()));
    Input::transformer("t", paths, template).unwrap().body(EVENT, &INVOCATION)
}

fn part(path: &str) -> String {
    Input::path("t", path).unwrap().body(EVENT, &INVOCATION).unwrap()
}

#[test]
fn a_path_gives_the_text_that_is_there() {
    assert_eq!(part("$.detail.n"), "1.50");
    assert_eq!(part("$.detail-type"), "\"Order\"");
    assert_eq!(part("$.detail.lines[1]"), r#"{"sku":"B"}"#);
    assert_eq!(part("$.detail.lines[*].n"), "[1]");
    assert_eq!(part("$.detail['a-b'][\"c d\"]"), "true");
    assert_eq!(part("$.detail.lines[2]"), "null");
    assert_eq!(part("$"), EVENT);
}

#[test]
fn predefined_variables_are_there() {
    assert_eq!(
        transform(&[], r#"{"rule":<aws.events.rule-name>,"arn":"<aws.events.rule-arn>","at":<aws.events.event.ingestion-time>}"#),
        Ok(r#"{"rule":"big","arn":"arn:aws:events:eu-central-1:123456789012:rule/big","at":"2026-11-24T18:00:00Z"}"#.into())
    );
    assert_eq!(
        transform(&[], "[<aws.events.event>]"),
        Ok(r#"[{"version":"0","detailType":"Order"}]"#.into())
    );
    assert_eq!(transform(&[], "<aws.events.event.json>"), Ok(EVENT.into()));
    assert_eq!(transform(&[], r#"{"a":"<aws.events.event.json>"}"#), Err(NotDelivered::NotJson));
}

#[test]
fn a_value_cannot_break_out_of_a_template() {
    let paths = [("q", "$.detail.quote"), ("n", "$.detail.n"), ("nothing", "$.detail.nothing")];
    assert_eq!(
        transform(&paths, r#"{"a":"<q> <n>","b":<q>,"c":<nothing>}"#),
        Ok(r#"{"a":"a\"b 1.50","b":"a\"b","c":null}"#.into())
    );
    assert_eq!(transform(&paths, r#""say \"<q>\" < 3""#), Ok(r#""say \"a\"b\" < 3""#.into()));
}

#[test]
fn what_is_missing_is_empty() {
    let paths = [("gone", "$.detail.gone")];
    assert_eq!(transform(&paths, r#"{"a":<gone>,"b":"x<gone>y"}"#), Ok(r#"{"a":"","b":"xy"}"#.into()));
}

#[test]
fn several_lines_of_text_stay_lines() {
    assert_eq!(
        transform(&[("n", "$.detail.n")], "\"one <n>\"\n\"two <n>\""),
        Ok("\"one 1.50\"\n\"two 1.50\"".into())
    );
}

#[test]
fn refusals_name_the_target() {
    let refusal = |paths: &[(&str, &str)], template: &str| {
        let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned()));
        Input::transformer("t-1", paths, template).unwrap_err().to_string()
    };
    assert_eq!(refusal(&[], "\"<a>\""), "InputTemplate for target t-1 contains invalid placeholder a.");
    assert_eq!(
        refusal(&[("AWS.x", "$.a")], "\"x\""),
        "Invalid variable AWS.x in InputPathsMap for target t-1."
    );
    assert_eq!(refusal(&[("x", "a.b")], "\"x\""), "Invalid path a.b for target t-1: it must start with $.");
    assert_eq!(
        refusal(&[("x", "$['a']")], "\"x\""),
        "Invalid path $['a'] for target t-1: keys must be in dot notation, not in brackets."
    );
    assert_eq!(refusal(&[], ""), "InputTemplate for target t-1 must have 1 to 8192 characters.");
    assert_eq!(
        Input::of_target("t-1", Some("{}"), None, Some((BTreeMap::new(), "\"x\""))).unwrap_err().to_string(),
        "Only one of Input, InputPath, or InputTransformer must be provided for target t-1."
    );
    assert!(
        Input::constant("t-1", "{")
            .unwrap_err()
            .to_string()
            .starts_with("JSON syntax error in input for target t-1")
    );
}

#[test]
fn nothing_overflows_on_deep_events() {
    let event = format!("{{\"a\":{}{}}}", "[".repeat(300_000), "]".repeat(300_000));
    let paths = [("a".to_owned(), "$.a[0][0]".to_owned())];
    let input = Input::transformer("t", paths, "{\"x\":<a>}").unwrap();
    assert!(input.body(&event, &INVOCATION).is_ok());
}
