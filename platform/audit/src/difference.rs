//! What differs between two JSON texts, as merge patches (RFC 7396) in both directions.

use serde_json::{Map, Value};

/// The patch that leads back and the one that leads on; none where there is no document on that side. Nothing when both
/// are the same.
pub(crate) fn patches(before: Option<Value>, after: Option<Value>) -> Option<(Option<Value>, Option<Value>)> {
    match (before, after) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => {
            let (back, on) = differing(before, after);
            Some((Some(back), Some(on)))
        }
        (None, None) => None,
        sides => Some(sides),
    }
}

fn differing(before: Value, after: Value) -> (Value, Value) {
    let (mut before, after) = match (before, after) {
        (Value::Object(before), Value::Object(after)) if !is_sealed(&before) && !is_sealed(&after) => {
            (before, after)
        }
        other => return other,
    };
    let (mut back, mut on) = (Map::new(), Map::new());
    for (field, new) in after {
        // Removing shifts, so that the order of what is left stays.
        match before.shift_remove(&field) {
            Some(old) if old == new => {}
            Some(old) => {
                let (old, new) = differing(old, new);
                back.insert(field.clone(), old);
                on.insert(field, new);
            }
            None => {
                back.insert(field.clone(), Value::Null);
                on.insert(field, new);
            }
        }
    }
    for (field, old) in before {
        on.insert(field.clone(), Value::Null);
        back.insert(field, old);
    }
    (Value::Object(back), Value::Object(on))
}

/// Whether these are the fields of a value that is sealed under a person's key: it changes as a whole.
pub fn is_sealed(fields: &Map<String, Value>) -> bool {
    fields.len() == 2 && fields.contains_key("person") && fields.contains_key("data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_told_in_both_directions() {
        let before =
            json!({"name": "Mug", "price": {"unit": "12.00", "kind": "gross"}, "tags": [1, 2], "old": 1});
        let after =
            json!({"name": "Mug", "price": {"unit": "9.99", "kind": "gross"}, "tags": [2], "new": true});
        let (back, on) = patches(Some(before), Some(after)).unwrap();
        assert_eq!(back, Some(json!({"price": {"unit": "12.00"}, "tags": [1, 2], "new": null, "old": 1})));
        assert_eq!(on, Some(json!({"price": {"unit": "9.99"}, "tags": [2], "new": true, "old": null})));
        assert_eq!(patches(Some(json!({"a": 1})), Some(json!({"a": 1}))), None);
        let sealed = |data: &str| json!({"profile": {"person": "per_1", "data": data}});
        let both = patches(Some(sealed("old")), Some(sealed("new")));
        assert_eq!(both, Some((Some(sealed("old")), Some(sealed("new")))));
        assert_eq!(patches(None, Some(json!({"a": 1}))), Some((None, Some(json!({"a": 1})))));
    }

    /// RFC 7396, section 2.
    fn merge(target: Value, patch: &Value) -> Value {
        let Value::Object(patch) = patch else { return patch.clone() };
        let mut target = if let Value::Object(target) = target { target } else { Map::new() };
        for (field, value) in patch {
            if value.is_null() {
                target.remove(field);
            } else {
                let old = target.remove(field).unwrap_or(Value::Null);
                target.insert(field.clone(), merge(old, value));
            }
        }
        Value::Object(target)
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        let tree = leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        });
        proptest::collection::btree_map("[a-d]", tree, 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn a_patch_leads_from_one_side_to_the_other(before in document(), after in document()) {
            match patches(Some(before.clone()), Some(after.clone())) {
                None => prop_assert_eq!(before, after),
                Some((back, on)) => {
                    prop_assert_eq!(merge(before.clone(), &on.unwrap()), after.clone());
                    prop_assert_eq!(merge(after, &back.unwrap()), before);
                }
            }
        }
    }
}
