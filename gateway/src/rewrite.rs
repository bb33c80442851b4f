//! Rewrites the planner asks for: fields it had to alias get their names back, types of interface objects are set.

use async_graphql::{Name, Value};
use hive_router_query_planner::planner::plan_nodes::{FetchNodePathSegment as Segment, FetchRewrite};

use crate::{schema::Schema, walk::typename};

pub(crate) fn rewrite_all(schema: &Schema, rewrites: &[FetchRewrite], value: &mut Value) {
    for rewrite in rewrites {
        match rewrite {
            FetchRewrite::ValueSetter(set) => at(schema, value, &set.path, &mut |v| {
                *v = Value::String(set.set_value_to.clone());
            }),
            FetchRewrite::KeyRenamer(rename) => {
                let Some((Segment::Key(from), path)) = rename.path.split_last() else { continue };
                if *from != rename.rename_key_to {
                    at(schema, value, path, &mut |v| rename_key(v, from, &rename.rename_key_to));
                }
            }
        }
    }
}

fn rename_key(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|v| rename_key(v, from, to)),
        Value::Object(object) => {
            if let Some(v) = object.shift_remove(from) {
                object.insert(Name::new(to), v);
            }
        }
        _ => {}
    }
}

fn at(schema: &Schema, value: &mut Value, path: &[Segment], f: &mut impl FnMut(&mut Value)) {
    let Some((segment, rest)) = path.split_first() else { return f(value) };
    match value {
        Value::List(items) => items.iter_mut().for_each(|v| at(schema, v, path, f)),
        Value::Object(object) => match segment {
            Segment::Key(key) => {
                if let Some(v) = object.get_mut(key.as_str()) {
                    at(schema, v, rest, f);
                }
            }
            Segment::TypenameEquals(types) => {
                if typename(object).is_none_or(|t| schema.satisfies_any(t, types)) {
                    at(schema, value, rest, f);
                }
            }
        },
        _ => {}
    }
}
