//! Measures a document before anything expensive looks at it.
//!
//! A fragment is measured once however often it is spread, so a document whose fragments would unfold to
//! millions of fields is measured in time linear in its text.

use std::collections::HashMap;

use async_graphql::{Name, Value, Variables};
use graphql_tools::parser::query as q;

use crate::{
    config::Limits,
    error::{ErrorCode, GatewayError},
    operation::{self, Document, Field, Fragment, Operation, OperationKind, SelectionSet, TypeCondition},
    schema::Schema,
};

/// Introspection lists that may contain each other; beyond this the answer grows with a power of the schema.
const INTROSPECTION_LISTS: u32 = 2;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Measure {
    depth: u32,
    aliases: u32,
    directives: u32,
    selections: u32,
    introspection_lists: u32,
    complexity: u64,
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.selections = self.selections.saturating_add(other.selections);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
        self.complexity = self.complexity.saturating_add(other.complexity);
    }
}

/// Refuses an operation that is larger than allowed. Variables are not known when an operation is planned:
/// list sizes given by them count as usual ones here and are measured again with [`check_complexity`].
/// The document must be free of fragment cycles.
pub(crate) fn check(
    schema: &Schema,
    document: &Document,
    operation: &Operation,
    limits: &Limits,
) -> Result<(), GatewayError> {
    let mut walk = Walk::new(schema, document, limits, None);
    let total = walk.operation(operation);
    let roots = walk.root_fields(operation::selection_set(operation));
    let refuse = |code, what: &str, found: u64, limit: u64| {
        let message = format!("The operation has {what} {found}; at most {limit} is allowed.");
        Err(GatewayError::new(code, message))
    };
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
    for (code, what, found, limit) in table {
        if found > limit {
            return refuse(code, what, found, limit);
        }
    }
    if total.introspection_lists > INTROSPECTION_LISTS {
        return Err(GatewayError::new(
            ErrorCode::LimitIntrospection,
            "Introspection lists are nested too deep.",
        ));
    }
    Ok(())
}

/// Whether list sizes of the operation come from variables, so that its complexity depends on them.
pub(crate) fn depends_on_variables(document: &Document) -> bool {
    fn in_set(set: &SelectionSet) -> bool {
        set.items.iter().any(|item| match item {
            q::Selection::Field(f) => {
                let sized = |(name, value): &(String, q::Value<'static, String>)| {
                    is_size(name) && matches!(value, q::Value::Variable(_))
                };
                f.arguments.iter().any(sized) || in_set(&f.selection_set)
            }
            q::Selection::InlineFragment(f) => in_set(&f.selection_set),
            q::Selection::FragmentSpread(_) => false,
        })
    }
    operation::operations(document).any(|o| in_set(operation::selection_set(o)))
        || operation::fragments(document).any(|f| in_set(&f.selection_set))
}

/// Refuses an operation whose complexity with these variables is too high.
pub(crate) fn check_complexity(
    schema: &Schema,
    document: &Document,
    operation: &Operation,
    limits: &Limits,
    variables: &Variables,
) -> Result<(), GatewayError> {
    let found = Walk::new(schema, document, limits, Some(variables)).operation(operation).complexity;
    if found <= limits.complexity {
        return Ok(());
    }
    let message =
        format!("The operation has a complexity of {found}; at most {} is allowed.", limits.complexity);
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

fn is_size(argument: &str) -> bool {
    matches!(argument, "first" | "last")
}

struct Walk<'a> {
    schema: &'a Schema,
    limits: &'a Limits,
    variables: Option<&'a Variables>,
    fragments: HashMap<&'a str, &'a Fragment>,
    measured: HashMap<(&'a str, bool), Measure>,
}

impl<'a> Walk<'a> {
    fn new(
        schema: &'a Schema,
        document: &'a Document,
        limits: &'a Limits,
        variables: Option<&'a Variables>,
    ) -> Self {
        let fragments = operation::fragments(document).map(|f| (f.name.as_str(), f)).collect();
        Self { schema, limits, variables, fragments, measured: HashMap::new() }
    }

    fn operation(&mut self, operation: &'a Operation) -> Measure {
        let schema = self.schema;
        let root = match operation::kind(operation) {
            OperationKind::Query => Some(schema.query.as_str()),
            OperationKind::Mutation => schema.mutation.as_deref(),
            OperationKind::Subscription => schema.subscription.as_deref(),
        };
        self.set(root.unwrap_or_default(), operation::selection_set(operation), false)
    }

    /// `sized`: an argument of the field above has already said how long the list below is (`edges`, `nodes`).
    fn set(&mut self, ty: &str, set: &'a SelectionSet, sized: bool) -> Measure {
        let mut total = Measure::default();
        for item in &set.items {
            match item {
                q::Selection::Field(field) => total.add(self.field(ty, field, sized)),
                q::Selection::InlineFragment(inline) => {
                    total.directives = total.directives.saturating_add(count(&inline.directives));
                    let on = inline.type_condition.as_ref().map(|TypeCondition::On(name)| name.as_str());
                    total.add(self.set(on.unwrap_or(ty), &inline.selection_set, sized));
                }
                q::Selection::FragmentSpread(spread) => {
                    total.directives = total.directives.saturating_add(count(&spread.directives));
                    total.add(self.fragment(&spread.fragment_name, sized));
                }
            }
        }
        total
    }

    fn fragment(&mut self, name: &'a str, sized: bool) -> Measure {
        if let Some(known) = self.measured.get(&(name, sized)) {
            return *known;
        }
        let Some(fragment) = self.fragments.get(name).copied() else { return Measure::default() };
        let TypeCondition::On(on) = &fragment.type_condition;
        let measure = self.set(on, &fragment.selection_set, sized);
        self.measured.insert((name, sized), measure);
        measure
    }

    fn field(&mut self, ty: &str, field: &'a Field, sized: bool) -> Measure {
        let schema = self.schema;
        let def = schema.field(ty, &field.name);
        let size = self.size(field);
        let below_type = def.map_or("", |d| d.ty.name());
        let list = def.is_some_and(|d| d.ty.is_list());
        // A connection is no list: its size is that of the list just below it.
        let below = self.set(below_type, &field.selection_set, size.is_some() && !list);
        let introspection = ty.starts_with("__") || field.name.starts_with("__");
        let composite = !field.selection_set.items.is_empty();
        let times = match size {
            Some(size) => size,
            None if list && !sized => self.limits.assumed_list_size,
            None => 1,
        };
        let cost = below.complexity.saturating_add(u64::from(composite));
        let deep = matches!(field.name.as_str(), "fields" | "inputFields" | "interfaces" | "possibleTypes");
        Measure {
            // Types refer to types through many `ofType`; the standard introspection query is deep by nature.
            depth: if introspection { 0 } else { below.depth.saturating_add(1) },
            aliases: below.aliases.saturating_add(u32::from(field.alias.is_some())),
            directives: below.directives.saturating_add(count(&field.directives)),
            selections: below.selections.saturating_add(1),
            introspection_lists: below.introspection_lists + u32::from(introspection && deep),
            complexity: if introspection { 0 } else { cost.saturating_mul(times) },
        }
    }

    fn size(&self, field: &Field) -> Option<u64> {
        let (_, value) = field.arguments.iter().find(|(name, _)| is_size(name))?;
        match value {
            q::Value::Int(n) => n.as_i64().and_then(|n| u64::try_from(n).ok()),
            q::Value::Variable(name) => match self.variables?.get(&Name::new(name)) {
                Some(Value::Number(n)) => n.as_u64(),
                _ => None,
            },
            _ => None,
        }
    }

    fn root_fields(&self, set: &'a SelectionSet) -> u32 {
        let mut total = 0u32;
        for item in &set.items {
            total = total.saturating_add(match item {
                q::Selection::Field(_) => 1,
                q::Selection::InlineFragment(inline) => self.root_fields(&inline.selection_set),
                q::Selection::FragmentSpread(spread) => {
                    match self.fragments.get(spread.fragment_name.as_str()) {
                        Some(fragment) => self.root_fields(&fragment.selection_set),
                        None => 0,
                    }
                }
            });
            // Enough to refuse; going on could take as long as the attacker likes.
            if total > self.limits.root_fields {
                return total;
            }
        }
        total
    }
}

fn count(directives: &[operation::Directive]) -> u32 {
    u32::try_from(directives.len()).unwrap_or(u32::MAX)
}
