use crate::errors::bad_input;
use async_graphql::Result;
use emporia_contracts::{Owner, Principal, RequestContext};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Whose keys collide with whose: the same key of two callers, or of two operations, are two keys.
pub type IdempotencyScope = String;

/// Checks a key that a client chose: 1 to 200 visible characters. Returns it with the scope of this caller and
/// operation.
///
/// # Errors
/// `BAD_USER_INPUT` when the key is empty, too long or has control characters.
pub fn idempotency_key(context: &RequestContext, operation: &str, key: &str) -> Result<(IdempotencyScope, String)> {
    if key.is_empty() || key.len() > 200 || key.chars().any(char::is_control) {
        return Err(bad_input("idempotencyKey: use 1 to 200 visible characters, such as a UUID"));
    }
    let caller = match (&context.principal, context.owner()) {
        (_, Some(Owner::Customer(id))) => format!("customer/{id}"),
        (_, Some(Owner::Guest(guest))) => format!("guest/{}", guest.0),
        (Principal::Operator { id, .. }, _) => format!("operator/{id}"),
        (Principal::System(name), _) => format!("system/{name}"),
        _ => "anonymous".to_owned(),
    };
    Ok((format!("{operation}/{caller}"), key.to_owned()))
}

/// A hash of an input, to tell whether a key comes again with the same one.
pub fn fingerprint(input: &impl Serialize) -> String {
    // A value that cannot be written as JSON has no fingerprint; an empty one only makes reuse stricter.
    let bytes = serde_json::to_vec(input).unwrap_or_default();
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}
