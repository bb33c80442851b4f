use crate::{
    MasterKey, PersonId, Sealed, VaultError,
    keys::{Key, KeyFile, seal_bytes, seal_open},
    master::random,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use emporia_id::{Ids, SystemClock};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use std::{path::Path, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// Keys made in one flush. A crash loses at most so many ids that nobody has seen.
const BATCH: usize = 512;
/// Keys kept in memory.
const CACHED: u64 = 20_000;
/// How long: a key that another process destroys is forgotten within that time.
const KEPT: Duration = Duration::from_secs(1);

/// Seals and opens personal data. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    file: KeyFile,
    ids: Ids,
    ahead: Mutex<Vec<(PersonId, Key)>>,
    cache: moka::sync::Cache<PersonId, Arc<Key>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Opens the key file, and makes it when it is not there.
    ///
    /// # Errors
    /// [`VaultError::File`], or [`VaultError::WrongMasterKey`] when the file was made with another one.
    pub fn open(path: &Path, master: &MasterKey) -> Result<Self, VaultError> {
        Ok(Self(Arc::new(Inner {
            file: KeyFile::open(path, master)?,
            ids: Ids::random(Arc::new(SystemClock)),
            ahead: Mutex::default(),
            cache: moka::sync::Cache::builder().max_capacity(CACHED).time_to_live(KEPT).build(),
        })))
    }

    /// A new person, whose key is on disk before this returns.
    ///
    /// # Errors
    /// [`VaultError::File`].
    pub fn new_person(&self) -> Result<PersonId, VaultError> {
        let mut ahead = self.0.ahead.lock();
        if ahead.is_empty() {
            let batch: Vec<(PersonId, Key)> =
                (0..BATCH).map(|_| (self.0.ids.next(), Zeroizing::new(random()))).collect();
            self.0.file.insert(&batch)?;
            ahead.extend(batch.into_iter().rev());
        }
        // The batch above is not empty.
        let (person, key) = ahead.pop().ok_or_else(|| VaultError::NoKey(self.0.ids.next()))?;
        // It is about to be used.
        self.0.cache.insert(person, Arc::new(key));
        Ok(person)
    }

    /// Seals a value for a person.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] when the person was erased.
    pub fn seal(&self, person: PersonId, value: &impl Serialize) -> Result<Sealed, VaultError> {
        let key = self.key(person)?.ok_or(VaultError::NoKey(person))?;
        let plain = Zeroizing::new(serde_json::to_vec(value)?);
        let sealed = seal_bytes(&cipher(&key), person.uuid().as_bytes(), &plain);
        Ok(Sealed { person, data: STANDARD_NO_PAD.encode(sealed) })
    }

    /// Opens a sealed value; `None` when the person was erased.
    ///
    /// # Errors
    /// [`VaultError::Altered`] when the text was changed, [`VaultError::Form`] when it holds something else.
    pub fn unseal<T: DeserializeOwned>(&self, sealed: &Sealed) -> Result<Option<T>, VaultError> {
        let Some(key) = self.key(sealed.person)? else { return Ok(None) };
        let bytes = STANDARD_NO_PAD.decode(&sealed.data).map_err(|_| VaultError::Altered(sealed.person))?;
        let plain = seal_open(&cipher(&key), sealed.person.uuid().as_bytes(), &bytes)
            .map(Zeroizing::new)
            .ok_or(VaultError::Altered(sealed.person))?;
        Ok(Some(serde_json::from_slice(&plain)?))
    }

    /// Destroys a person's key, for good. Idempotent. Other processes on the same file may open what is sealed for a
    /// second more.
    ///
    /// # Errors
    /// [`VaultError::File`]: then the key is still there and the call has to be made again.
    pub fn destroy(&self, person: PersonId, at: Timestamp) -> Result<(), VaultError> {
        self.0.file.destroy(person, at)?;
        self.0.cache.invalidate(&person);
        Ok(())
    }

    /// Who was erased and when: to be applied again after a restore.
    ///
    /// # Errors
    /// [`VaultError::File`].
    pub fn erasures(&self) -> Result<Vec<(PersonId, Timestamp)>, VaultError> {
        self.0.file.erasures()
    }

    fn key(&self, person: PersonId) -> Result<Option<Arc<Key>>, VaultError> {
        if let Some(key) = self.0.cache.get(&person) {
            return Ok(Some(key));
        }
        let Some(key) = self.0.file.get(person)?.map(Arc::new) else { return Ok(None) };
        self.0.cache.insert(person, key.clone());
        // Destroyed between reading and remembering: then it must not be remembered.
        if self.0.file.get(person)?.is_none() {
            self.0.cache.invalidate(&person);
            return Ok(None);
        }
        Ok(Some(key))
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.as_slice().into())
}
