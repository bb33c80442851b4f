//! Sealed values, for reading.

use emporia_audit::is_sealed;
use emporia_vault::{Sealed, Vault, VaultError};
use serde_json::{Map, Value, json};

/// Who reads sealed values.
#[derive(Clone, Copy, Debug)]
pub enum Reader<'a> {
    /// Somebody who may read what is personal.
    Opening(&'a Vault),
    /// Somebody who may not.
    Passing,
}

/// The value with each sealed one opened; whose it is in place of one that cannot be opened, or not by this reader.
///
/// # Errors
/// [`VaultError`]: the keys cannot be read, or a sealed text was changed.
pub fn opened(value: Value, reader: Reader<'_>) -> Result<Value, VaultError> {
    Ok(match value {
        Value::Object(fields) => match sealed(&fields) {
            Some(sealed) => {
                let open = match reader {
                    Reader::Opening(vault) => vault.unseal::<Value>(&sealed)?,
                    Reader::Passing => None,
                };
                open.unwrap_or_else(|| json!({ "person": sealed.person }))
            }
            None => {
                let fields = fields.into_iter().map(|(field, value)| Ok((field, opened(value, reader)?)));
                Value::Object(fields.collect::<Result<Map<_, _>, VaultError>>()?)
            }
        },
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| opened(item, reader)).collect::<Result<_, _>>()?)
        }
        plain => plain,
    })
}

/// What these fields are if they are exactly those of a sealed value.
fn sealed(fields: &Map<String, Value>) -> Option<Sealed> {
    is_sealed(fields).then(|| serde_json::from_value(Value::Object(fields.clone())).ok()).flatten()
}
