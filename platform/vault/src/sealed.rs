use emporia_id::typed_id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

typed_id!(
    /// A person, known to facts by this id alone.
    PersonId, "per"
);

/// Something that only the person's key opens. Safe to store, copy, log and archive: when the key is destroyed, nobody
/// can read it any more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sealed {
    /// Whose key opens it.
    pub person: PersonId,
    /// XChaCha20-Poly1305: nonce and ciphertext, base 64.
    pub data: String,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", self.person)
    }
}
