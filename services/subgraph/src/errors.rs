use async_graphql::{Error, ErrorExtensions};
use emporia_contracts::Fault;

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

/// The idempotency key was used before with another input.
pub fn idempotency_key_reused(key: &str) -> Error {
    coded(
        format!("idempotency key \"{key}\" was already used with another input: use a new key for a new request"),
        "IDEMPOTENCY_KEY_REUSED",
    )
}

/// A room does not answer: nobody's fault but ours. The gateway masks the message in production.
pub fn fault(fault: Fault) -> Error {
    let code = if fault.transient { "SERVICE_UNAVAILABLE" } else { "INTERNAL_SERVER_ERROR" };
    coded(fault.to_string(), code)
}
