//! The walk that measures: depth, numbers and cost of everything below a selection.

use std::collections::HashMap;

use async_graphql::{Name, Value, Variables};
use graphql_tools::parser::query as q;

use super::{Costs, Rules};
use crate::{
    config::Limits,
    operation::{
        self, Document, Field, Fragment, Literal, Operation, OperationKind, SelectionSet, TypeCondition,
    },
    schema::{InputField, OutputField, Schema, TypeKind, TypeRef},
};

/// What a mutation costs before it does anything.
const MUTATION: u64 = 10;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) depth: u32,
    pub(super) aliases: u32,
    pub(super) directives: u32,
    pub(super) selections: u32,
    pub(super) introspection_lists: u32,
    pub(super) complexity: u64,
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

/// Arguments that say how long a list is where no `@listSize` does: those of Relay's connections.
const RELAY: [&str; 2] = ["first", "last"];

/// How long a list just below a field is, as an argument of the field says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Sized<'a> {
    size: u64,
    /// Which fields are the list; all lists when nothing is said.
    fields: Option<&'a [String]>,
}

pub(super) struct Walk<'a> {
    schema: &'a Schema,
    costs: &'a Costs,
    limits: &'a Limits,
    variables: Option<&'a Variables>,
    fragments: HashMap<&'a str, &'a Fragment>,
    measured: HashMap<(&'a str, Option<Sized<'a>>), Measure>,
    /// Variables decide about costs.
    pub(super) varies: bool,
    /// A list that does not say how long it is, though it has to.
    pub(super) unsized_list: Option<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(rules: Rules<'a>, document: &'a Document, variables: Option<&'a Variables>) -> Self {
        let Rules { schema, costs, limits } = rules;
        let fragments = operation::fragments(document).map(|f| (f.name.as_str(), f)).collect();
        let measured = HashMap::new();
        Self { schema, costs, limits, variables, fragments, measured, varies: false, unsized_list: None }
    }

    pub(super) fn operation(&mut self, operation: &'a Operation) -> Measure {
        let schema = self.schema;
        let (root, weight) = match operation::kind(operation) {
            OperationKind::Query => (Some(schema.query.as_str()), 0),
            OperationKind::Mutation => (schema.mutation.as_deref(), MUTATION),
            OperationKind::Subscription => (schema.subscription.as_deref(), 0),
        };
        let root = root.unwrap_or_default();
        let mut total = self.set(root, operation::selection_set(operation), None);
        let weight = self.costs.of_type(root).unwrap_or(weight);
        total.complexity = total.complexity.saturating_add(weight);
        total
    }

    fn set(&mut self, ty: &str, set: &'a SelectionSet, sized: Option<Sized<'a>>) -> Measure {
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

    fn fragment(&mut self, name: &'a str, sized: Option<Sized<'a>>) -> Measure {
        if let Some(known) = self.measured.get(&(name, sized)) {
            return *known;
        }
        let Some(fragment) = self.fragments.get(name).copied() else { return Measure::default() };
        let TypeCondition::On(on) = &fragment.type_condition;
        let measure = self.set(on, &fragment.selection_set, sized);
        self.measured.insert((name, sized), measure);
        measure
    }

    fn field(&mut self, ty: &str, field: &'a Field, sized: Option<Sized<'a>>) -> Measure {
        let schema = self.schema;
        let def = schema.field(ty, &field.name);
        let list = def.is_some_and(|d| d.ty.is_list());
        let below_type = def.map_or("", |d| d.ty.name());
        let introspection = ty.starts_with("__") || field.name.starts_with("__");
        let (times, below) = self.sizes(ty, field, list, sized);
        let below = self.set(below_type, &field.selection_set, below);
        let weight = self.costs.of_field(ty, &field.name).or_else(|| self.costs.of_type(below_type));
        let weight = weight.unwrap_or(u64::from(schema.is_composite(below_type)));
        let arguments = def.map_or(0, |def| self.arguments(ty, field, def));
        let each = below.complexity.saturating_add(weight);
        let deep = matches!(field.name.as_str(), "fields" | "inputFields" | "interfaces" | "possibleTypes");
        Measure {
            // Types refer to types through many `ofType`; the standard introspection query is deep by nature.
            depth: if introspection { 0 } else { below.depth.saturating_add(1) },
            aliases: below.aliases.saturating_add(u32::from(field.alias.is_some())),
            directives: below.directives.saturating_add(count(&field.directives)),
            selections: below.selections.saturating_add(1),
            introspection_lists: below.introspection_lists + u32::from(introspection && deep),
            complexity: if introspection { 0 } else { each.saturating_mul(times).saturating_add(arguments) },
        }
    }

    /// How many times what is below the field counts, and how long the lists just below it are.
    fn sizes(
        &mut self,
        ty: &str,
        field: &'a Field,
        list: bool,
        sized: Option<Sized<'a>>,
    ) -> (u64, Option<Sized<'a>>) {
        let given = sized.filter(|s| s.fields.map_or(list, |fields| fields.contains(&field.name)));
        let said = self.costs.list_size(ty, &field.name);
        let mut sizes = vec![];
        match said {
            Some(said) => {
                for path in &said.slicing {
                    sizes.extend(self.size(field, path));
                }
                // Without variables it cannot be known yet; with them every operation comes here.
                self.varies |= said.require_one;
                if said.require_one && self.variables.is_some() && sizes.len() != 1 {
                    self.unsized_list.get_or_insert_with(|| format!("{ty}.{}", field.name));
                }
            }
            None => {
                for name in RELAY {
                    sizes.extend(self.size(field, &[name.to_owned()]));
                }
            }
        }
        // A list of none may be a list of the usual size to who answers.
        let own = sizes.into_iter().max().or_else(|| said?.assumed).map(|size| size.max(1));
        match (own, said) {
            (Some(size), Some(said)) if !said.sized_fields.is_empty() => {
                (given.map_or(1, |g| g.size), Some(Sized { size, fields: Some(&said.sized_fields) }))
            }
            (Some(size), _) if list => (size, None),
            // A connection is no list: its size is that of the lists just below it.
            (Some(size), _) => (given.map_or(1, |g| g.size), Some(Sized { size, fields: None })),
            (None, _) => match given {
                Some(given) => (given.size, None),
                None if list => (self.limits.assumed_list_size, None),
                None => (1, None),
            },
        }
    }

    /// The size that an argument says, or a field of an argument.
    fn size(&mut self, field: &'a Field, path: &[String]) -> Option<u64> {
        let (name, path) = path.split_first()?;
        let mut literal = field.arguments.iter().find(|(n, _)| n == name).map(|(_, l)| l)?;
        for (depth, name) in path.iter().enumerate() {
            literal = match literal {
                q::Value::Object(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, l)| l)?,
                q::Value::Variable(variable) => return self.size_in_variable(variable, &path[depth..]),
                _ => return None,
            };
        }
        match literal {
            q::Value::Int(n) => n.as_i64().and_then(|n| u64::try_from(n).ok()),
            q::Value::Variable(variable) => self.size_in_variable(variable, &[]),
            _ => None,
        }
    }

    fn size_in_variable(&mut self, variable: &str, path: &[String]) -> Option<u64> {
        self.varies = true;
        let mut value = self.variables?.get(&Name::new(variable))?;
        for name in path {
            let Value::Object(fields) = value else { return None };
            value = fields.get(name.as_str())?;
        }
        match value {
            Value::Number(n) => n.as_u64(),
            _ => None,
        }
    }

    fn arguments(&mut self, ty: &str, field: &'a Field, def: &OutputField) -> u64 {
        let mut total = 0u64;
        for (name, literal) in &field.arguments {
            let Some(input) = def.arguments.iter().find(|a| a.name == *name) else { continue };
            let weight = self.costs.of_argument(ty, &field.name, name);
            total = total.saturating_add(self.literal(weight, &input.ty, literal));
        }
        total
    }

    fn literal(&mut self, weight: Option<u64>, ty: &TypeRef, literal: &'a Literal) -> u64 {
        match literal {
            q::Value::Null => 0,
            q::Value::Variable(name) => {
                if weight.is_none() && !self.is_input_object(ty) {
                    return 0;
                }
                self.varies = true;
                match self.variables.and_then(|v| v.get(&Name::new(name))) {
                    Some(value) => self.value(weight, ty, value),
                    None => 0,
                }
            }
            q::Value::List(items) => items.iter().fold(weight.unwrap_or(0), |total, item| {
                total.saturating_add(self.literal(weight, ty, item))
            }),
            q::Value::Object(fields) => {
                let Some(inputs) = self.input_fields(ty) else { return weight.unwrap_or(0) };
                let mut total = weight.unwrap_or(1);
                for (name, literal) in fields {
                    let Some(input) = inputs.get(name) else { continue };
                    let weight = self.costs.of_input(ty.name(), name);
                    total = total.saturating_add(self.literal(weight, &input.ty, literal));
                }
                total
            }
            _ => weight.unwrap_or(0),
        }
    }

    fn value(&self, weight: Option<u64>, ty: &TypeRef, value: &Value) -> u64 {
        match value {
            Value::Null => 0,
            Value::List(items) => items
                .iter()
                .fold(weight.unwrap_or(0), |total, item| total.saturating_add(self.value(weight, ty, item))),
            Value::Object(fields) => {
                let Some(inputs) = self.input_fields(ty) else { return weight.unwrap_or(0) };
                fields.iter().fold(weight.unwrap_or(1), |total, (name, value)| {
                    let cost = inputs.get(name.as_str()).map_or(0, |input| {
                        self.value(self.costs.of_input(ty.name(), name), &input.ty, value)
                    });
                    total.saturating_add(cost)
                })
            }
            _ => weight.unwrap_or(0),
        }
    }

    fn is_input_object(&self, ty: &TypeRef) -> bool {
        self.input_fields(ty).is_some()
    }

    fn input_fields(&self, ty: &TypeRef) -> Option<&'a indexmap::IndexMap<String, InputField>> {
        match &self.schema.get(ty.name())?.kind {
            TypeKind::InputObject { fields, .. } => Some(fields),
            _ => None,
        }
    }

    pub(super) fn root_fields(&self, set: &'a SelectionSet) -> u32 {
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
