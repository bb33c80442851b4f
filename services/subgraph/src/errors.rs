use async_graphql::{Error, ErrorExtensions};
use emporia_contracts::Fault;
use emporia_store::StoreError;

fn coded(message: impl Into<String>, code: &str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// The request is wrong in itself: an id of another kind, a number out of range, an unknown currency.
pub fn bad_input(message: impl Into<String>) -> Error {
    coded(message, "BAD_USER_INPUT")
}

/// There is nothing of that id, or the caller may not know that there is.
pub fn not_found(message: impl Into<String>) -> Error {
    coded(message, "NOT_FOUND")
}

/// The caller is known but has no right to this.
pub fn forbidden(message: impl Into<String>) -> Error {
    coded(message, "FORBIDDEN")
}

/// The caller is not known and has to be.
pub fn unauthenticated(message: impl Into<String>) -> Error {
    coded(message, "UNAUTHENTICATED")
}

/// Somebody else changed the thing since the caller read it.
pub fn conflict(message: impl Into<String>) -> Error {
    coded(message, "CONFLICT")
}

/// What the store refuses, as the client should see it: a bad cursor or key, an idempotency key that was used before
/// with another input, or a fault of `room`.
pub fn store_error(room: &str, error: StoreError) -> Error {
    match &error {
        StoreError::IdempotencyKeyReused { key, .. } => coded(
            format!(
                "idempotency key \"{key}\" was already used with another input: use a new key for a new request"
            ),
            "IDEMPOTENCY_KEY_REUSED",
        ),
        StoreError::BadCursor { .. } | StoreError::BadKey { .. } => bad_input(error.to_string()),
        _ if error.is_retryable() => fault(Fault::transient(room, error)),
        _ => fault(Fault::permanent(room, error)),
    }
}

/// A room does not answer: nobody's fault but ours. The gateway masks the message in production.
pub fn fault(fault: Fault) -> Error {
    let code = if fault.transient { "SERVICE_UNAVAILABLE" } else { "INTERNAL_SERVER_ERROR" };
    coded(fault.to_string(), code)
}
