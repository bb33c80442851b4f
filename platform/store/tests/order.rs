//! Properties of the encodings: index keys order as their tuples do, cursors are their own text.

use emporia_store::{Cursor, IndexKey, Key, StoreError, limits};
use jiff::Timestamp;
use proptest::prelude::*;
use std::cmp::Ordering;

/// A component as people think of it; the variants are declared in the documented order of kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Bool(bool),
    Int(i64),
    Time(Timestamp),
    Text(String),
}

fn encode(parts: &[Part]) -> IndexKey {
    parts.iter().fold(IndexKey::new(), |key, part| match part {
        Part::Bool(truth) => key.bool(*truth),
        Part::Int(number) => key.int(*number),
        Part::Time(at) => key.time(*at),
        Part::Text(text) => key.text(text),
    })
}

fn text() -> impl Strategy<Value = String> {
    // Few letters and the odd ones among them, so that texts are often each other's beginnings.
    proptest::collection::vec(prop_oneof![Just('\0'), Just('\u{1}'), Just('a'), Just('ÿ'), Just('😀')], 0..4)
        .prop_map(|letters| letters.into_iter().collect())
}

fn part() -> impl Strategy<Value = Part> {
    let (least, most) = (Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
    let time = (least..=most).prop_map(|nanos| Timestamp::from_nanosecond(nanos).expect("in range"));
    let near =
        (-2_000_000_000_i128..2_000_000_000).prop_map(|n| Timestamp::from_nanosecond(n).expect("in range"));
    prop_oneof![
        any::<bool>().prop_map(Part::Bool),
        prop_oneof![any::<i64>(), -2_i64..3].prop_map(Part::Int),
        prop_oneof![time, near].prop_map(Part::Time),
        text().prop_map(Part::Text),
    ]
}

fn tuple() -> impl Strategy<Value = Vec<Part>> {
    proptest::collection::vec(part(), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn bytes_order_as_tuples_do(a in tuple(), b in tuple()) {
        let bytes = encode(&a).as_bytes().cmp(encode(&b).as_bytes());
        prop_assert_eq!(bytes, a.cmp(&b));
    }

    #[test]
    fn tuples_with_the_same_beginning_order_as_their_ends(head in tuple(), a in part(), b in part()) {
        let with = |part: &Part| encode(&head).then(&encode(std::slice::from_ref(part)));
        prop_assert_eq!(with(&a).cmp(&with(&b)), a.cmp(&b));
        prop_assert!(encode(&head) < with(&a), "a beginning comes before what it begins");
    }

    #[test]
    fn a_text_beginning_is_the_beginning_of_exactly_such_texts(text in text(), beginning in text()) {
        let key = IndexKey::new().int(7).text(&text);
        let prefix = IndexKey::new().int(7).text_beginning(&beginning);
        let begins = key.as_bytes().starts_with(prefix.as_bytes());
        prop_assert_eq!(begins, text.starts_with(&beginning));
    }

    #[test]
    fn any_bytes_can_be_shown(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = IndexKey::from_bytes(bytes).to_string();
    }

    #[test]
    fn no_text_makes_a_cursor_panic(text in "[A-Za-z0-9_-]{0,40}|\\PC{0,20}") {
        match text.parse::<Cursor>() {
            Ok(cursor) => prop_assert_eq!(cursor.to_string(), text),
            Err(error) => {
                let bad = matches!(error, StoreError::BadCursor { .. });
                prop_assert!(bad);
            }
        }
    }

    #[test]
    fn keys_are_refused_for_length_emptiness_and_control_characters_only(
        partition in prop_oneof!["\\PC{0,300}", any::<String>()],
        sort in prop_oneof!["\\PC{0,300}", any::<String>()],
    ) {
        let key = Key::of("c", partition.as_str()).child(sort.as_str());
        let allowed = !partition.is_empty()
            && key.len() <= limits::KEY_BYTES
            && !partition.chars().chain(sort.chars()).any(char::is_control);
        prop_assert_eq!(key.check().is_ok(), allowed);
    }
}

#[test]
fn keys_are_shown_as_people_write_them() {
    let key = IndexKey::new().text("ada \"x\"").int(-7).bool(true).time(Timestamp::UNIX_EPOCH);
    assert_eq!(key.to_string(), r#"("ada \"x\"", -7, true, 1970-01-01T00:00:00Z)"#);
    assert_eq!(Key::of("notes", "red").child("1").to_string(), "notes/red#1");
    assert_eq!(IndexKey::new().cmp(&IndexKey::new().bool(false)), Ordering::Less);
}
