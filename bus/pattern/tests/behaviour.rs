//! What the vectors and the generator do not say.

use emporia_event_pattern::{EventError, Limits, Matcher, Pattern, Rules, Warning};
use std::sync::Arc;

fn reason(pattern: &str) -> String {
    Pattern::parse(pattern).unwrap_err().reason
}

#[test]
fn refusals_use_the_words_of_eventbridge() {
    let cases = [
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a":[]}"#, "Empty arrays are not allowed"),
        (r#"{"a":"x"}"#, "\"a\" must be an object or an array"),
        (r#"{"a":[["x"]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a":[{"EXISTS":true}]}"#, "Unrecognized match type EXISTS"),
        (r#"{"a":[{"exists":1}]}"#, "exists match pattern must be either true or false."),
        (r#"{"a":[{"prefix":["x"]}]}"#, "prefix match pattern must be a string"),
        (r#"{"a":[{"wildcard":"a**"}]}"#, "Consecutive wildcard characters at pos 2"),
        (r#"{"a":[{"wildcard":"a\\b"}]}"#, "Invalid escape character at pos 2"),
        (r#"{"a":[{"anything-but":{"prefix":""}}]}"#, "Null prefix/suffix not allowed"),
        (r#"{"a":[{"anything-but":{"cidr":"10.0.0.0/8"}}]}"#, "Unsupported anything-but pattern: cidr"),
        (r#"{"a":[{"numeric":[">",1,"=",2]}]}"#, "Bad numeric range operator: ="),
        (r#"{"a":[{"numeric":[">",1,"<",2,3]}]}"#, "Too many terms in numeric range expression"),
        (r#"{"a":[{"numeric":["!=",1]}]}"#, "Unrecognized numeric range operator: !="),
        (r#"{"a":[{"numeric":["=","1"]}]}"#, "Value of equals must be numeric"),
        (r#"{"a":[{"numeric":[">",2,"<",1]}]}"#, "Bottom must be less than top"),
        (r#"{"a":[{"cidr":"10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"a":[{"cidr":"10.0.0.0/32"}]}"#, "IPv4 mask bits must be < 32"),
        (r#"{"$or":{"a":[1]}}"#, "It must be an Array followed with $or."),
        (r#"{"$or":[{"a":[1]}]}"#, "There must have at least 2 Objects in $or relationship."),
        (r#"{"$or":[{"a":[1]},5]}"#, "Only JSON object is allowed in array of $or relationship."),
        (
            r#"{"$or":[{"prefix":[1]},{"a":[1]}]}"#,
            "prefix is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ];
    for (pattern, expected) in cases {
        assert_eq!(reason(pattern), expected, "{pattern}");
    }
    let error = Pattern::parse("[]").unwrap_err();
    assert_eq!(error.to_string(), "Event pattern is not valid. Reason: Filter is not an object");
}

#[test]
fn a_path_that_comes_twice_is_a_warning() {
    let pattern = Pattern::parse(r#"{"a":{"b":[1]},"a.b":[2],"$or":[{"c":[1]},{"d":[1]}]}"#).unwrap();
    assert_eq!(pattern.warnings(), [Warning::Overwritten { path: "a.b".into() }]);
    assert!(pattern.matches(r#"{"a":{"b":2},"d":1}"#).unwrap());
    assert!(Pattern::parse(r#"{"$or":[{"a":[1]},{"a":[2]}]}"#).unwrap().warnings().is_empty());
}

#[test]
fn limits_refuse_what_is_too_much_and_nothing_overflows() {
    let deep = |n: usize| format!("{}[1]{}", "{\"a\":".repeat(n), "}".repeat(n));
    let limits = Limits { length: usize::MAX, depth: usize::MAX, alternatives: 100, asterisks: 5 };
    assert!(Pattern::parse_within(deep(512), &limits).is_ok());
    assert_eq!(
        Pattern::parse_within(deep(100_000), &limits).unwrap_err().reason,
        "objects nest deeper than 512"
    );
    assert_eq!(reason(&deep(1_000)), "the pattern is longer than 4096 characters");
    let or =
        (0..20).map(|n| format!(r#""$or":[{{"a{n}":[1]}},{{"b{n}":[1]}}]"#)).collect::<Vec<_>>().join(",");
    let error = Pattern::parse_within(format!("{{{or}}}"), &limits).unwrap_err();
    assert_eq!(error.reason, "$or makes more than 100 alternatives");
    let six = r#"{"a":[{"wildcard":"*a*b*c*d*e*"}]}"#;
    assert!(Pattern::parse(six).is_ok());
    let error = Pattern::parse_within(six, &Limits::compatible()).unwrap_err();
    assert!(error.reason.starts_with("Rule is too complex"), "{error}");
}

#[test]
fn hostile_events_are_answered_in_time() {
    let pattern = Pattern::parse(r#"{"a":{"b":[1],"c":[2],"d":[3]}}"#).unwrap();
    for event in [
        format!("{{\"a\":{}1{}}}", "[".repeat(500_000), "]".repeat(500_000)),
        format!("{{\"a\":{}", "[{\"a\":".repeat(100_000)),
        format!("{{\"a\":[{}{{}}]}}", "{\"b\":1},{\"c\":2},{\"d\":3},".repeat(20_000)),
        format!("{{\"x\":{}}}", "{\"y\":[".repeat(100_000)),
        format!("{{\"a\":{{\"b\":{}1e99999999999999999999}}}}", "-0.00000".repeat(10_000)),
    ] {
        assert!(!pattern.matches(event).unwrap_or(false));
    }
    // The same key with arrays behind it, again and again: any element of one goes with any of another.
    let array = format!("\"a\":[{}{{}}],", "{\"b\":1},{\"c\":2},{\"d\":3},".repeat(500));
    let event = format!("{{{}\"z\":0}}", array.repeat(3));
    assert_eq!(pattern.matches(event), Err(EventError::TooComplex));
}

#[test]
fn what_is_broken_where_rules_look_is_an_error() {
    let pattern = Pattern::parse(r#"{"a":{"b":[1]}}"#).unwrap();
    for event in [
        "",
        " ",
        "[]",
        "1",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":{\"b\":tru}}",
        "{\"a\":{\"b\":01}}",
        "{\"a\":1}}",
        "{\"a\":1]",
        "{\"a\":1} x",
        "{\"a\":1,}",
        "{\"a\":\"",
        "{\"\\x\":1}",
        "{\"a\":{\"b\":\"\\u12\"}}",
        "{\"a\" 1}",
        "{a:1}",
    ] {
        assert!(pattern.matches(event).is_err(), "{event}");
        assert!(pattern.explain(event).is_err(), "{event}");
    }
    assert!(pattern.explain("{\"a\":{\"b\":1},\"c\":nul}").is_err(), "an explanation reads all of it");
}

#[test]
fn lone_surrogates_equal_themselves_alone() {
    let pattern = Pattern::parse(r#"{"a":["\ud800"]}"#).unwrap();
    assert!(pattern.matches(r#"{"a":"\uD800"}"#).unwrap());
    assert!(!pattern.matches(r#"{"a":"\ud801"}"#).unwrap());
    assert!(!pattern.matches("{\"a\":\"\u{fffd}\"}").unwrap());
    assert!(
        Pattern::parse(r#"{"\udc00":[{"equals-ignore-case":"\ud800x"}]}"#)
            .unwrap()
            .matches(r#"{"\udc00":"\ud800X"}"#)
            .unwrap()
    );
}

#[test]
fn rules_change_without_disturbing_those_who_look() {
    let pattern = |text: &str| Arc::new(Pattern::parse(text).unwrap());
    let mut matcher = Matcher::new();
    let mut ids = |rules: &Rules<&'static str>, event: &str| {
        let mut ids: Vec<_> =
            rules.matches(event.as_bytes(), &mut matcher).unwrap().into_iter().copied().collect();
        ids.sort_unstable();
        ids
    };
    let old = Rules::new([("one", pattern(r#"{"a":[1]}"#)), ("two", pattern(r#"{"a":[1,2]}"#))]);
    let new = old.with("three", pattern(r#"{"b":[1]}"#)).without(&"one").with("two", pattern(r#"{"a":[3]}"#));
    assert_eq!(ids(&old, r#"{"a":1,"b":1}"#), ["one", "two"]);
    assert_eq!(ids(&new, r#"{"a":1,"b":1}"#), ["three"]);
    assert_eq!(ids(&new, r#"{"a":3,"b":1}"#), ["three", "two"]);
    assert_eq!((new.len(), new.recent()), (2, 4));
    let merged = new.merged();
    assert_eq!((merged.len(), merged.recent()), (2, 0));
    assert_eq!(ids(&merged, r#"{"a":3,"b":1}"#), ["three", "two"]);
    assert!(merged.get(&"one").is_none() && new.get(&"one").is_none() && old.get(&"one").is_some());
}

#[test]
fn an_explanation_names_each_value_and_what_it_fails() {
    let pattern = Pattern::parse(
        r#"{"source":["shop"],"detail":{"total":[{"numeric":[">",100]}],
            "lines":{"sku":[{"prefix":"A"},{"exists":false}],"kind":["gift"]}}}"#,
    )
    .unwrap();
    let event =
        r#"{"source":"shop","detail":{"total":"120","lines":[{"sku":"B1"},{"sku":7,"kind":"gift"}]}}"#;
    let expected = "\
no match
  holds detail.lines.kind: equal to \"gift\"
    detail.lines[1].kind = \"gift\" is equal to \"gift\"
  fails detail.lines.sku: a string that starts with \"A\", or absent
    detail.lines[0].sku = \"B1\" is not a string that starts with \"A\", and is there
    detail.lines[1].sku = 7 is a number, not a string that starts with \"A\", and is there
  fails detail.total: a number > 100
    detail.total = \"120\" is a string, not a number > 100
  holds source: equal to \"shop\"
    source = \"shop\" is equal to \"shop\"
";
    assert_eq!(pattern.explain(event).unwrap().to_string(), expected);
}

#[test]
fn an_explanation_says_when_values_are_from_different_elements() {
    let pattern = Pattern::parse(r#"{"lines":{"sku":["A"],"n":[2]}}"#).unwrap();
    let explanation = pattern.explain(r#"{"lines":[{"sku":"A","n":1},{"sku":"B","n":2}]}"#).unwrap();
    assert!(!explanation.matches && explanation.alternatives[0].is_inconsistent());
    assert!(explanation.to_string().contains("different elements"));
}
