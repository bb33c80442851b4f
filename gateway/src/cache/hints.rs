//! `@cacheControl(maxAge:, scope:, inheritMaxAge:)` and `@cacheTag(format:)`, in the words of Apollo's federation.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use async_graphql::{
    Positioned, Value,
    parser::{
        parse_schema,
        types::{ConstDirective, TypeKind, TypeSystemDefinition},
    },
};
use graphql_tools::parser::{Pos, schema as s};

use crate::{
    config::UnhintedFields,
    operation::{self, Document, Fragment, Operation, OperationKind, Selection, SelectionSet, TypeCondition},
    schema::{OutputField, Schema},
};

/// What [`Hints::directives`] writes, defined; the supergraph needs it beside them.
pub(crate) const DEFINITIONS: &str = "
directive @cacheControl(maxAge: Int, scope: cacheControl__Scope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
directive @cacheTag(format: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE
enum cacheControl__Scope @inaccessible { PUBLIC PRIVATE }
";

/// Whether a definition of this name is one of [`DEFINITIONS`].
pub(crate) fn is_ours(name: &str) -> bool {
    matches!(name, "cacheControl" | "cacheTag" | "cacheControl__Scope")
}

/// A hint that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct HintError {
    /// Where: a type, or `Type.field`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// What one place says about keeping answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hint {
    /// Seconds.
    pub(crate) max_age: Option<u32>,
    pub(crate) private: bool,
    pub(crate) inherit: bool,
    pub(crate) tags: BTreeSet<String>,
}

impl Hint {
    /// Both this and the other: the stricter age, every tag.
    fn and(&mut self, other: &Self) {
        self.max_age = match (self.max_age, other.max_age) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.private |= other.private;
        self.inherit |= other.inherit;
        self.tags.extend(other.tags.iter().cloned());
    }

    fn read(&mut self, directive: &ConstDirective) -> Result<(), String> {
        let value = |name: &str| directive.get_argument(name).map(|v| &v.node);
        match directive.name.node.as_str() {
            "cacheControl" | "federation__cacheControl" => {
                let mut found = Self::default();
                match value("maxAge") {
                    None | Some(Value::Null) => {}
                    Some(Value::Number(n)) => {
                        let seconds = n.as_u64().and_then(|n| u32::try_from(n).ok());
                        found.max_age = Some(seconds.ok_or("maxAge is a number of seconds from 0 on")?);
                    }
                    Some(_) => return Err("maxAge is a number of seconds".into()),
                }
                match value("scope") {
                    None | Some(Value::Null) => {}
                    Some(Value::Enum(scope)) if scope == "PUBLIC" => {}
                    Some(Value::Enum(scope)) if scope == "PRIVATE" => found.private = true,
                    Some(other) => return Err(format!("there is no scope {other}: PUBLIC or PRIVATE")),
                }
                found.inherit = matches!(value("inheritMaxAge"), Some(Value::Boolean(true)));
                self.and(&found);
            }
            "cacheTag" | "federation__cacheTag" => match value("format") {
                Some(Value::String(format)) => {
                    self.tags.insert(format.clone());
                }
                _ => return Err("@cacheTag needs a format".into()),
            },
            _ => {}
        }
        Ok(())
    }

    fn directives(&self) -> Vec<s::Directive<'static, String>> {
        let directive = |name: &str, arguments| s::Directive {
            position: Pos::default(),
            name: name.to_owned(),
            arguments,
        };
        let mut control = vec![];
        if let Some(seconds) = self.max_age {
            let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
            control.push(("maxAge".to_owned(), s::Value::Int(seconds.into())));
        }
        if self.private {
            control.push(("scope".to_owned(), s::Value::Enum("PRIVATE".into())));
        }
        if self.inherit {
            control.push(("inheritMaxAge".to_owned(), s::Value::Boolean(true)));
        }
        let control = (!control.is_empty()).then(|| directive("cacheControl", control));
        let tag = |f: &String| directive("cacheTag", vec![("format".into(), s::Value::String(f.clone()))]);
        control.into_iter().chain(self.tags.iter().map(tag)).collect()
    }
}

/// What schemas say, by type and field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hints(BTreeMap<(String, Option<String>), Hint>);

impl Hints {
    /// Adds what a schema text says: that of a subgraph, or a supergraph.
    pub(crate) fn read(&mut self, sdl: &str) -> Result<(), HintError> {
        let fail = |place: &str, message: String| HintError { place: place.to_owned(), message };
        let document = parse_schema(sdl).map_err(|e| fail("the schema", e.to_string()))?;
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let ty = definition.node;
            let name = ty.name.node.to_string();
            self.note(&name, None, &ty.directives).map_err(|m| fail(&name, m))?;
            let fields = match ty.kind {
                TypeKind::Object(t) => t.fields,
                TypeKind::Interface(t) => t.fields,
                _ => continue,
            };
            for field in fields {
                let field = field.node;
                let noted = self.note(&name, Some(&field.name.node), &field.directives);
                noted.map_err(|m| fail(&format!("{name}.{}", field.name.node), m))?;
            }
        }
        Ok(())
    }

    fn note(
        &mut self,
        ty: &str,
        field: Option<&str>,
        directives: &[Positioned<ConstDirective>],
    ) -> Result<(), String> {
        let mut hint = Hint::default();
        directives.iter().try_for_each(|d| hint.read(&d.node))?;
        if hint != Hint::default() {
            self.0.entry((ty.to_owned(), field.map(str::to_owned))).or_default().and(&hint);
        }
        Ok(())
    }

    /// The directives that say the same, for a place of a supergraph.
    pub(crate) fn directives(&self, ty: &str, field: Option<&str>) -> Vec<s::Directive<'static, String>> {
        self.at(ty, field).map(Hint::directives).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every place with tags: type, field, formats.
    pub(crate) fn tagged(&self) -> impl Iterator<Item = (&str, Option<&str>, &BTreeSet<String>)> {
        self.0.iter().map(|((ty, field), hint)| (ty.as_str(), field.as_deref(), &hint.tags))
    }

    fn at(&self, ty: &str, field: Option<&str>) -> Option<&Hint> {
        self.0.get(&(ty.to_owned(), field.map(str::to_owned)))
    }

    /// What holds for a value of this type at run time, or for a field of it: what every possible type says.
    fn of(&self, schema: &Schema, ty: &str, field: Option<&str>) -> Hint {
        let mut hint = self.at(ty, field).cloned().unwrap_or_default();
        for possible in schema.possible(ty).iter().filter(|p| *p != ty) {
            if let Some(other) = self.at(possible, field) {
                hint.and(other);
            }
        }
        hint
    }
}

/// Decides how long the answer to an operation may be kept.
pub(crate) struct Keeping<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) hints: &'a Hints,
    pub(crate) unhinted: UnhintedFields,
}

impl Keeping<'_> {
    /// The least age of all fields of a query; `None` when one of them is private or says that it is not to be kept.
    /// The document must be free of fragment cycles.
    pub(crate) fn of_operation(&self, document: &Document, operation: &Operation) -> Option<Duration> {
        if operation::kind(operation) != OperationKind::Query {
            return None;
        }
        let fragments = operation::fragments(document).map(|f| (f.name.as_str(), f)).collect();
        let mut walk = Walk { keeping: self, fragments, seen: BTreeSet::new(), least: u32::MAX };
        walk.set(&self.schema.query, operation::selection_set(operation));
        let keeps = walk.least > 0 && walk.least < u32::MAX;
        keeps.then(|| Duration::from_secs(walk.least.into()))
    }
}

struct Walk<'a, 'k> {
    keeping: &'k Keeping<'k>,
    fragments: HashMap<&'a str, &'a Fragment>,
    seen: BTreeSet<(&'a str, String)>,
    /// Zero: not to be kept.
    least: u32,
}

impl<'a> Walk<'a, '_> {
    fn set(&mut self, ty: &str, set: &'a SelectionSet) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) if field.name.starts_with("__") => {}
                Selection::Field(field) => {
                    let Some(def) = self.keeping.schema.field(ty, &field.name) else {
                        self.least = 0;
                        continue;
                    };
                    self.field(ty, &field.name, def);
                    self.set(def.ty.name(), &field.selection_set);
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.type_condition.as_ref().map(|TypeCondition::On(on)| on.as_str());
                    self.set(on.unwrap_or(ty), &inline.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.fragments.get(spread.fragment_name.as_str()).copied() else {
                        continue;
                    };
                    let TypeCondition::On(on) = &fragment.type_condition;
                    if self.seen.insert((&spread.fragment_name, on.clone())) {
                        self.set(on, &fragment.selection_set);
                    }
                }
            }
        }
    }

    fn field(&mut self, ty: &str, name: &str, def: &OutputField) {
        let Keeping { schema, hints, unhinted } = self.keeping;
        let composite = schema.is_composite(def.ty.name());
        let own = hints.of(schema, ty, Some(name));
        let of_type = if composite { hints.of(schema, def.ty.name(), None) } else { Hint::default() };
        if own.private || of_type.private {
            self.least = 0;
            return;
        }
        // A field wins over the type that it leads to. What says nothing is as old as what it is part of.
        match own.max_age.or(of_type.max_age) {
            Some(age) => self.least = self.least.min(age),
            None if ty == schema.query => self.least = 0,
            None if composite
                && *unhinted == UnhintedFields::NotKept
                && !(own.inherit || of_type.inherit) =>
            {
                self.least = 0;
            }
            None => {}
        }
    }
}
