use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What is stored of a secret that has 256 random bits: its SHA-256 in hexadecimal. For anything that people think up
/// it is no protection: see [`crate::Passwords`] and [`KeyedHash`].
pub fn secret_hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Whether two secrets are the same. How long it takes tells at most their lengths.
pub fn same_secret(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Hashes guessable texts with a key (HMAC-SHA-256), so that they can be looked up but not tried out by whoever has
/// the store and not the key. Cheap to clone.
#[derive(Clone)]
pub struct KeyedHash(Arc<Zeroizing<Vec<u8>>>);

impl KeyedHash {
    /// With this key: at least 32 random bytes. Whoever changes it finds nothing again.
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Zeroizing::new(key.into())))
    }

    /// The hash of a text, in hexadecimal. Texts of different `purpose` never have the same one.
    pub fn of(&self, purpose: &str, text: &str) -> String {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(…)")
    }
}

/// Bytes as hexadecimal digits, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
