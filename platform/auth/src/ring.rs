//! The signing key and the former ones, as files: another process may change them at any time.

use crate::{
    KeyError, TokenKey,
    key::{VerifyingKey, file_error, key_id, replace},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The key that signs, and those whose tokens may still be about.
#[derive(Debug, Clone)]
pub struct KeyRing {
    /// Signs.
    pub key: TokenKey,
    /// Verify only.
    pub former: Vec<FormerKey>,
}

/// A key that does not sign any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerKey {
    /// Its public half: the other one is gone.
    pub key: VerifyingKey,
    /// By then its last token has ended.
    pub until: Timestamp,
}

impl FormerKey {
    /// Its `kid`.
    pub fn id(&self) -> String {
        key_id(&self.key)
    }
}

/// A former key as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Former {
    x: String,
    until: Timestamp,
}

impl KeyRing {
    /// The key of this file (see [`TokenKey::open`]) with the former ones beside it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        // The former ones last: a key that is replaced meanwhile is among them before it goes.
        let key = TokenKey::open(path)?;
        Ok(Self { key, former: read(&beside(path))? })
    }

    /// Puts a new key in the place of the one that signs, which is accepted for `keep` longer: as long as a token holds,
    /// and processes take to notice. Processes that rotate at the same time wait for each other.
    ///
    /// # Errors
    /// [`KeyError`]; then the old key still signs.
    pub fn rotate(path: &Path, now: Timestamp, keep: SignedDuration) -> Result<Self, KeyError> {
        let lock = path.with_extension("lock");
        let locked = fs::File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let _locked = locked.map_err(file_error(&lock))?;
        let Self { key: old, mut former } = Self::open(path)?;
        former.retain(|key| key.until > now);
        former.push(FormerKey {
            key: old.verifying(),
            until: now.saturating_add(keep).unwrap_or(Timestamp::MAX),
        });
        let written: Vec<Former> = former
            .iter()
            .map(|f| Former { x: URL_SAFE_NO_PAD.encode(f.key.as_bytes()), until: f.until })
            .collect();
        let written = serde_json::to_string_pretty(&written).map_err(|_| KeyError::Former)?;
        let list = beside(path);
        replace(&list, &written).map_err(file_error(&list))?;
        let key = TokenKey::generate();
        replace(path, &key.to_pem()?).map_err(file_error(path))?;
        Ok(Self { key, former })
    }
}

/// `tokens.pem` has its former keys in `tokens-former.json`.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}-former.json"))
}

fn read(path: &Path) -> Result<Vec<FormerKey>, KeyError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(file_error(path)(error)),
    };
    let all: Vec<Former> = serde_json::from_str(&text).map_err(|_| KeyError::Former)?;
    let key = |x: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(x).ok()?;
        VerifyingKey::from_bytes(bytes.as_slice().try_into().ok()?).ok()
    };
    all.iter().map(|f| Ok(FormerKey { key: key(&f.x).ok_or(KeyError::Former)?, until: f.until })).collect()
}
