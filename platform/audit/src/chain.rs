//! The chain: each link holds the hash of an entry and, through the link before, of all that came before it.

use emporia_auth::{KeyError, TokenKey, hex};
use emporia_store::{Children, Document, IndexEntry, IndexKey, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use uuid::Uuid;

/// The one partition of all links.
const CHAIN: &str = "chain";
/// What a link's signature is over, before the hash: so that it is none of anything else.
const PURPOSE: &str = "emporia audit link ";
/// The hash before the first link.
pub(crate) const ORIGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry's place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Counts from 1 without a gap.
    pub number: u64,
    /// The entry.
    pub entry: Uuid,
    /// The space it lies in.
    pub space: String,
    /// Its hash.
    pub entry_hash: String,
    /// SHA-256 of number (8 bytes, the highest first), the hash of the link before, and the entry's hash.
    pub hash: String,
    /// Which key signed.
    pub key: String,
    /// Ed25519, over `emporia audit link ` and the hash.
    pub signature: String,
    /// For finding it again; the entry says it itself.
    pub at: Timestamp,
    /// For finding it again.
    pub who: String,
    /// For finding it again.
    pub operation: String,
    /// For finding it again.
    pub subjects: Vec<String>,
}

impl Link {
    pub(crate) fn key_of(number: u64) -> Key {
        Key::of(Self::COLLECTION, CHAIN).child(Self::sort(number))
    }

    /// Numbers as texts whose order is theirs.
    pub(crate) fn sort(number: u64) -> String {
        format!("{number:020}")
    }

    /// All links, ascending.
    pub(crate) fn all() -> Children {
        Children::of(CHAIN)
    }
}

/// The hash of a link.
pub(crate) fn link_hash(number: u64, before: &str, entry: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(number.to_be_bytes());
    hasher.update(unhex(before));
    hasher.update(unhex(entry));
    hex(&hasher.finalize())
}

/// The 32 bytes of a hash; of a text that is none, bytes that are no hash of anything.
fn unhex(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Sha256::digest(text).into();
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
    }
    bytes
}

impl Document for Link {
    const COLLECTION: &'static str = "link";

    fn key(&self) -> Key {
        Self::key_of(self.number)
    }

    fn index(&self) -> Vec<IndexEntry> {
        let number = i64::try_from(self.number).unwrap_or(i64::MAX);
        let by_subject =
            |subject: &String| IndexEntry::new("by_subject", IndexKey::new().text(subject).int(number));
        [
            IndexEntry::new("by_entry", IndexKey::new().text(&self.entry.to_string())),
            IndexEntry::new("by_who", IndexKey::new().text(&self.who).int(number)),
        ]
        .into_iter()
        .chain(self.subjects.iter().map(by_subject))
        .collect()
    }
}

/// The key that signs links. It is no key of anything else and does not change: what it signed has to be checked years
/// later.
#[derive(Debug, Clone)]
pub struct ChainKey(TokenKey);

impl ChainKey {
    /// Reads the key of this file, and makes both when there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        TokenKey::open(path).map(Self)
    }

    /// Its name in links: the thumbprint of its public half (RFC 7638).
    pub fn id(&self) -> String {
        self.0.id()
    }

    pub(crate) fn sign(&self, hash: &str) -> String {
        self.0.sign(format!("{PURPOSE}{hash}").as_bytes())
    }

    pub(crate) fn signed(&self, hash: &str, signature: &str) -> bool {
        self.0.signed(format!("{PURPOSE}{hash}").as_bytes(), signature)
    }
}
