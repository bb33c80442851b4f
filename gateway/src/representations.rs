//! Representations for `_entities`: what a subgraph needs to know to find an entity. Equal ones are asked once.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use async_graphql::{Name, Value};
use hive_router_query_planner::{
    ast::selection_item::SelectionItem,
    planner::plan_nodes::{FetchRewrite, FlattenNodePathSegment},
};

use crate::{
    rewrite::rewrite_all,
    schema::Schema,
    walk::{Object, typename, visit},
};

#[derive(Default)]
pub(crate) struct Representations {
    pub(crate) list: Vec<Value>,
    index: HashMap<u64, Vec<usize>>,
}

impl Representations {
    /// Takes a representation of every object at `path`. The result says for each of them, in order, which
    /// representation is its own, if it has one.
    pub(crate) fn collect(
        &mut self,
        schema: &Schema,
        data: &Value,
        path: &[FlattenNodePathSegment],
        requires: &[SelectionItem],
        rewrites: Option<&[FetchRewrite]>,
    ) -> Vec<Option<usize>> {
        let mut targets = vec![];
        visit(schema, data, path, &mut |object| {
            let representation = match rewrites {
                Some(rewrites) => {
                    let mut object = object.clone();
                    rewrite_all(schema, rewrites, &mut object);
                    project(schema, requires, &object)
                }
                None => project(schema, requires, object),
            };
            targets.push(representation.map(|r| self.add(r)));
        });
        targets
    }

    fn add(&mut self, representation: Value) -> usize {
        let mut hasher = DefaultHasher::new();
        hash(&representation, &mut hasher);
        let slot = self.index.entry(hasher.finish()).or_default();
        if let Some(known) = slot.iter().find(|i| self.list.get(**i) == Some(&representation)) {
            return *known;
        }
        slot.push(self.list.len());
        self.list.push(representation);
        self.list.len() - 1
    }
}

fn hash<H: Hasher>(value: &Value, h: &mut H) {
    std::mem::discriminant(value).hash(h);
    match value {
        Value::String(s) => s.hash(h),
        Value::Enum(s) => s.hash(h),
        Value::Number(n) => n.hash(h),
        Value::Boolean(b) => b.hash(h),
        Value::List(items) => items.iter().for_each(|v| hash(v, h)),
        Value::Object(object) => object.iter().for_each(|(k, v)| {
            k.hash(h);
            hash(v, h);
        }),
        Value::Null | Value::Binary(_) => {}
    }
}

/// The part of a value that `requires` selects; `None` when there is nothing to ask for.
fn project(schema: &Schema, requires: &[SelectionItem], value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::List(items) => {
            Some(Value::List(items.iter().filter_map(|v| project(schema, requires, v)).collect()))
        }
        Value::Object(_) if requires.is_empty() => Some(value.clone()),
        Value::Object(object) => {
            let mut out = Object::new();
            project_object(schema, requires, object, &mut out);
            (!out.is_empty()).then_some(Value::Object(out))
        }
        value => Some(value.clone()),
    }
}

fn project_object(schema: &Schema, requires: &[SelectionItem], object: &Object, out: &mut Object) {
    let known_type = object.get_key_value("__typename");
    if let ([SelectionItem::Field(only)], Some((typename, ty))) = (requires, known_type)
        && only.selection_identifier() == "__typename"
    {
        out.insert(typename.clone(), ty.clone());
        return;
    }
    for item in requires {
        match item {
            SelectionItem::Field(field) => {
                let key = field.selection_identifier();
                if key == "__typename" {
                    continue;
                }
                let known = object.get_key_value(field.name.as_str()).or_else(|| object.get_key_value(key));
                let Some((name, value)) = known else { continue };
                if let (true, Some((typename, ty))) = (out.is_empty(), known_type) {
                    out.insert(typename.clone(), ty.clone());
                }
                let value = match value {
                    Value::Null => Some(Value::Null),
                    value => project(schema, &field.selections.items, value),
                };
                if let Some(value) = value {
                    // A name that is there already is shared, not made.
                    let name = if name.as_str() == key { name.clone() } else { Name::new(key) };
                    out.insert(name, value);
                }
            }
            SelectionItem::InlineFragment(fragment) => {
                let condition = fragment.type_condition.as_str();
                let ty = typename(object).unwrap_or(condition);
                if schema.satisfies(ty, condition) || schema.satisfies(condition, ty) {
                    project_object(schema, &fragment.selections.items, object, out);
                }
            }
            SelectionItem::FragmentSpread(_) => {}
        }
    }
}
