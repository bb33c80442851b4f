//! `@cost(weight:)` and `@listSize(…)`: what a field, an argument or a type costs, and how long a list is.
//!
//! The words are those of the GraphQL cost directives specification (IBM, draft of 2022), the defaults those of Apollo's
//! demand control: an object, interface or union costs 1, a scalar or enum 0, an input object 1, a mutation 10. Apollo
//! writes weights as integers, IBM and Hot Chocolate as strings; both are read, fractions rounded up, and what is
//! negative counts as 0, so that nobody lowers the cost of an operation by asking for more.

use std::collections::HashMap;

use async_graphql::{
    Positioned, Value,
    parser::{
        parse_schema,
        types::{ConstDirective, InputValueDefinition, TypeKind, TypeSystemDefinition},
    },
};

/// A cost directive that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct CostError {
    /// Where: a type, `Type.field` or `Type.field(argument)`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// How long the list of a field is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ListSize {
    /// When no argument says it.
    pub(crate) assumed: Option<u64>,
    /// Arguments that say it; of several the largest counts.
    pub(crate) slicing: Vec<Vec<String>>,
    /// Fields of the returned object that are the list, when the field is none itself.
    pub(crate) sized_fields: Vec<String>,
    /// Exactly one of `slicing` has to be given.
    pub(crate) require_one: bool,
}

impl ListSize {
    fn and(&mut self, other: Self) {
        self.assumed = self.assumed.max(other.assumed);
        self.slicing.extend(other.slicing);
        self.slicing.sort();
        self.slicing.dedup();
        self.sized_fields.extend(other.sized_fields);
        self.sized_fields.sort();
        self.sized_fields.dedup();
        self.require_one |= other.require_one;
    }
}

/// What a schema says about costs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Costs {
    types: HashMap<String, u64>,
    fields: HashMap<(String, String), Field>,
    inputs: HashMap<(String, String), u64>,
}

#[derive(Debug, Clone, Default)]
struct Field {
    weight: Option<u64>,
    list: Option<ListSize>,
    arguments: HashMap<String, u64>,
}

impl Field {
    fn and(&mut self, other: Self) {
        self.weight = self.weight.max(other.weight);
        for (argument, weight) in other.arguments {
            let known = self.arguments.entry(argument).or_default();
            *known = weight.max(*known);
        }
        match (&mut self.list, other.list) {
            (Some(list), Some(other)) => list.and(other),
            (list, other) => *list = list.take().or(other),
        }
    }
}

/// What [`Costs`] writes, defined; the supergraph needs it beside it.
pub(crate) const DEFINITIONS: &str = "
directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
";

/// Whether a directive is one of [`DEFINITIONS`].
pub(crate) fn is_cost(directive: &str) -> bool {
    matches!(directive, "cost" | "listSize")
}

impl Costs {
    /// Adds what a schema text says: that of a subgraph, or a supergraph. Where several say something, the larger counts.
    pub(crate) fn read(&mut self, sdl: &str) -> Result<(), CostError> {
        let document = parse_schema(sdl)
            .map_err(|e| CostError { place: "the schema".into(), message: e.to_string() })?;
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let ty = definition.node;
            let name = ty.name.node.to_string();
            if let Some(weight) = weight(&ty.directives).map_err(at(&name))? {
                let known = self.types.entry(name.clone()).or_default();
                *known = weight.max(*known);
            }
            let fields = match ty.kind {
                TypeKind::Object(t) => t.fields,
                TypeKind::Interface(t) => t.fields,
                TypeKind::InputObject(t) => {
                    for (field, weight) in weights(&t.fields, |field| format!("{name}.{field}"))? {
                        let known = self.inputs.entry((name.clone(), field)).or_default();
                        *known = weight.max(*known);
                    }
                    continue;
                }
                _ => continue,
            };
            for field in fields {
                let field = field.node;
                let place = format!("{name}.{}", field.name.node);
                let found = Field {
                    weight: weight(&field.directives).map_err(at(&place))?,
                    list: list_size(&field.directives).map_err(at(&place))?,
                    arguments: weights(&field.arguments, |a| format!("{place}({a})"))?,
                };
                if found.weight.is_some() || found.list.is_some() || !found.arguments.is_empty() {
                    self.fields.entry((name.clone(), field.name.node.to_string())).or_default().and(found);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.types.is_empty() && self.fields.is_empty() && self.inputs.is_empty()
    }

    fn field(&self, ty: &str, field: &str) -> Option<&Field> {
        self.fields.get(&(ty.to_owned(), field.to_owned()))
    }

    /// The weight of a type, where it has one of its own.
    pub(crate) fn of_type(&self, ty: &str) -> Option<u64> {
        self.types.get(ty).copied()
    }

    /// The weight of a field, where it has one of its own.
    pub(crate) fn of_field(&self, ty: &str, field: &str) -> Option<u64> {
        self.field(ty, field)?.weight
    }

    /// The weight of an argument, where it has one.
    pub(crate) fn of_argument(&self, ty: &str, field: &str, argument: &str) -> Option<u64> {
        self.field(ty, field)?.arguments.get(argument).copied()
    }

    /// The weight of a field of an input object, where it has one.
    pub(crate) fn of_input(&self, ty: &str, field: &str) -> Option<u64> {
        self.inputs.get(&(ty.to_owned(), field.to_owned())).copied()
    }

    /// What is said about the list of a field.
    pub(crate) fn list_size(&self, ty: &str, field: &str) -> Option<&ListSize> {
        self.field(ty, field)?.list.as_ref()
    }
}

fn at(place: &str) -> impl Fn(String) -> CostError + '_ {
    move |message| CostError { place: place.to_owned(), message }
}

fn weights(
    inputs: &[Positioned<InputValueDefinition>],
    place: impl Fn(&str) -> String,
) -> Result<HashMap<String, u64>, CostError> {
    let mut found = HashMap::new();
    for input in inputs {
        let name = input.node.name.node.to_string();
        let weight =
            weight(&input.node.directives).map_err(|message| CostError { place: place(&name), message })?;
        if let Some(weight) = weight {
            found.insert(name, weight);
        }
    }
    Ok(found)
}

fn directive<'d>(
    directives: &'d [Positioned<ConstDirective>],
    name: &str,
) -> impl Iterator<Item = &'d ConstDirective> {
    let federated = format!("federation__{name}");
    let name = name.to_owned();
    directives.iter().map(|d| &d.node).filter(move |d| d.name.node == *name || d.name.node == *federated)
}

/// The largest weight that a place has: a place of several subgraphs may have several.
fn weight(directives: &[Positioned<ConstDirective>]) -> Result<Option<u64>, String> {
    let mut found = None;
    for cost in directive(directives, "cost") {
        let weight = match cost.get_argument("weight").map(|v| &v.node) {
            Some(Value::Number(n)) => n.as_f64(),
            Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        let weight = weight.filter(|w| w.is_finite()).ok_or("@cost needs a weight, a number")?;
        // From negative and beyond the range: the conversion stops at the ends.
        found = found.max(Some(weight.ceil() as u64));
    }
    Ok(found)
}

fn list_size(directives: &[Positioned<ConstDirective>]) -> Result<Option<ListSize>, String> {
    let mut found: Option<ListSize> = None;
    for said in directive(directives, "listSize") {
        let value = |name: &str| said.get_argument(name).map(|v| &v.node);
        let names = |name: &str| match value(name) {
            None | Some(Value::Null) => Ok(vec![]),
            Some(Value::List(items)) => items
                .iter()
                .map(|item| match item {
                    Value::String(text) if !text.is_empty() => Ok(text.clone()),
                    other => Err(format!("{name}: {other} is no name")),
                })
                .collect(),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(other) => Err(format!("{name}: {other} is no list of names")),
        };
        let assumed = match value("assumedSize") {
            None | Some(Value::Null) => None,
            Some(Value::Number(n)) => Some(n.as_u64().ok_or("assumedSize: a whole number from 0 on")?),
            Some(other) => return Err(format!("assumedSize: {other} is no number")),
        };
        let slicing: Vec<Vec<String>> =
            names("slicingArguments")?.iter().map(|n| n.split('.').map(str::to_owned).collect()).collect();
        // By default one is required; a list with an assumed size has an answer when there is none.
        let require_one = match value("requireOneSlicingArgument") {
            Some(Value::Boolean(required)) => *required,
            _ => assumed.is_none(),
        };
        let require_one = require_one && !slicing.is_empty();
        let said = ListSize { assumed, slicing, sized_fields: names("sizedFields")?, require_one };
        found.get_or_insert_default().and(said);
    }
    Ok(found)
}
