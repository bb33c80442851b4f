//! Short ways into the syntax tree of a client's document.

use async_graphql::{Name, Value};
use graphql_tools::parser::query as q;

use crate::error::{ErrorCode, GatewayError};

pub(crate) type Document = q::Document<'static, String>;
pub(crate) type Operation = q::OperationDefinition<'static, String>;
pub(crate) type Fragment = q::FragmentDefinition<'static, String>;
pub(crate) type Field = q::Field<'static, String>;
pub(crate) type Selection = q::Selection<'static, String>;
pub(crate) type SelectionSet = q::SelectionSet<'static, String>;
pub(crate) type Directive = q::Directive<'static, String>;
pub(crate) type VariableDefinition = q::VariableDefinition<'static, String>;
pub(crate) type Literal = q::Value<'static, String>;
pub(crate) type TypeCondition = q::TypeCondition<'static, String>;

/// Query, mutation or subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Writes, one root field after the other.
    Mutation,
    /// Listens.
    Subscription,
}

pub(crate) fn kind(operation: &Operation) -> OperationKind {
    match operation {
        q::OperationDefinition::SelectionSet(_) | q::OperationDefinition::Query(_) => OperationKind::Query,
        q::OperationDefinition::Mutation(_) => OperationKind::Mutation,
        q::OperationDefinition::Subscription(_) => OperationKind::Subscription,
    }
}

pub(crate) fn name(operation: &Operation) -> Option<&str> {
    match operation {
        q::OperationDefinition::SelectionSet(_) => None,
        q::OperationDefinition::Query(o) => o.name.as_deref(),
        q::OperationDefinition::Mutation(o) => o.name.as_deref(),
        q::OperationDefinition::Subscription(o) => o.name.as_deref(),
    }
}

pub(crate) fn selection_set(operation: &Operation) -> &SelectionSet {
    match operation {
        q::OperationDefinition::SelectionSet(s) => s,
        q::OperationDefinition::Query(o) => &o.selection_set,
        q::OperationDefinition::Mutation(o) => &o.selection_set,
        q::OperationDefinition::Subscription(o) => &o.selection_set,
    }
}

pub(crate) fn variable_definitions(operation: &Operation) -> &[VariableDefinition] {
    match operation {
        q::OperationDefinition::SelectionSet(_) => &[],
        q::OperationDefinition::Query(o) => &o.variable_definitions,
        q::OperationDefinition::Mutation(o) => &o.variable_definitions,
        q::OperationDefinition::Subscription(o) => &o.variable_definitions,
    }
}

pub(crate) fn operations(document: &Document) -> impl Iterator<Item = &Operation> {
    document.definitions.iter().filter_map(|d| match d {
        q::Definition::Operation(o) => Some(o),
        q::Definition::Fragment(_) => None,
    })
}

pub(crate) fn fragments(document: &Document) -> impl Iterator<Item = &Fragment> {
    document.definitions.iter().filter_map(|d| match d {
        q::Definition::Fragment(f) => Some(f),
        q::Definition::Operation(_) => None,
    })
}

/// The operation that `operationName` means (GetOperation of the GraphQL specification).
pub(crate) fn select<'d>(
    document: &'d Document,
    wanted: Option<&str>,
) -> Result<&'d Operation, GatewayError> {
    let fail = |message: String| Err(GatewayError::new(ErrorCode::OperationResolutionFailure, message));
    match wanted {
        Some(wanted) => match operations(document).find(|o| name(o) == Some(wanted)) {
            Some(operation) => Ok(operation),
            None => fail(format!("Unknown operation named \"{wanted}\".")),
        },
        None => {
            let mut all = operations(document);
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(only),
                (None, _) => fail("The document has no operation.".into()),
                _ => fail("Must provide operation name if query contains multiple operations.".into()),
            }
        }
    }
}

/// The condition of `@skip`/`@include`: a constant, or a variable and the value at which the selection counts.
pub(crate) enum Condition<'d> {
    Constant(bool),
    Variable(&'d str, bool),
}

/// The conditions under which a selection with these directives counts.
pub(crate) fn conditions(directives: &[Directive]) -> impl Iterator<Item = Condition<'_>> {
    directives.iter().filter_map(|d| {
        let counts_when = match d.name.as_str() {
            "include" => true,
            "skip" => false,
            _ => return None,
        };
        match d.arguments.iter().find(|(name, _)| name == "if").map(|(_, value)| value) {
            Some(q::Value::Boolean(b)) => Some(Condition::Constant(*b == counts_when)),
            Some(q::Value::Variable(v)) => Some(Condition::Variable(v, counts_when)),
            _ => None,
        }
    })
}

/// A literal without variables as a value.
pub(crate) fn constant(literal: &Literal) -> Value {
    match literal {
        q::Value::Int(i) => Value::from(i.as_i64().unwrap_or_default()),
        q::Value::Float(f) => Value::from(*f),
        q::Value::String(s) => Value::String(s.clone()),
        q::Value::Boolean(b) => Value::Boolean(*b),
        q::Value::Enum(e) => Value::Enum(Name::new(e)),
        q::Value::List(l) => Value::List(l.iter().map(constant).collect()),
        q::Value::Object(o) => Value::Object(o.iter().map(|(k, v)| (Name::new(k), constant(v))).collect()),
        q::Value::Null | q::Value::Variable(_) => Value::Null,
    }
}
