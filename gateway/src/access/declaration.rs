//! Reads what a schema text says about access. Takes subgraph schemas (with their `extend schema @link`) and
//! supergraphs alike.

use async_graphql::{
    Positioned, Value,
    parser::{
        parse_schema,
        types::{
            BaseType, ConstDirective, FieldDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition,
        },
    },
};

use super::{
    requirement::{AuthMode, Requirement},
    table::AccessError,
};
use std::collections::BTreeSet;

/// An object or interface type, or an extension of one.
#[derive(Debug)]
pub(crate) struct DeclaredType {
    pub(crate) name: String,
    pub(crate) implements: Vec<String>,
    pub(crate) declared: Declared,
    pub(crate) fields: Vec<DeclaredField>,
}

#[derive(Debug)]
pub(crate) struct DeclaredField {
    pub(crate) name: String,
    pub(crate) leads_to: String,
    pub(crate) declared: Declared,
}

/// What the directives of one place say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declared {
    pub(crate) requirement: Requirement,
    pub(crate) public: bool,
}

impl Declared {
    pub(crate) fn says_nothing(&self) -> bool {
        !self.public && self.requirement.is_open()
    }

    /// Both this and the other; open to everybody and not open at the same time is a contradiction.
    pub(crate) fn and(&mut self, other: &Self, at: &str) -> Result<(), AccessError> {
        self.requirement.and(&other.requirement);
        self.public |= other.public;
        if self.public && !self.requirement.is_open() {
            return Err(AccessError::Contradiction { field: at.to_owned() });
        }
        Ok(())
    }
}

/// The names of the root types, and all object and interface types of a schema text.
pub(crate) struct Declarations {
    pub(crate) roots: [String; 3],
    pub(crate) types: Vec<DeclaredType>,
}

pub(crate) fn read(sdl: &str) -> Result<Declarations, AccessError> {
    let document = parse_schema(sdl).map_err(|e| AccessError::Parse(e.to_string()))?;
    let roots = roots(&document);
    let mut types = vec![];
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = definition.node;
        let (implements, fields) = match definition.kind {
            TypeKind::Object(t) => (t.implements, t.fields),
            TypeKind::Interface(t) => (t.implements, t.fields),
            _ => continue,
        };
        let name = definition.name.node.to_string();
        let field = |f: Positioned<FieldDefinition>| {
            let at = format!("{name}.{}", f.node.name.node);
            Ok(DeclaredField {
                declared: declared(&at, &f.node.directives)?,
                name: f.node.name.node.to_string(),
                leads_to: named(&f.node.ty.node).to_owned(),
            })
        };
        types.push(DeclaredType {
            implements: implements.iter().map(|i| i.node.to_string()).collect(),
            declared: declared(&name, &definition.directives)?,
            fields: fields.into_iter().map(field).collect::<Result<_, _>>()?,
            name,
        });
    }
    Ok(Declarations { roots, types })
}

fn roots(document: &ServiceDocument) -> [String; 3] {
    let mut roots = ["Query".to_owned(), "Mutation".to_owned(), "Subscription".to_owned()];
    for definition in &document.definitions {
        let TypeSystemDefinition::Schema(schema) = definition else { continue };
        let named = [&schema.node.query, &schema.node.mutation, &schema.node.subscription];
        for (root, named) in roots.iter_mut().zip(named) {
            if let Some(name) = named {
                *root = name.node.to_string();
            }
        }
    }
    roots
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

fn declared(at: &str, directives: &[Positioned<ConstDirective>]) -> Result<Declared, AccessError> {
    let mut declared = Declared::default();
    for directive in directives.iter().map(|d| &d.node) {
        match directive.name.node.as_str() {
            "public" => declared.public = true,
            "authenticated" | "federation__authenticated" => declared.requirement.authenticated = true,
            "requiresScopes" | "federation__requiresScopes" => {
                let scopes = lists_of(directive, "scopes");
                let scopes = scopes.ok_or_else(|| AccessError::BadScopes { field: at.to_owned() })?;
                declared.requirement.scopes.push(scopes);
            }
            "policy" | "federation__policy" => {
                let policies = lists_of(directive, "policies");
                let policies = policies.ok_or_else(|| AccessError::BadPolicies { field: at.to_owned() })?;
                declared.requirement.policies.push(policies);
            }
            "authModes" => {
                let modes =
                    modes_of(directive).ok_or_else(|| AccessError::BadModes { field: at.to_owned() })?;
                declared.requirement.modes = Some(modes);
            }
            _ => {}
        }
    }
    declared.clone().and(&declared, at)?;
    Ok(declared)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn modes_of(directive: &ConstDirective) -> Option<BTreeSet<AuthMode>> {
    match &directive.get_argument("modes")?.node {
        Value::List(modes) if !modes.is_empty() => {
            modes.iter().map(|mode| text_of(mode)?.parse().ok()).collect()
        }
        _ => None,
    }
}

fn lists_of(directive: &ConstDirective, argument: &str) -> Option<Vec<Vec<String>>> {
    let list = |value: &Value| match value {
        Value::List(items) if !items.is_empty() => items.iter().map(text_of).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    match &directive.get_argument(argument)?.node {
        Value::List(lists) if !lists.is_empty() => lists.iter().map(list).collect(),
        _ => None,
    }
}
