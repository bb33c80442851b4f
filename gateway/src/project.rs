//! What the response of an operation looks like: for each possible type of each object, the fields in the
//! client's order (CollectFields of the GraphQL specification, done once per operation and not per object).

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use async_graphql::{Name, Value, Variables};
use indexmap::IndexMap;

use crate::{
    operation::{
        self, Condition, Directive, Document, Field, Fragment, Literal, Operation, Selection, SelectionSet,
        TypeCondition,
    },
    schema::{Schema, TypeRef},
};

/// A field of the response.
#[derive(Debug)]
pub(crate) struct ShapeField {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) ty: TypeRef,
    pub(crate) below: Option<Arc<Shape>>,
    /// Only introspection, which is answered here, reads its arguments.
    pub(crate) arguments: Vec<(String, Literal)>,
}

/// An object of the response.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) static_type: String,
    by_type: Vec<(String, Vec<ShapeField>)>,
}

impl Shape {
    pub(crate) fn fields(&self, ty: &str) -> Option<&[ShapeField]> {
        self.by_type.iter().find(|(name, _)| name == ty).map(|(_, fields)| fields.as_slice())
    }
}

/// A type and the addresses of the selection sets that select from it.
type ShapeKey = (String, Vec<usize>);

pub(crate) struct Compiler<'a> {
    schema: &'a Schema,
    fragments: HashMap<&'a str, &'a Fragment>,
    variables: &'a Variables,
    /// Shapes already made, by their type and the addresses of their selection sets. The possible types of an
    /// interface mostly select the same below; without this, nested interfaces would multiply.
    made: RefCell<HashMap<ShapeKey, Arc<Shape>>>,
}

type Collected<'a> = IndexMap<&'a str, (&'a Field, Vec<&'a SelectionSet>)>;

impl<'a> Compiler<'a> {
    pub(crate) fn new(schema: &'a Schema, document: &'a Document, variables: &'a Variables) -> Self {
        let fragments = operation::fragments(document).map(|f| (f.name.as_str(), f)).collect();
        Self { schema, fragments, variables, made: RefCell::default() }
    }

    pub(crate) fn shape(&self, ty: &str, sets: &[&'a SelectionSet]) -> Arc<Shape> {
        let key = (ty.to_owned(), sets.iter().map(|set| std::ptr::from_ref(*set).addr()).collect());
        if let Some(made) = self.made.borrow().get(&key) {
            return made.clone();
        }
        let of = |name: &String| (name.clone(), self.object(name, sets));
        let mut by_type: Vec<_> = self.schema.possible(ty).iter().map(of).collect();
        // The planner fetches no `__typename` where no type condition needs it: then the abstract type is the key.
        if !by_type.iter().any(|(name, _)| name == ty) {
            by_type.push((ty.to_owned(), self.object(ty, sets)));
        }
        let shape = Arc::new(Shape { static_type: ty.to_owned(), by_type });
        self.made.borrow_mut().insert(key, shape.clone());
        shape
    }

    fn object(&self, ty: &str, sets: &[&'a SelectionSet]) -> Vec<ShapeField> {
        let mut collected = Collected::new();
        for set in sets {
            self.collect(ty, set, &mut collected);
        }
        collected.into_iter().filter_map(|(key, (field, below))| self.field(ty, key, field, &below)).collect()
    }

    fn field(&self, ty: &str, key: &str, field: &Field, below: &[&'a SelectionSet]) -> Option<ShapeField> {
        let introspection = field.name.starts_with("__") || ty.starts_with("__");
        let ty = match field.name.as_str() {
            "__typename" => TypeRef::NonNull(Box::new(TypeRef::Named("String".into()))),
            name => self.schema.field(ty, name)?.ty.clone(),
        };
        let below = self.schema.is_composite(ty.name()).then(|| self.shape(ty.name(), below));
        let arguments = if introspection { field.arguments.clone() } else { vec![] };
        Some(ShapeField { key: key.to_owned(), name: field.name.clone(), ty, below, arguments })
    }

    fn collect(&self, ty: &str, set: &'a SelectionSet, out: &mut Collected<'a>) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) if self.counts(&field.directives) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name);
                    out.entry(key).or_insert_with(|| (field, vec![])).1.push(&field.selection_set);
                }
                Selection::InlineFragment(inline) if self.counts(&inline.directives) => {
                    let fits = |TypeCondition::On(on): &TypeCondition| self.schema.satisfies(ty, on);
                    if inline.type_condition.as_ref().is_none_or(fits) {
                        self.collect(ty, &inline.selection_set, out);
                    }
                }
                Selection::FragmentSpread(spread) if self.counts(&spread.directives) => {
                    let Some(fragment) = self.fragments.get(spread.fragment_name.as_str()) else { continue };
                    let TypeCondition::On(on) = &fragment.type_condition;
                    if self.schema.satisfies(ty, on) {
                        self.collect(ty, &fragment.selection_set, out);
                    }
                }
                _ => {}
            }
        }
    }

    fn counts(&self, directives: &[Directive]) -> bool {
        operation::conditions(directives).all(|condition| match condition {
            Condition::Constant(counts) => counts,
            Condition::Variable(name, at) => {
                let given = matches!(self.variables.get(&Name::new(name)), Some(Value::Boolean(true)));
                given == at
            }
        })
    }
}

/// The variables of the operation that decide what is selected, in order of their first use.
pub(crate) fn condition_variables(document: &Document, operation: &Operation) -> Vec<Name> {
    let mut names = vec![];
    conditions_in(operation::selection_set(operation), &mut names);
    for fragment in operation::fragments(document) {
        conditions_in(&fragment.selection_set, &mut names);
    }
    // A fragment of another operation of the document may use variables that this one does not have.
    let boolean = |name: &Name| {
        operation::variable_definitions(operation)
            .iter()
            .any(|d| d.name == name.as_str() && TypeRef::new(&d.var_type).name() == "Boolean")
    };
    names.retain(boolean);
    names
}

fn conditions_in(set: &SelectionSet, names: &mut Vec<Name>) {
    for selection in &set.items {
        let (directives, below) = match selection {
            Selection::Field(f) => (&f.directives, Some(&f.selection_set)),
            Selection::InlineFragment(f) => (&f.directives, Some(&f.selection_set)),
            Selection::FragmentSpread(f) => (&f.directives, None),
        };
        for condition in operation::conditions(directives) {
            if let Condition::Variable(name, _) = condition {
                let name = Name::new(name);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        if let Some(below) = below {
            conditions_in(below, names);
        }
    }
}
