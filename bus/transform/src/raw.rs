//! JSON as text: what is taken out of an event is taken as it is written there.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The members of an object, in order, as they are written.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'a> Deserialize<'a> for Members<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'a> Visitor<'a> for Object {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
                let mut members = vec![];
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The member of an object; the last, if there are several of the name.
pub(crate) fn member<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let Members(members) = serde_json::from_str(json).ok()?;
    members.into_iter().rfind(|(name, _)| name == key).map(|(_, value)| value.get())
}

/// The members of a list.
pub(crate) fn elements(json: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// # Errors
/// If the text is not JSON. It may nest as deep as it likes.
pub(crate) fn check(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ())
}

/// Without blanks and quotes, as EventBridge writes objects and lists into text: `{id:O-1,tags:[a,b]}`.
pub(crate) fn without_quotes(json: &str, into: &mut String) {
    let (mut quoted, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' | '\n' | '\r' if !quoted => {}
            c => into.push(c),
        }
        escaped = quoted && c == '\\' && !escaped;
    }
}
