use emporia_auth::hex;
use emporia_events::EventPayload;
use emporia_store::{Document, Key, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A longer entry is shortened: well below what a document may have.
const BYTES: usize = 256 * 1024;

/// What one transaction changed, and in whose name. It lies in the space it tells of, committed with the change, and is
/// never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its own id (UUIDv7).
    pub id: Uuid,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// Who: `operator/…`, `service/…`, `customer/…`, `command-line`.
    pub who: String,
    /// What he called: a mutation's name, or a command.
    pub operation: String,
    /// Ties together everything that came of the call: the request's id, also of its events.
    pub correlation_id: String,
    /// The space that was written.
    pub space: String,
    /// What was changed: documents in the order of their keys, then tallies, then the events that tell of it.
    pub changes: Vec<Changed>,
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// The document (`collection/key`), the tally, or the subject of an event.
    pub subject: String,
    /// What the changed fields had, as a merge patch that leads back (RFC 7396); none when there was no document.
    pub before: Option<Value>,
    /// What they have now, as a merge patch that leads on; none when the document is gone.
    pub after: Option<Value>,
}

impl Entry {
    pub(crate) fn key_of(id: Uuid) -> Key {
        Key::of(Self::COLLECTION, id.to_string())
    }

    /// The SHA-256 of its canonical JSON (RFC 8785), in hexadecimal.
    ///
    /// # Errors
    /// [`StoreError::Unencodable`]: it has no JSON form.
    pub fn hash(&self) -> Result<String, StoreError> {
        canonical(self).map(|bytes| hex(&Sha256::digest(bytes)))
    }

    /// What it is found by: each document once, without the part after `#`.
    pub(crate) fn subjects(&self) -> Vec<String> {
        let whole = |subject: &str| subject.split('#').next().unwrap_or_default().to_owned();
        let mut subjects: Vec<String> = self.changes.iter().map(|change| whole(&change.subject)).collect();
        subjects.sort_unstable();
        subjects.dedup();
        subjects
    }

    /// The entry, with the hashes of its longest values in their place as long as it is too long.
    pub(crate) fn fitted(mut self) -> Self {
        let size = |change: &Changed| serde_json::to_vec(change).map_or(0, |bytes| bytes.len());
        let mut sizes: Vec<(usize, usize)> =
            self.changes.iter().enumerate().map(|(place, change)| (size(change), place)).collect();
        let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
        sizes.sort_unstable();
        while let Some((size, place)) = (total > BYTES).then(|| sizes.pop()).flatten() {
            if let Some(change) = self.changes.get_mut(place) {
                let hashed = |side: Option<Value>| {
                    let side = side?;
                    Some(json!({ "sha256": hex(&Sha256::digest(canonical(&side).unwrap_or_default())) }))
                };
                (change.before, change.after) = (hashed(change.before.take()), hashed(change.after.take()));
            }
            total -= size;
        }
        self
    }
}

impl Document for Entry {
    const COLLECTION: &'static str = "_audit";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }
}

/// Something was written in somebody's name. What it was is in the entry alone: this event may go to anybody who reads
/// events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteRecorded {
    /// The entry.
    pub entry: Uuid,
    /// The space it lies in.
    pub space: String,
    /// Its hash.
    pub hash: String,
}

impl EventPayload for WriteRecorded {
    const SOURCE: &'static str = "emporia.audit";
    const DETAIL_TYPE: &'static str = "WriteRecorded";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        format!("audit-entry/{}", self.entry)
    }
}

/// Canonical JSON (RFC 8785): the same bytes whoever writes it.
fn canonical(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| StoreError::Unencodable {
        what: "an audit entry".to_owned(),
        reason: error.to_string(),
    })
}
