//! Directives that the composer would drop or make less of than all subgraphs together say.

use graphql_tools::parser::{Pos, schema as s};

use super::{define, directive};
use crate::{
    cache::{self, Hints},
    limits::{self, Costs, ListSize},
    schema::SchemaDocument,
};

type Directives = Vec<s::Directive<'static, String>>;

/// Writes what the subgraphs say about keeping answers.
pub(super) fn hints(document: &mut SchemaDocument, hints: &Hints) {
    if hints.is_empty() {
        return;
    }
    let set = |directives: &mut Directives, ty: &str, field: Option<&str>| {
        directives.retain(|d| !cache::is_ours(&d.name));
        directives.extend(hints.directives(ty, field));
    };
    for definition in &mut document.definitions {
        let s::Definition::TypeDefinition(ty) = definition else { continue };
        if let s::TypeDefinition::Union(union) = ty {
            set(&mut union.directives, &union.name, None);
        }
        let Some((name, directives, fields)) = composite(ty) else { continue };
        set(directives, name, None);
        for field in fields {
            set(&mut field.directives, name, Some(&field.name));
        }
    }
    define(document, cache::DEFINITIONS, cache::is_ours);
}

/// Writes what the subgraphs say about costs.
pub(super) fn costs(document: &mut SchemaDocument, costs: &Costs) {
    if !costs.is_empty() {
        write(document, costs);
        define(document, limits::COST_DEFINITIONS, limits::is_cost);
    }
}

/// Takes away what is said about costs: the planner needs none of it, and does not know all dialects.
pub(crate) fn without_costs(document: &mut SchemaDocument) {
    write(document, &Costs::default());
}

fn write(document: &mut SchemaDocument, costs: &Costs) {
    let set = |directives: &mut Directives, weight: Option<u64>, list: Option<&ListSize>| {
        directives.retain(|d| !limits::is_cost(&d.name));
        directives.extend(weight.map(|weight| directive("cost", vec![("weight", number(weight))])));
        directives.extend(list.map(list_size));
    };
    for definition in &mut document.definitions {
        let s::Definition::TypeDefinition(ty) = definition else { continue };
        match ty {
            s::TypeDefinition::Scalar(t) => set(&mut t.directives, costs.of_type(&t.name), None),
            s::TypeDefinition::Enum(t) => set(&mut t.directives, costs.of_type(&t.name), None),
            s::TypeDefinition::InputObject(t) => {
                for field in &mut t.fields {
                    set(&mut field.directives, costs.of_input(&t.name, &field.name), None);
                }
            }
            _ => {}
        }
        let Some((name, directives, fields)) = composite(ty) else { continue };
        set(directives, costs.of_type(name), None);
        for field in fields {
            let list = costs.list_size(name, &field.name);
            set(&mut field.directives, costs.of_field(name, &field.name), list);
            for argument in &mut field.arguments {
                let weight = costs.of_argument(name, &field.name, &argument.name);
                set(&mut argument.directives, weight, None);
            }
        }
    }
}

/// Name, directives and fields of an object or interface.
fn composite<'d>(
    ty: &'d mut s::TypeDefinition<'static, String>,
) -> Option<(&'d str, &'d mut Directives, &'d mut Vec<s::Field<'static, String>>)> {
    match ty {
        s::TypeDefinition::Object(t) => Some((&t.name, &mut t.directives, &mut t.fields)),
        s::TypeDefinition::Interface(t) => Some((&t.name, &mut t.directives, &mut t.fields)),
        _ => None,
    }
}

fn number(n: u64) -> s::Value<'static, String> {
    s::Value::Int(i32::try_from(n).unwrap_or(i32::MAX).into())
}

fn list_size(size: &ListSize) -> s::Directive<'static, String> {
    let names = |names: Vec<String>| s::Value::List(names.into_iter().map(s::Value::String).collect());
    let mut arguments = vec![];
    arguments.extend(size.assumed.map(|n| ("assumedSize".to_owned(), number(n))));
    if !size.slicing.is_empty() {
        let paths = size.slicing.iter().map(|path| path.join(".")).collect();
        arguments.push(("slicingArguments".to_owned(), names(paths)));
    }
    if !size.sized_fields.is_empty() {
        arguments.push(("sizedFields".to_owned(), names(size.sized_fields.clone())));
    }
    arguments.push(("requireOneSlicingArgument".to_owned(), s::Value::Boolean(size.require_one)));
    s::Directive { position: Pos::default(), name: "listSize".to_owned(), arguments }
}
