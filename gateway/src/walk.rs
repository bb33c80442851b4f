//! Ways through the growing response.

use async_graphql::{Name, PathSegment, Value, indexmap::IndexMap};
use hive_router_query_planner::planner::plan_nodes::FlattenNodePathSegment as Segment;

use crate::schema::Schema;

pub(crate) type Object = IndexMap<Name, Value>;

pub(crate) fn typename(object: &Object) -> Option<&str> {
    match object.get("__typename") {
        Some(Value::String(name)) => Some(name),
        _ => None,
    }
}

/// Every value at the end of `path`, in order.
pub(crate) fn visit(schema: &Schema, value: &Value, path: &[Segment], f: &mut impl FnMut(&Value)) {
    let Some((segment, rest)) = path.split_first() else {
        return match value {
            Value::List(items) => items.iter().for_each(f),
            value => f(value),
        };
    };
    match (segment, value) {
        (Segment::List, Value::List(items)) => items.iter().for_each(|v| visit(schema, v, rest, f)),
        (Segment::Field(name), Value::Object(object)) => {
            if let Some(v) = object.get(name.as_str()) {
                visit(schema, v, rest, f);
            }
        }
        (Segment::TypeCondition(types), Value::Object(object))
            if typename(object).is_none_or(|t| schema.satisfies_any(t, types)) =>
        {
            visit(schema, value, rest, f);
        }
        (Segment::TypeCondition(_), Value::List(items)) => {
            items.iter().for_each(|v| visit(schema, v, path, f));
        }
        _ => {}
    }
}

/// The same values in the same order as [`visit`], to change, each with its path in the response.
pub(crate) fn visit_mut(
    schema: &Schema,
    value: &mut Value,
    path: &[Segment],
    at: &mut Vec<PathSegment>,
    f: &mut impl FnMut(&mut Value, &[PathSegment]),
) {
    let Some((segment, rest)) = path.split_first() else {
        return match value {
            Value::List(items) => each(items, at, &mut |v, at| f(v, at)),
            value => f(value, at),
        };
    };
    match (segment, value) {
        (Segment::List, Value::List(items)) => {
            each(items, at, &mut |v, at| visit_mut(schema, v, rest, at, f));
        }
        (Segment::Field(name), Value::Object(object)) => {
            if let Some(v) = object.get_mut(name.as_str()) {
                at.push(PathSegment::Field(name.clone()));
                visit_mut(schema, v, rest, at, f);
                at.pop();
            }
        }
        (Segment::TypeCondition(_), Value::List(items)) => {
            each(items, at, &mut |v, at| visit_mut(schema, v, path, at, f));
        }
        (Segment::TypeCondition(types), value @ Value::Object(_)) => {
            let Value::Object(object) = &*value else { return };
            if typename(object).is_none_or(|t| schema.satisfies_any(t, types)) {
                visit_mut(schema, value, rest, at, f);
            }
        }
        _ => {}
    }
}

fn each(
    items: &mut [Value],
    at: &mut Vec<PathSegment>,
    f: &mut dyn FnMut(&mut Value, &mut Vec<PathSegment>),
) {
    for (i, item) in items.iter_mut().enumerate() {
        at.push(PathSegment::Index(i));
        f(item, at);
        at.pop();
    }
}

/// Adds what `source` knows to `target`. A null adds nothing: another subgraph may have had the value.
pub(crate) fn deep_merge(target: &mut Value, source: Value) {
    match (target, source) {
        (_, Value::Null) => {}
        (Value::Object(target), Value::Object(source)) => {
            if target.is_empty() {
                *target = source;
                return;
            }
            for (key, value) in source {
                match target.get_mut(&key) {
                    Some(known) => deep_merge(known, value),
                    None => {
                        target.insert(key, value);
                    }
                }
            }
        }
        (Value::List(target), Value::List(source)) => {
            target.iter_mut().zip(source).for_each(|(t, s)| deep_merge(t, s));
        }
        (target, source) => *target = source,
    }
}
