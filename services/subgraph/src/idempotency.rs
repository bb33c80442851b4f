use emporia_contracts::{Principal, RequestContext};
use emporia_store::{Once, Space, StoreError, Tx};
use jiff::SignedDuration;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// How long a key is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(48);

/// The record of an operation under a key that a client chose: 1 to 200 visible characters. The same key of two
/// callers, or of two operations, are two keys.
///
/// # Errors
/// [`StoreError::BadKey`] when the key is empty, too long or has control characters.
pub fn idempotency(
    asks: &RequestContext,
    operation: &str,
    key: &str,
    input: &impl Serialize,
) -> Result<Once, StoreError> {
    if key.is_empty() || key.len() > 200 || key.chars().any(char::is_control) {
        let key = key.chars().take(60).collect();
        return Err(StoreError::BadKey {
            key,
            reason: "idempotencyKey has 1 to 200 visible characters".into(),
        });
    }
    let caller = match (&asks.principal, asks.owner().map(|owner| owner.kind_and_id())) {
        (_, Some((kind, id))) => format!("{kind}/{id}"),
        (Principal::Operator { id, .. }, _) => format!("operator/{id}"),
        (Principal::Service { id, .. }, _) => format!("service/{id}"),
        (Principal::System(name), _) => format!("system/{name}"),
        _ => "anonymous".to_owned(),
    };
    Ok(Once {
        scope: format!("{operation}/{caller}"),
        key: key.to_owned(),
        fingerprint: fingerprint(input),
        keep_for: Some(KEPT),
    })
}

/// Runs an operation in its own transaction: once per key when the client gave one, else each time.
///
/// # Errors
/// The operation's own; [`StoreError::IdempotencyKeyReused`] when the key came with another input;
/// [`StoreError::BadKey`].
pub async fn run_once<R, E, F, Fut>(
    space: &Space,
    asks: &RequestContext,
    operation: &str,
    key: Option<&str>,
    input: &(impl Serialize + Sync),
    act: F,
) -> Result<R, E>
where
    R: Serialize + DeserializeOwned + Send,
    E: From<StoreError> + Send,
    F: Fn(Tx) -> Fut + Send,
    Fut: Future<Output = Result<R, E>> + Send,
{
    match key {
        None => space.transact(act).await,
        Some(key) => Ok(space.transact_once(idempotency(asks, operation, key, input)?, act).await?.value),
    }
}

/// A hash of an input, to tell whether a key comes again with the same one.
pub fn fingerprint(input: &impl Serialize) -> String {
    // A value that cannot be written as JSON has no fingerprint; an empty one only makes reuse stricter.
    let bytes = serde_json::to_vec(input).unwrap_or_default();
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}
