//! Writes the response as JSON in the client's order, and lets nulls rise where the schema allows none.

use async_graphql::{PathSegment, Value};
use serde::Serialize;

use crate::{
    error::{ErrorCode, ResponseError},
    project::{Shape, ShapeField},
    schema::{Schema, TypeKind, TypeRef},
    walk::{Object, typename},
};

/// A null that must rise to the parent.
struct Rise;

pub(crate) struct Writer<'a> {
    schema: &'a Schema,
    buffer: Vec<u8>,
    errors: &'a mut Vec<ResponseError>,
    path: Vec<Step<'a>>,
}

/// A step of the path to the value that is written: a [`PathSegment`] without its text.
#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl From<Step<'_>> for PathSegment {
    fn from(step: Step<'_>) -> Self {
        match step {
            Step::Field(name) => Self::Field(name.to_owned()),
            Step::Index(index) => Self::Index(index),
        }
    }
}

impl<'a> Writer<'a> {
    pub(crate) fn new(schema: &'a Schema, errors: &'a mut Vec<ResponseError>) -> Self {
        Self { schema, buffer: Vec::with_capacity(1024), errors, path: vec![] }
    }

    /// The text of `data`, after `prefix`.
    pub(crate) fn data(mut self, prefix: &[u8], data: &Value, shape: &'a Shape) -> Vec<u8> {
        self.buffer.extend_from_slice(prefix);
        let start = self.buffer.len();
        let written = match data {
            Value::Object(object) => self.object(object, shape).is_ok(),
            _ => false,
        };
        if !written {
            self.buffer.truncate(start);
            self.buffer.extend_from_slice(b"null");
        }
        self.buffer
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Rise> {
        serde_json::to_writer(&mut self.buffer, value).map_err(|_| Rise)
    }

    fn value(&mut self, value: &Value, ty: &TypeRef, below: Option<&'a Shape>) -> Result<(), Rise> {
        if let TypeRef::NonNull(inner) = ty {
            if *value == Value::Null {
                self.note_missing(ty);
                return Err(Rise);
            }
            return self.present(value, inner, below);
        }
        let start = self.buffer.len();
        if *value == Value::Null || self.present(value, ty, below).is_err() {
            self.buffer.truncate(start);
            self.buffer.extend_from_slice(b"null");
        }
        Ok(())
    }

    fn path(&self) -> Vec<PathSegment> {
        self.path.iter().copied().map(Into::into).collect()
    }

    /// A non-null field without value and without an error that says why is a fault of the subgraph.
    fn note_missing(&mut self, ty: &TypeRef) {
        let path = self.path();
        let explained = |e: &ResponseError| e.path.starts_with(&path) || path.starts_with(&e.path);
        if !self.errors.iter().any(explained) {
            let message = format!("Cannot return null for a field of non-nullable type {ty}.");
            let error = ResponseError::new(ErrorCode::SubgraphInvalidResponse, message).at(path);
            self.errors.push(error);
        }
    }

    fn present(&mut self, value: &Value, ty: &TypeRef, below: Option<&'a Shape>) -> Result<(), Rise> {
        match (ty, value, below) {
            (TypeRef::List(inner), Value::List(items), _) => {
                self.buffer.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.buffer.push(b',');
                    }
                    self.path.push(Step::Index(i));
                    let written = self.value(item, inner, below);
                    self.path.pop();
                    written?;
                }
                self.buffer.push(b']');
                Ok(())
            }
            (TypeRef::Named(_), Value::Object(object), Some(shape)) => self.object(object, shape),
            (TypeRef::Named(name), value, None) => self.leaf(value, name),
            _ => Err(self.invalid("The subgraph's value does not fit the type of the field.")),
        }
    }

    fn leaf(&mut self, value: &Value, ty: &str) -> Result<(), Rise> {
        if let Some(TypeKind::Enum { values }) = self.schema.get(ty).map(|t| &t.kind) {
            let known = match value {
                Value::Enum(name) => values.contains_key(name.as_str()),
                Value::String(name) => values.contains_key(name),
                _ => false,
            };
            // A member the client may not know of (`@inaccessible`) is not named in the message either.
            if !known {
                return Err(self.invalid(&format!("The subgraph's value is not a member of enum {ty}.")));
            }
        }
        self.json(value)
    }

    fn invalid(&mut self, message: &str) -> Rise {
        let error = ResponseError::new(ErrorCode::SubgraphInvalidResponse, message).at(self.path());
        self.errors.push(error);
        Rise
    }

    fn object(&mut self, object: &Object, shape: &'a Shape) -> Result<(), Rise> {
        let ty = typename(object).unwrap_or(&shape.static_type);
        let Some(fields) = shape.fields(ty) else {
            // A type the client may not know of: the object is as good as absent.
            return Err(Rise);
        };
        self.buffer.push(b'{');
        for (i, field) in fields.iter().enumerate() {
            if i > 0 {
                self.buffer.push(b',');
            }
            self.field(object, ty, field)?;
        }
        self.buffer.push(b'}');
        Ok(())
    }

    fn field(&mut self, object: &Object, ty: &str, field: &'a ShapeField) -> Result<(), Rise> {
        // Response keys are GraphQL names: nothing in them needs escaping.
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(field.key.as_bytes());
        self.buffer.extend_from_slice(b"\":");
        if field.name == "__typename" {
            return self.json(ty);
        }
        self.path.push(Step::Field(&field.key));
        let value = object.get(field.key.as_str()).unwrap_or(&Value::Null);
        let written = self.value(value, &field.ty, field.below.as_deref());
        self.path.pop();
        written
    }
}
