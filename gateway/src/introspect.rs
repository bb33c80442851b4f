//! `__schema` and `__type`, answered from the public schema.

use async_graphql::{Name, Value, Variables};

use crate::{
    operation::{Literal, constant},
    project::{Shape, ShapeField},
    schema::{DirectiveDef, EnumValue, InputField, OutputField, Schema, TypeDef, TypeKind, TypeRef},
    walk::Object,
};

/// Adds the answers to the introspection fields of a query to its data.
pub(crate) fn answer(schema: &Schema, shape: &Shape, variables: &Variables, data: &mut Value) {
    let Value::Object(data) = data else { return };
    let introspection = Introspection { schema, variables };
    for field in shape.fields(&schema.query).into_iter().flatten() {
        let value = match (field.name.as_str(), &field.below) {
            ("__schema", Some(below)) => introspection.schema(below),
            ("__type", Some(below)) => match introspection.argument(field, "name") {
                Some(Value::String(name)) => introspection.named(below, &name),
                _ => Value::Null,
            },
            _ => continue,
        };
        data.insert(Name::new(&field.key), value);
    }
}

struct Introspection<'a> {
    schema: &'a Schema,
    variables: &'a Variables,
}

impl Introspection<'_> {
    fn object(&self, shape: &Shape, of: impl Fn(&ShapeField) -> Value) -> Value {
        let fields = shape.fields(&shape.static_type).unwrap_or_default();
        Value::Object(fields.iter().map(|f| (Name::new(&f.key), of(f))).collect::<Object>())
    }

    /// A list of objects, or of nothing where the selection below is missing (it cannot be: validated).
    fn list<T>(
        &self,
        field: &ShapeField,
        items: impl IntoIterator<Item = T>,
        of: impl Fn(&Shape, T) -> Value,
    ) -> Value {
        match &field.below {
            Some(below) => Value::List(items.into_iter().map(|item| of(below, item)).collect()),
            None => Value::Null,
        }
    }

    fn argument(&self, field: &ShapeField, name: &str) -> Option<Value> {
        match &field.arguments.iter().find(|(n, _)| n == name)?.1 {
            Literal::Variable(variable) => self.variables.get(&Name::new(variable)).cloned(),
            literal => Some(constant(literal)),
        }
    }

    fn with_deprecated(&self, field: &ShapeField) -> bool {
        self.argument(field, "includeDeprecated") == Some(Value::Boolean(true))
    }

    fn schema(&self, shape: &Shape) -> Value {
        let root = |field: &ShapeField, name: Option<&str>| match (&field.below, name) {
            (Some(below), Some(name)) => self.named(below, name),
            _ => Value::Null,
        };
        self.object(shape, |field| match field.name.as_str() {
            "description" => text(self.schema.description.as_deref()),
            "types" => self.list(field, self.schema.types.keys(), |below, name| self.named(below, name)),
            "queryType" => root(field, Some(&self.schema.query)),
            "mutationType" => root(field, self.schema.mutation.as_deref()),
            "subscriptionType" => root(field, self.schema.subscription.as_deref()),
            "directives" => self.list(field, &self.schema.directives, |below, d| self.directive(below, d)),
            _ => Value::Null,
        })
    }

    fn type_ref(&self, shape: &Shape, ty: &TypeRef) -> Value {
        let (kind, inner) = match ty {
            TypeRef::Named(name) => return self.named(shape, name),
            TypeRef::List(inner) => ("LIST", inner),
            TypeRef::NonNull(inner) => ("NON_NULL", inner),
        };
        self.object(shape, |field| match (field.name.as_str(), &field.below) {
            ("kind", _) => Value::Enum(Name::new(kind)),
            ("ofType", Some(below)) => self.type_ref(below, inner),
            _ => Value::Null,
        })
    }

    fn named(&self, shape: &Shape, name: &str) -> Value {
        match self.schema.get(name) {
            Some(def) => self.object(shape, |field| self.type_field(field, name, def)),
            None => Value::Null,
        }
    }

    fn type_field(&self, field: &ShapeField, name: &str, def: &TypeDef) -> Value {
        match (field.name.as_str(), &def.kind) {
            ("kind", kind) => Value::Enum(Name::new(kind_name(kind))),
            ("name", _) => Value::String(name.to_owned()),
            ("description", _) => text(def.description.as_deref()),
            ("specifiedByURL", TypeKind::Scalar { specified_by }) => text(specified_by.as_deref()),
            ("fields", TypeKind::Object { fields, .. } | TypeKind::Interface { fields, .. }) => {
                let all = self.with_deprecated(field);
                let shown = fields
                    .iter()
                    .filter(|(name, f)| !name.starts_with("__") && (all || f.deprecation.is_none()));
                self.list(field, shown, |below, (name, f)| self.output_field(below, name, f))
            }
            ("interfaces", TypeKind::Object { interfaces, .. } | TypeKind::Interface { interfaces, .. }) => {
                self.list(field, interfaces, |below, name| self.named(below, name))
            }
            ("possibleTypes", TypeKind::Interface { .. } | TypeKind::Union) => {
                self.list(field, &def.possible, |below, name| self.named(below, name))
            }
            ("enumValues", TypeKind::Enum { values }) => {
                let all = self.with_deprecated(field);
                let shown = values.iter().filter(|(_, v)| all || v.deprecation.is_none());
                self.list(field, shown, |below, (name, v)| self.enum_value(below, name, v))
            }
            ("inputFields", TypeKind::InputObject { fields, .. }) => self.inputs(field, fields.values()),
            ("isOneOf", TypeKind::InputObject { one_of, .. }) => Value::Boolean(*one_of),
            _ => Value::Null,
        }
    }

    fn inputs<'f>(&self, field: &ShapeField, inputs: impl Iterator<Item = &'f InputField>) -> Value {
        let all = self.with_deprecated(field);
        let shown = inputs.filter(|f| all || f.deprecation.is_none());
        self.list(field, shown, |below, f| self.input_field(below, f))
    }

    fn output_field(&self, shape: &Shape, name: &str, def: &OutputField) -> Value {
        self.object(shape, |field| match (field.name.as_str(), &field.below) {
            ("name", _) => Value::String(name.to_owned()),
            ("description", _) => text(def.description.as_deref()),
            ("args", _) => self.inputs(field, def.arguments.iter()),
            ("type", Some(below)) => self.type_ref(below, &def.ty),
            ("isDeprecated", _) => Value::Boolean(def.deprecation.is_some()),
            ("deprecationReason", _) => text(def.deprecation.as_deref()),
            _ => Value::Null,
        })
    }

    fn input_field(&self, shape: &Shape, def: &InputField) -> Value {
        self.object(shape, |field| match (field.name.as_str(), &field.below) {
            ("name", _) => Value::String(def.name.clone()),
            ("description", _) => text(def.description.as_deref()),
            ("type", Some(below)) => self.type_ref(below, &def.ty),
            ("defaultValue", _) => def.default.as_ref().map_or(Value::Null, |v| Value::String(v.to_string())),
            ("isDeprecated", _) => Value::Boolean(def.deprecation.is_some()),
            ("deprecationReason", _) => text(def.deprecation.as_deref()),
            _ => Value::Null,
        })
    }

    fn enum_value(&self, shape: &Shape, name: &str, def: &EnumValue) -> Value {
        self.object(shape, |field| match field.name.as_str() {
            "name" => Value::String(name.to_owned()),
            "description" => text(def.description.as_deref()),
            "isDeprecated" => Value::Boolean(def.deprecation.is_some()),
            "deprecationReason" => text(def.deprecation.as_deref()),
            _ => Value::Null,
        })
    }

    fn directive(&self, shape: &Shape, def: &DirectiveDef) -> Value {
        self.object(shape, |field| match field.name.as_str() {
            "name" => Value::String(def.name.clone()),
            "description" => text(def.description.as_deref()),
            "locations" => Value::List(def.locations.iter().map(|l| Value::Enum(Name::new(l))).collect()),
            "args" => self.inputs(field, def.arguments.iter()),
            "isRepeatable" => Value::Boolean(def.repeatable),
            _ => Value::Null,
        })
    }
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |t| Value::String(t.to_owned()))
}

fn kind_name(kind: &TypeKind) -> &'static str {
    match kind {
        TypeKind::Scalar { .. } => "SCALAR",
        TypeKind::Object { .. } => "OBJECT",
        TypeKind::Interface { .. } => "INTERFACE",
        TypeKind::Union => "UNION",
        TypeKind::Enum { .. } => "ENUM",
        TypeKind::InputObject { .. } => "INPUT_OBJECT",
    }
}
