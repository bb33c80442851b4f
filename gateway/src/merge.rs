//! Takes the answer of a subgraph into the response.

use async_graphql::{PathSegment, Value};
use hive_router_query_planner::planner::plan_nodes::{FetchRewrite, FlattenNodePathSegment};

use crate::{
    error::ResponseError,
    rewrite::rewrite_all,
    schema::Schema,
    subgraph::SubResponse,
    walk::{deep_merge, visit_mut},
};

/// The response while it grows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) data: Value,
    pub(crate) errors: Vec<ResponseError>,
}

/// Where an answer belongs.
pub(crate) enum Merge<'p> {
    /// At a path (the root, mostly).
    Root { rewrites: Option<&'p [FetchRewrite]>, path: &'p [FlattenNodePathSegment] },
    /// Entities, spread over the objects they were asked for.
    Entities(Vec<Entities<'p>>),
}

/// The entities of one `_entities` field.
pub(crate) struct Entities<'p> {
    pub(crate) key: &'p str,
    pub(crate) rewrites: Option<&'p [FetchRewrite]>,
    /// For each path, which entity each object there gets.
    pub(crate) targets: Vec<(&'p [FlattenNodePathSegment], Vec<Option<usize>>)>,
}

impl State {
    /// Nothing yet.
    pub(crate) fn empty() -> Self {
        Self { data: Value::Object(Default::default()), errors: vec![] }
    }

    pub(crate) fn merge(&mut self, schema: &Schema, mut response: SubResponse, merge: Merge<'_>) {
        match merge {
            Merge::Root { rewrites, path } => {
                rewrite_all(schema, rewrites.unwrap_or_default(), &mut response.data);
                if path.is_empty() {
                    deep_merge(&mut self.data, response.data);
                } else {
                    visit_mut(schema, &mut self.data, path, &mut vec![], &mut |target, _| {
                        deep_merge(target, response.data.clone());
                    });
                }
            }
            Merge::Entities(all) => {
                for entities in all {
                    self.merge_entities(schema, &mut response, &entities);
                }
                // What names no entity of ours must not be lost, but its path is one of the subgraph's operation.
                for error in &mut response.errors {
                    error.path.clear();
                }
            }
        }
        self.errors.append(&mut response.errors);
    }

    fn merge_entities(&mut self, schema: &Schema, response: &mut SubResponse, to: &Entities<'_>) {
        let mut found = match &mut response.data {
            Value::Object(data) => match data.get_mut(to.key) {
                Some(Value::List(list)) => std::mem::take(list),
                _ => vec![],
            },
            _ => vec![],
        };
        if let Some(rewrites) = to.rewrites {
            found.iter_mut().for_each(|entity| rewrite_all(schema, rewrites, entity));
        }
        let (mine, others): (Vec<_>, Vec<_>) =
            response.errors.drain(..).partition(|e| matches!(split(e), Some((key, ..)) if key == to.key));
        response.errors = others;

        // An entity is cloned for all its objects but the last, which takes it.
        let mut uses = vec![0u32; found.len()];
        for index in to.targets.iter().flat_map(|(_, t)| t).flatten() {
            if let Some(n) = uses.get_mut(*index) {
                *n += 1;
            }
        }
        for (path, targets) in &to.targets {
            let mut targets = targets.iter();
            visit_mut(schema, &mut self.data, path, &mut vec![], &mut |target, at| {
                let Some(index) = targets.next().copied().flatten() else { return };
                for error in &mine {
                    let Some((_, i, rest)) = split(error) else { continue };
                    if i == index {
                        let path = at.iter().chain(rest).cloned().collect();
                        self.errors.push(error.clone().at(path));
                    }
                }
                if let (Some(entity), Some(left)) = (found.get_mut(index), uses.get_mut(index)) {
                    *left = left.saturating_sub(1);
                    let entity = if *left == 0 { std::mem::take(entity) } else { entity.clone() };
                    deep_merge(target, entity);
                }
            });
        }
    }
}

/// The alias, the index and the rest of the path of an error in `_entities`.
fn split(error: &ResponseError) -> Option<(&str, usize, &[PathSegment])> {
    match error.path.as_slice() {
        [PathSegment::Field(key), PathSegment::Index(index), rest @ ..] => Some((key, *index, rest)),
        _ => None,
    }
}
