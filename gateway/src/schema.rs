//! The public schema, in the shape that execution, coercion and introspection read.

use std::collections::{BTreeSet, HashMap};

use graphql_tools::parser::schema as s;
use indexmap::IndexMap;

pub(crate) type SchemaDocument = s::Document<'static, String>;

/// A reference to a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TypeRef {
    Named(String),
    List(Box<TypeRef>),
    NonNull(Box<TypeRef>),
}

impl TypeRef {
    pub(crate) fn new(ast: &s::Type<'static, String>) -> Self {
        match ast {
            s::Type::NamedType(name) => Self::Named(name.clone()),
            s::Type::ListType(inner) => Self::List(Box::new(Self::new(inner))),
            s::Type::NonNullType(inner) => Self::NonNull(Box::new(Self::new(inner))),
        }
    }

    /// The name at the core.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::NonNull(inner) => inner.name(),
        }
    }

    pub(crate) fn is_non_null(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::NonNull(inner) => inner.is_list(),
            Self::Named(_) => false,
        }
    }
}

impl std::fmt::Display for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::List(inner) => write!(f, "[{inner}]"),
            Self::NonNull(inner) => write!(f, "{inner}!"),
        }
    }
}

/// An argument or a field of an input object.
#[derive(Debug, Clone)]
pub(crate) struct InputField {
    pub(crate) name: String,
    pub(crate) ty: TypeRef,
    pub(crate) description: Option<String>,
    pub(crate) default: Option<s::Value<'static, String>>,
    pub(crate) deprecation: Option<String>,
}

/// A field of an object or interface.
#[derive(Debug, Clone)]
pub(crate) struct OutputField {
    pub(crate) ty: TypeRef,
    pub(crate) description: Option<String>,
    pub(crate) arguments: Vec<InputField>,
    pub(crate) deprecation: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct EnumValue {
    pub(crate) description: Option<String>,
    pub(crate) deprecation: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum TypeKind {
    Scalar { specified_by: Option<String> },
    Object { fields: IndexMap<String, OutputField>, interfaces: Vec<String> },
    Interface { fields: IndexMap<String, OutputField>, interfaces: Vec<String> },
    Union,
    Enum { values: IndexMap<String, EnumValue> },
    InputObject { fields: IndexMap<String, InputField>, one_of: bool },
}

#[derive(Debug, Clone)]
pub(crate) struct TypeDef {
    pub(crate) description: Option<String>,
    pub(crate) kind: TypeKind,
    /// The object types a value of this type can have at run time.
    pub(crate) possible: Vec<String>,
}

impl TypeDef {
    pub(crate) fn fields(&self) -> Option<&IndexMap<String, OutputField>> {
        match &self.kind {
            TypeKind::Object { fields, .. } | TypeKind::Interface { fields, .. } => Some(fields),
            _ => None,
        }
    }

    pub(crate) fn is_composite(&self) -> bool {
        matches!(self.kind, TypeKind::Object { .. } | TypeKind::Interface { .. } | TypeKind::Union)
    }
}

/// A directive clients may use in documents.
#[derive(Debug, Clone)]
pub(crate) struct DirectiveDef {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) locations: Vec<String>,
    pub(crate) arguments: Vec<InputField>,
    pub(crate) repeatable: bool,
}

/// The public schema.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) document: std::sync::Arc<SchemaDocument>,
    pub(crate) types: IndexMap<String, TypeDef>,
    pub(crate) directives: Vec<DirectiveDef>,
    pub(crate) description: Option<String>,
    pub(crate) query: String,
    pub(crate) mutation: Option<String>,
    pub(crate) subscription: Option<String>,
}

impl Schema {
    pub(crate) fn new(document: std::sync::Arc<SchemaDocument>) -> Self {
        let mut types = IndexMap::new();
        let mut directives = vec![];
        let mut possible: HashMap<String, Vec<String>> = HashMap::new();
        for definition in &document.definitions {
            match definition {
                s::Definition::TypeDefinition(ty) => {
                    note_possible_types(ty, &mut possible);
                    let (name, def) = type_def(ty);
                    types.insert(name, def);
                }
                s::Definition::DirectiveDefinition(d) => directives.extend(directive_def(d)),
                _ => {}
            }
        }
        for (name, members) in possible {
            if let Some(def) = types.get_mut(&name) {
                def.possible = members;
            }
        }
        let root = |name: Option<&String>| name.filter(|n| types.contains_key(*n)).cloned();
        let (mutation, subscription) =
            (root(document.mutation_type_name()), root(document.subscription_type_name()));
        let query = document.query_type_name().cloned().unwrap_or_else(|| "Query".into());
        Self { types, directives, description: None, query, mutation, subscription, document }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&TypeDef> {
        self.types.get(name)
    }

    pub(crate) fn field(&self, ty: &str, field: &str) -> Option<&OutputField> {
        self.types.get(ty)?.fields()?.get(field)
    }

    pub(crate) fn is_composite(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(TypeDef::is_composite)
    }

    pub(crate) fn possible(&self, name: &str) -> &[String] {
        self.types.get(name).map_or(&[], |t| &t.possible)
    }

    /// Whether an object of type `ty` fits the type condition `condition`.
    pub(crate) fn satisfies(&self, ty: &str, condition: &str) -> bool {
        ty == condition || self.possible(condition).iter().any(|p| p == ty)
    }

    pub(crate) fn satisfies_any(&self, ty: &str, conditions: &BTreeSet<String>) -> bool {
        conditions.iter().any(|c| self.satisfies(ty, c))
    }
}

fn note_possible_types(ty: &s::TypeDefinition<'static, String>, possible: &mut HashMap<String, Vec<String>>) {
    match ty {
        s::TypeDefinition::Object(o) => {
            for name in std::iter::once(&o.name).chain(&o.implements_interfaces) {
                possible.entry(name.clone()).or_default().push(o.name.clone());
            }
        }
        s::TypeDefinition::Union(u) => possible.entry(u.name.clone()).or_default().extend(u.types.clone()),
        _ => {}
    }
}

fn type_def(ty: &s::TypeDefinition<'static, String>) -> (String, TypeDef) {
    let (name, description, kind) = match ty {
        s::TypeDefinition::Scalar(t) => {
            let specified_by = argument_of(&t.directives, "specifiedBy", "url");
            (&t.name, &t.description, TypeKind::Scalar { specified_by })
        }
        s::TypeDefinition::Object(t) => {
            let (fields, interfaces) = (output_fields(&t.fields), t.implements_interfaces.clone());
            (&t.name, &t.description, TypeKind::Object { fields, interfaces })
        }
        s::TypeDefinition::Interface(t) => {
            let (fields, interfaces) = (output_fields(&t.fields), t.implements_interfaces.clone());
            (&t.name, &t.description, TypeKind::Interface { fields, interfaces })
        }
        s::TypeDefinition::Union(t) => (&t.name, &t.description, TypeKind::Union),
        s::TypeDefinition::Enum(t) => {
            let value = |v: &s::EnumValue<'static, String>| {
                let deprecation = deprecation(&v.directives);
                (v.name.clone(), EnumValue { description: v.description.clone(), deprecation })
            };
            (&t.name, &t.description, TypeKind::Enum { values: t.values.iter().map(value).collect() })
        }
        s::TypeDefinition::InputObject(t) => {
            let fields = t.fields.iter().map(|f| (f.name.clone(), input_field(f))).collect();
            let one_of = t.directives.iter().any(|d| d.name == "oneOf");
            (&t.name, &t.description, TypeKind::InputObject { fields, one_of })
        }
    };
    (name.clone(), TypeDef { description: description.clone(), kind, possible: vec![] })
}

fn output_fields(fields: &[s::Field<'static, String>]) -> IndexMap<String, OutputField> {
    let field = |f: &s::Field<'static, String>| OutputField {
        ty: TypeRef::new(&f.field_type),
        description: f.description.clone(),
        arguments: f.arguments.iter().map(input_field).collect(),
        deprecation: deprecation(&f.directives),
    };
    fields.iter().map(|f| (f.name.clone(), field(f))).collect()
}

fn input_field(field: &s::InputValue<'static, String>) -> InputField {
    InputField {
        name: field.name.clone(),
        ty: TypeRef::new(&field.value_type),
        description: field.description.clone(),
        default: field.default_value.clone(),
        deprecation: deprecation(&field.directives),
    }
}

/// Only directives that can stand in a client's document or that introspection readers expect.
fn directive_def(d: &s::DirectiveDefinition<'static, String>) -> Option<DirectiveDef> {
    matches!(d.name.as_str(), "skip" | "include" | "deprecated" | "specifiedBy" | "oneOf").then(|| {
        let locations: Vec<String> = match d.name.as_str() {
            "oneOf" => vec!["INPUT_OBJECT".into()],
            _ => d.locations.iter().map(|l| l.as_str().to_owned()).collect(),
        };
        DirectiveDef {
            name: d.name.clone(),
            description: d.description.clone(),
            locations,
            arguments: d.arguments.iter().map(input_field).collect(),
            repeatable: d.repeatable,
        }
    })
}

fn deprecation(directives: &[s::Directive<'static, String>]) -> Option<String> {
    let present = directives.iter().any(|d| d.name == "deprecated");
    present.then(|| {
        argument_of(directives, "deprecated", "reason").unwrap_or_else(|| "No longer supported".into())
    })
}

fn argument_of(directives: &[s::Directive<'static, String>], name: &str, argument: &str) -> Option<String> {
    let directive = directives.iter().find(|d| d.name == name)?;
    match &directive.arguments.iter().find(|(n, _)| n == argument)?.1 {
        s::Value::String(text) => Some(text.clone()),
        _ => None,
    }
}
