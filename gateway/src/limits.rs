//! Measures a document before anything expensive looks at it.
//!
//! A fragment is measured once however often it is spread, so a document whose fragments would unfold to
//! millions of fields is measured in time linear in its text.

mod costs;
mod walk;

use std::collections::HashMap;

pub use costs::CostError;
pub(crate) use costs::{Costs, DEFINITIONS as COST_DEFINITIONS, ListSize, is_cost};

use async_graphql::Variables;
use graphql_tools::parser::query as q;

use crate::{
    config::Limits,
    error::{ErrorCode, GatewayError},
    operation::{self, Document, Operation, SelectionSet},
    schema::Schema,
};
use walk::{Measure, Walk};

/// Introspection lists that may contain each other; beyond this the answer grows with a power of the schema.
const INTROSPECTION_LISTS: u32 = 2;

/// What operations are measured by.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) costs: &'a Costs,
    pub(crate) limits: &'a Limits,
}

/// Refuses a document with an operation that is larger than allowed, also one that is not asked for: validation looks at all
/// of them. The number of fields is that of all operations together. Variables are not known when an operation is planned:
/// the result says whether they decide about a cost, which is to be measured with [`check_complexity`] then. The document
/// must be free of fragment cycles.
pub(crate) fn check(rules: Rules<'_>, document: &Document) -> Result<bool, GatewayError> {
    let (mut selections, mut varies) = (0u32, false);
    for operation in operation::operations(document) {
        let mut walk = Walk::new(rules, document, None);
        let mut total = walk.operation(operation);
        selections = selections.saturating_add(total.selections);
        total.selections = selections;
        // What variables decide is measured when they are known.
        if walk.varies {
            total.complexity = 0;
        }
        varies |= walk.varies;
        within(rules.limits, total, walk.root_fields(operation::selection_set(operation)))?;
    }
    Ok(varies)
}

fn within(limits: &Limits, total: Measure, roots: u32) -> Result<(), GatewayError> {
    let table: [(ErrorCode, &str, u64, u64); 6] = [
        (ErrorCode::LimitDepth, "a depth of", total.depth.into(), limits.depth.into()),
        (
            ErrorCode::LimitSelections,
            "a number of fields of",
            total.selections.into(),
            limits.selections.into(),
        ),
        (ErrorCode::LimitAliases, "a number of aliases of", total.aliases.into(), limits.aliases.into()),
        (
            ErrorCode::LimitDirectives,
            "a number of directives of",
            total.directives.into(),
            limits.directives.into(),
        ),
        (ErrorCode::LimitRootFields, "a number of root fields of", roots.into(), limits.root_fields.into()),
        (ErrorCode::LimitComplexity, "a complexity of", total.complexity, limits.complexity),
    ];
    if let Some((code, what, found, limit)) = table.into_iter().find(|(_, _, found, limit)| found > limit) {
        let message = format!("The operation has {what} {found}; at most {limit} is allowed.");
        return Err(GatewayError::new(code, message));
    }
    if total.introspection_lists > INTROSPECTION_LISTS {
        let message = "Introspection lists are nested too deep.";
        return Err(GatewayError::new(ErrorCode::LimitIntrospection, message));
    }
    Ok(())
}

/// Refuses an operation whose complexity with these variables is too high, or a list of which says its size not at all
/// or more than once where it has to say it once.
pub(crate) fn check_complexity(
    rules: Rules<'_>,
    document: &Document,
    operation: &Operation,
    variables: &Variables,
) -> Result<(), GatewayError> {
    let limit = rules.limits.complexity;
    let mut walk = Walk::new(rules, document, Some(variables));
    let found = walk.operation(operation).complexity;
    if let Some(field) = walk.unsized_list {
        let message =
            format!("{field} has to be given exactly one of the arguments that say how long it is.");
        return Err(GatewayError::new(ErrorCode::LimitListSize, message));
    }
    if found <= limit {
        return Ok(());
    }
    let message = format!("The operation has a complexity of {found}; at most {limit} is allowed.");
    Err(GatewayError::new(ErrorCode::LimitComplexity, message))
}

/// Whether a fragment contains itself. Everything that walks fragments relies on a `false` here.
pub(crate) fn has_fragment_cycle(document: &Document) -> bool {
    fn spreads<'d>(set: &'d SelectionSet, out: &mut Vec<&'d str>) {
        for item in &set.items {
            match item {
                q::Selection::Field(f) => spreads(&f.selection_set, out),
                q::Selection::InlineFragment(f) => spreads(&f.selection_set, out),
                q::Selection::FragmentSpread(f) => out.push(&f.fragment_name),
            }
        }
    }
    let mut open: HashMap<&str, Vec<&str>> = HashMap::new();
    for fragment in operation::fragments(document) {
        let mut out = vec![];
        spreads(&fragment.selection_set, &mut out);
        open.insert(&fragment.name, out);
    }
    // Take away fragments that lead to no open one, until nothing changes: what stays is on or behind a cycle.
    loop {
        let done: Vec<&str> = open
            .iter()
            .filter(|(_, to)| to.iter().all(|name| !open.contains_key(name)))
            .map(|(name, _)| *name)
            .collect();
        if done.is_empty() {
            return !open.is_empty();
        }
        for name in done {
            open.remove(name);
        }
    }
}
