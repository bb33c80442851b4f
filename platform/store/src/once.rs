use crate::{Document, Key, Space, StoreError, Tx};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::sync::Arc;

/// An idempotency key with what it stands for.
#[derive(Debug, Clone)]
pub struct Once {
    /// What the key is unique within: an operation, or an operation and a caller.
    pub scope: String,
    /// The key that the caller chose.
    pub key: String,
    /// A digest of the request: the same key with another fingerprint is refused.
    pub fingerprint: String,
    /// How long the first result is kept; for ever if none.
    pub keep_for: Option<SignedDuration>,
}

/// The result of an idempotent transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome<R> {
    /// What the first run returned.
    pub value: R,
    /// Whether this call found the result of an earlier one.
    pub replayed: bool,
}

/// The first result under an idempotency key, kept beside the documents it belongs to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OnceRecord {
    scope: String,
    key: String,
    fingerprint: String,
    result: Value,
    at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl Document for OnceRecord {
    const COLLECTION: &'static str = "_once";

    fn key(&self) -> Key {
        record_key(&self.scope, &self.key)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

fn record_key(scope: &str, key: &str) -> Key {
    Key::of(OnceRecord::COLLECTION, scope).child(key)
}

impl Space {
    /// As [`Space::transact`], but only the first call with an idempotency key has an effect: its result is stored in
    /// the same transaction, and later calls with the same key and fingerprint get it back. A call that ended in an
    /// error has no effect and stores nothing.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyKeyReused`] when the key was used with another fingerprint;
    /// [`StoreError::Undecodable`] when the stored result is no `R`; as [`Space::transact`].
    pub async fn transact_once<R, E, F, Fut>(&self, once: Once, act: F) -> Result<Outcome<R>, E>
    where
        R: Serialize + DeserializeOwned + Send,
        F: Fn(Tx) -> Fut + Send,
        Fut: Future<Output = Result<R, E>> + Send,
        E: From<StoreError> + Send,
    {
        let once = Arc::new(once);
        let clock = self.clock();
        self.transact(move |tx| {
            let once = Arc::clone(&once);
            let act = act(tx.clone());
            async move {
                if let Some(record) = tx.get::<OnceRecord>(&record_key(&once.scope, &once.key)).await? {
                    return replay(record.value, &once).map_err(E::from);
                }
                let value = act.await?;
                let at = clock.now();
                let result = serde_json::to_value(&value).map_err(|error| StoreError::Unencodable {
                    what: format!("the result of {}", once.scope),
                    reason: error.to_string(),
                })?;
                tx.put(&OnceRecord {
                    scope: once.scope.clone(),
                    key: once.key.clone(),
                    fingerprint: once.fingerprint.clone(),
                    result,
                    at,
                    expires_at: once.keep_for.map(|keep| at.saturating_add(keep).unwrap_or(Timestamp::MAX)),
                })?;
                Ok(Outcome { value, replayed: false })
            }
        })
        .await
    }
}

impl Space {
    /// The stored result of an earlier call of [`Space::transact_once`] with this key; `None` when there was none. For
    /// callers that have to do more than one transaction's work before they know what to write.
    ///
    /// # Errors
    /// As [`Space::transact_once`].
    pub async fn recall<R: DeserializeOwned>(&self, once: &Once) -> Result<Option<R>, StoreError> {
        let found = self.get::<OnceRecord>(&record_key(&once.scope, &once.key)).await?;
        found.map(|record| replay(record.value, once).map(|outcome| outcome.value)).transpose()
    }
}

fn replay<R: DeserializeOwned>(record: OnceRecord, once: &Once) -> Result<Outcome<R>, StoreError> {
    if record.fingerprint != once.fingerprint {
        return Err(StoreError::IdempotencyKeyReused { scope: record.scope, key: record.key });
    }
    let key = Box::new(record.key());
    match serde_json::from_value(record.result) {
        Ok(value) => Ok(Outcome { value, replayed: true }),
        Err(error) => Err(StoreError::Undecodable { key, reason: error.to_string() }),
    }
}
