//! Values of variables, by the rules of the GraphQL specification (§6.1.2 CoerceVariableValues, §3 input coercion).

use async_graphql::{Name, Value, Variables, indexmap::IndexMap};
use serde_json::{Map, Value as Json};

use crate::{
    error::{ErrorCode, ResponseError},
    operation::{self, VariableDefinition},
    schema::{Schema, TypeKind, TypeRef},
};

/// The values an operation runs with. Variables that the operation does not declare are ignored.
pub(crate) fn variables(
    schema: &Schema,
    definitions: &[VariableDefinition],
    given: Option<Map<String, Json>>,
) -> Result<Variables, Vec<ResponseError>> {
    let mut given = given.unwrap_or_default();
    let (mut values, mut errors) = (Variables::default(), vec![]);
    for definition in definitions {
        let ty = TypeRef::new(&definition.var_type);
        match (given.remove(&definition.name), &definition.default_value) {
            (None, Some(default)) => {
                values.insert(Name::new(&definition.name), operation::constant(default));
            }
            (None, None) if ty.is_non_null() => errors.push(ResponseError::new(
                ErrorCode::BadUserInput,
                format!("Variable \"${}\" of required type \"{ty}\" was not provided.", definition.name),
            )),
            (None, None) => {}
            (Some(Json::Null), _) if ty.is_non_null() => errors.push(ResponseError::new(
                ErrorCode::BadUserInput,
                format!("Variable \"${}\" of non-null type \"{ty}\" must not be null.", definition.name),
            )),
            (Some(json), _) => match coerce(schema, &ty, json) {
                Ok(value) => {
                    values.insert(Name::new(&definition.name), value);
                }
                Err(problem) => errors.push(problem.into_error(&definition.name)),
            },
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// What is wrong with a value, and where in it.
#[derive(Debug)]
struct Problem {
    message: String,
    /// From the inside to the outside: the usual case, no problem, then costs nothing.
    path: Vec<String>,
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), path: vec![] }
    }

    fn within(mut self, segment: String) -> Self {
        self.path.push(segment);
        self
    }

    fn into_error(self, variable: &str) -> ResponseError {
        let at: String = self.path.iter().rev().map(String::as_str).collect();
        let place = if at.is_empty() { String::new() } else { format!(" at \"{variable}{at}\"") };
        let message = format!("Variable \"${variable}\" got an invalid value{place}: {}", self.message);
        ResponseError::new(ErrorCode::BadUserInput, message)
    }
}

fn coerce(schema: &Schema, ty: &TypeRef, json: Json) -> Result<Value, Problem> {
    match ty {
        TypeRef::NonNull(inner) => match json {
            Json::Null => Err(Problem::new(format!("Expected non-nullable type \"{ty}\" not to be null."))),
            json => coerce(schema, inner, json),
        },
        _ if json.is_null() => Ok(Value::Null),
        TypeRef::List(inner) => match json {
            Json::Array(items) => {
                let item = |(i, item)| coerce(schema, inner, item).map_err(|p| p.within(format!("[{i}]")));
                items.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>().map(Value::List)
            }
            // A single value stands for a list of one.
            json => Ok(Value::List(vec![coerce(schema, inner, json)?])),
        },
        TypeRef::Named(name) => named(schema, name, json),
    }
}

fn named(schema: &Schema, name: &str, json: Json) -> Result<Value, Problem> {
    match schema.get(name).map(|t| &t.kind) {
        Some(TypeKind::Scalar { .. }) | None => scalar(name, json),
        Some(TypeKind::Enum { values }) => match &json {
            Json::String(text) if values.contains_key(text) => Ok(Value::Enum(Name::new(text))),
            Json::String(text) => {
                Err(Problem::new(format!("Value \"{text}\" does not exist in \"{name}\" enum.")))
            }
            _ => Err(Problem::new(format!(
                "Enum \"{name}\" cannot represent non-string value: {}.",
                shown(&json)
            ))),
        },
        Some(TypeKind::InputObject { fields, one_of }) => {
            let Json::Object(mut given) = json else {
                return Err(Problem::new(format!("Expected type \"{name}\" to be an object.")));
            };
            let mut object = IndexMap::with_capacity(given.len());
            for (field, def) in fields {
                match given.remove(field) {
                    Some(value) => {
                        let value =
                            coerce(schema, &def.ty, value).map_err(|p| p.within(format!(".{field}")))?;
                        object.insert(Name::new(field), value);
                    }
                    // Left out with a default: the subgraph owns the default and fills it in.
                    None if def.default.is_some() || !def.ty.is_non_null() => {}
                    None => {
                        let message =
                            format!("Field \"{field}\" of required type \"{}\" was not provided.", def.ty);
                        return Err(Problem::new(message));
                    }
                }
            }
            if let Some((unknown, _)) = given.iter().next() {
                return Err(Problem::new(format!("Field \"{unknown}\" is not defined by type \"{name}\".")));
            }
            if *one_of && (object.len() != 1 || object.values().any(|v| *v == Value::Null)) {
                let message =
                    format!("Exactly one field of \"{name}\" must be given, and it must not be null.");
                return Err(Problem::new(message));
            }
            Ok(Value::Object(object))
        }
        Some(_) => Err(Problem::new(format!("\"{name}\" is not an input type."))),
    }
}

fn scalar(name: &str, json: Json) -> Result<Value, Problem> {
    let refuse = |what: &str, json: &Json| {
        Err(Problem::new(format!("{name} cannot represent {what} value: {}.", shown(json))))
    };
    match name {
        "Int" => match &json {
            Json::Number(n) => match whole(n) {
                Some(i) if i32::try_from(i).is_ok() => Ok(Value::from(i)),
                Some(_) => refuse("non 32-bit signed integer", &json),
                None => refuse("non-integer", &json),
            },
            _ => refuse("non-integer", &json),
        },
        "Float" => match json {
            Json::Number(n) => Ok(Value::Number(n)),
            json => refuse("non numeric", &json),
        },
        "String" => match json {
            Json::String(text) => Ok(Value::String(text)),
            json => refuse("a non string", &json),
        },
        "Boolean" => match json {
            Json::Bool(b) => Ok(Value::Boolean(b)),
            json => refuse("a non boolean", &json),
        },
        "ID" => match json {
            Json::String(text) => Ok(Value::String(text)),
            Json::Number(n) if n.is_i64() || n.is_u64() => Ok(Value::String(n.to_string())),
            json => refuse("a non string and non integer", &json),
        },
        // A scalar of our own: the subgraph that owns it knows its rules.
        _ => Value::from_json(json).map_err(|e| Problem::new(e.to_string())),
    }
}

/// 3 and 3.0 are both the integer 3.
fn whole(n: &serde_json::Number) -> Option<i64> {
    n.as_i64().or_else(|| {
        let f = n.as_f64()?;
        // Beyond 2^53 a float does not name one integer any more; Int ends far below.
        (f.fract() == 0.0 && f.abs() < 9e15).then_some(f as i64)
    })
}

/// What kind of value it is: the value itself could be a password.
fn shown(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
