use crate::VaultError;
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{TryRngCore, rngs::OsRng};
use zeroize::Zeroizing;

/// The key that wraps all persons' keys. It comes from the configuration and is never stored beside what it wraps.
#[derive(Clone)]
pub struct MasterKey(pub(crate) Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A new random one.
    pub fn generate() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// Reads 32 bytes in base 64.
    ///
    /// # Errors
    /// [`VaultError::MasterKeyForm`].
    pub fn from_base64(text: &str) -> Result<Self, VaultError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| VaultError::MasterKeyForm)?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| VaultError::MasterKeyForm)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The form of the configuration.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Bytes from the operating system.
///
/// A machine whose source of randomness fails cannot do any cryptography: nothing sensible can go on.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    OsRng.unwrap_err().try_fill_bytes(&mut bytes).unwrap_or_else(|never| match never {});
    bytes
}
