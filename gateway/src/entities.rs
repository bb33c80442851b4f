//! Entity lookups that survive a failing entity.
//!
//! async-graphql (7.2.1) answers a whole `_entities` list with `null` when one entity is missing or fails, and
//! leaves the index out of error paths. Federation wants `null` at that index and nothing lost. So when the
//! answer to a batch is of that kind, the batch is asked again one entity at a time. Lookups are reads, so
//! asking again changes nothing.

use std::future::Future;

use async_graphql::{Name, PathSegment, Value, Variables, indexmap::IndexMap};
use futures_util::future::join_all;

use crate::{
    error::{ErrorCode, ResponseError},
    subgraph::{EntityField, SubResponse},
};

/// What async-graphql says when an entity resolver returns `None`.
const NOT_FOUND: &str = "Entity not found.";

/// Asks for a batch of entities.
pub(crate) async fn execute<F: Future<Output = SubResponse> + Send>(
    fields: &[EntityField],
    variables: Variables,
    call: impl Fn(Variables) -> F,
) -> SubResponse {
    let response = call(variables.clone()).await;
    if is_precise(fields, &response) {
        return response;
    }
    let singles = single_calls(fields, &variables);
    if let [single] = singles.as_slice() {
        let answers = vec![(single.variable, single.index, response)];
        return assemble(fields, answers);
    }
    let answers = singles.into_iter().map(|single| {
        let answer = call(single.variables);
        async move { (single.variable, single.index, answer.await) }
    });
    let answers = join_all(answers).await;
    assemble(fields, answers)
}

/// Whether every list is there, and every error says which entity it is about.
fn is_precise(fields: &[EntityField], response: &SubResponse) -> bool {
    // No answer at all is not an imprecise answer; asking a dead subgraph more often does not wake it.
    let unanswered = |e: &ResponseError| {
        [ErrorCode::SubgraphUnavailable, ErrorCode::SubgraphTimeout]
            .iter()
            .any(|c| e.code() == Some(c.as_str()))
    };
    if response.errors.is_empty() || response.errors.iter().any(unanswered) {
        return true;
    }
    let list = |key: &str| match &response.data {
        Value::Object(data) => matches!(data.get(key), Some(Value::List(_))),
        _ => false,
    };
    let indexed = |path: &[PathSegment]| matches!(path, [PathSegment::Field(_), PathSegment::Index(_), ..]);
    fields.iter().all(|f| list(&f.key)) && response.errors.iter().all(|e| indexed(&e.path))
}

/// The call for one entity of a batch.
struct Single<'a> {
    variable: &'a Name,
    index: usize,
    variables: Variables,
}

fn single_calls<'a>(fields: &'a [EntityField], variables: &Variables) -> Vec<Single<'a>> {
    let mut nobody = variables.clone();
    let mut names: Vec<&Name> = vec![];
    for field in fields {
        nobody.insert(field.variable.clone(), Value::List(vec![]));
        if !names.contains(&&field.variable) {
            names.push(&field.variable);
        }
    }
    let mut calls = vec![];
    for variable in names {
        let Some(Value::List(representations)) = variables.get(variable) else { continue };
        for (index, representation) in representations.iter().enumerate() {
            let mut variables = nobody.clone();
            variables.insert(variable.clone(), Value::List(vec![representation.clone()]));
            calls.push(Single { variable, index, variables });
        }
    }
    calls
}

/// Puts the answers to single calls together as the answer to the batch.
fn assemble(fields: &[EntityField], answers: Vec<(&Name, usize, SubResponse)>) -> SubResponse {
    let mut lists: IndexMap<&str, Vec<Value>> = fields.iter().map(|f| (f.key.as_str(), vec![])).collect();
    let mut errors = vec![];
    for (name, index, response) in answers {
        let mine = || fields.iter().filter(|f| f.variable == *name);
        for field in mine() {
            let entity = match &response.data {
                Value::Object(data) => match data.get(field.key.as_str()) {
                    Some(Value::List(list)) => list.first().cloned(),
                    _ => None,
                },
                _ => None,
            };
            if let Some(list) = lists.get_mut(field.key.as_str()) {
                list.push(entity.unwrap_or_default());
            }
        }
        for mut error in response.errors {
            if error.message == NOT_FOUND {
                continue;
            }
            match (error.path.is_empty(), mine().next()) {
                (true, Some(first)) => {
                    error.path = vec![PathSegment::Field(first.key.clone()), PathSegment::Index(index)]
                }
                _ => match error.path.get_mut(1) {
                    Some(PathSegment::Index(i)) => *i = index,
                    _ => error.path.insert(1.min(error.path.len()), PathSegment::Index(index)),
                },
            }
            errors.push(error);
        }
    }
    let data = lists.into_iter().map(|(key, list)| (Name::new(key), Value::List(list))).collect();
    SubResponse { data: Value::Object(data), errors }
}
