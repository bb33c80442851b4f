//! What an answer depends on: the tags of its root fields, and of the entities that were asked for on the way.

use std::collections::{BTreeSet, HashMap};

use async_graphql::{Name, Value, Variables};

use super::{
    HintError, Hints,
    format::{Format, Source},
};
use crate::{
    operation::{self, Document, Field, Literal, Operation, Selection, SelectionSet},
    schema::Schema,
    walk::typename,
};

/// Tags of one answer.
pub(crate) type TagSet = BTreeSet<String>;

/// The formats of a schema.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    roots: HashMap<(String, String), Vec<Format>>,
    entities: HashMap<String, Vec<Format>>,
}

impl Tags {
    pub(crate) fn new(schema: &Schema, hints: &Hints) -> Result<Self, HintError> {
        let mut tags = Self::default();
        for (ty, field, formats) in hints.tagged() {
            let place = field.map_or_else(|| ty.to_owned(), |field| format!("{ty}.{field}"));
            let fail = |message: String| HintError { place: place.clone(), message };
            let source = if field.is_some() { Source::Argument } else { Source::Key };
            let parse = |f: &String| Format::parse(f, source).map_err(|e| fail(e.to_string()));
            let formats = formats.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            if formats.is_empty() {
                continue;
            }
            match field {
                None => {
                    tags.entities.insert(ty.to_owned(), formats);
                }
                Some(field) if ty == schema.query || Some(ty) == schema.mutation.as_deref() => {
                    tags.roots.insert((ty.to_owned(), field.to_owned()), formats);
                }
                Some(_) => {
                    return Err(fail(
                        "@cacheTag stands on a field of Query or Mutation, or on an entity".into(),
                    ));
                }
            }
        }
        Ok(tags)
    }

    /// The tags of an entity that is asked for by this representation.
    pub(crate) fn of_representation(&self, representation: &Value, tags: &mut TagSet) {
        let Value::Object(object) = representation else { return };
        let Some(formats) = typename(object).and_then(|ty| self.entities.get(ty)) else { return };
        for format in formats {
            tags.extend(format.tags(|path| {
                let mut texts = vec![];
                find(object.get(path[0].as_str()), &path[1..], &mut texts);
                texts
            }));
        }
    }

    /// The tags of the root fields of an operation. Those that `@skip` leaves out count too: a tag too many costs a
    /// purge, one too few an old answer. The document must be free of fragment cycles.
    pub(crate) fn of_roots(
        &self,
        schema: &Schema,
        root: &str,
        document: &Document,
        operation: &Operation,
        variables: &Variables,
        tags: &mut TagSet,
    ) {
        if self.roots.is_empty() {
            return;
        }
        let mut fields = vec![];
        collect(document, operation::selection_set(operation), &mut BTreeSet::new(), &mut fields);
        for field in fields {
            let Some(formats) = self.roots.get(&(root.to_owned(), field.name.clone())) else { continue };
            let argument = |name: &str| match field.arguments.iter().find(|(n, _)| n == name) {
                Some((_, literal)) => value(literal, variables),
                None => {
                    let def = schema.field(root, &field.name)?.arguments.iter().find(|a| a.name == name)?;
                    def.default.as_ref().map(operation::constant)
                }
            };
            for format in formats {
                tags.extend(format.tags(|path| {
                    let mut texts = vec![];
                    find(argument(&path[0]).as_ref(), &path[1..], &mut texts);
                    texts
                }));
            }
        }
    }
}

fn collect<'d>(
    document: &'d Document,
    set: &'d SelectionSet,
    seen: &mut BTreeSet<&'d str>,
    fields: &mut Vec<&'d Field>,
) {
    for selection in &set.items {
        match selection {
            Selection::Field(field) => fields.push(field),
            Selection::InlineFragment(inline) => collect(document, &inline.selection_set, seen, fields),
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                if let (true, Some(f)) =
                    (seen.insert(name), operation::fragments(document).find(|f| f.name == name))
                {
                    collect(document, &f.selection_set, seen, fields);
                }
            }
        }
    }
}

/// An argument with its variables filled in.
fn value(literal: &Literal, variables: &Variables) -> Option<Value> {
    use graphql_tools::parser::query::Value as L;
    match literal {
        L::Variable(name) => variables.get(&Name::new(name)).cloned(),
        L::List(items) => Some(Value::List(items.iter().filter_map(|l| value(l, variables)).collect())),
        L::Object(fields) => {
            let fields = fields.iter().filter_map(|(k, l)| Some((Name::new(k), value(l, variables)?)));
            Some(Value::Object(fields.collect()))
        }
        constant => Some(operation::constant(constant)),
    }
}

/// Every text at a path; lists are looked through. What is absent is the empty text, so that there is a tag for it.
fn find(value: Option<&Value>, path: &[String], texts: &mut Vec<String>) {
    match (value, path.split_first()) {
        (Some(Value::List(items)), _) => items.iter().for_each(|item| find(Some(item), path, texts)),
        (Some(Value::Object(object)), Some((name, rest))) => find(object.get(name.as_str()), rest, texts),
        (Some(Value::String(text)), None) => texts.push(text.clone()),
        (Some(Value::Enum(name)), None) => texts.push(name.to_string()),
        (Some(Value::Number(n)), None) => texts.push(n.to_string()),
        (Some(Value::Boolean(b)), None) => texts.push(b.to_string()),
        _ => texts.push(String::new()),
    }
}
