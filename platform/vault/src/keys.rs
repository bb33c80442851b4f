//! The key file: SQLite, flushed on every change, freed pages overwritten.

use crate::{MasterKey, PersonId, VaultError, master::random};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::{path::Path, time::Duration};
use zeroize::Zeroizing;

pub(crate) type Key = Zeroizing<[u8; 32]>;

const SCHEMA: &str = "
    create table if not exists keys (person blob primary key, wrapped blob not null) without rowid;
    create table if not exists erasures (person blob primary key, at integer not null) without rowid;
    create table if not exists probe (id integer primary key check (id = 1), wrapped blob not null);
    pragma user_version = 1;
";

pub(crate) struct KeyFile {
    path: String,
    cipher: XChaCha20Poly1305,
    connection: Mutex<Connection>,
}

impl KeyFile {
    pub(crate) fn open(path: &Path, master: &MasterKey) -> Result<Self, VaultError> {
        let name = path.display().to_string();
        let file = |source| VaultError::File { path: name.clone(), source };
        let connection = Connection::open(path).map_err(file)?;
        restrict(path);
        // A copy being made holds a reading lock for a moment.
        connection.busy_timeout(Duration::from_secs(30)).map_err(file)?;
        // A rollback journal that is overwritten, not a WAL: a destroyed key must not live on in a side file.
        connection
            .execute_batch(
                "pragma journal_mode = persist; pragma synchronous = full; pragma secure_delete = on;",
            )
            .and_then(|()| connection.execute_batch(SCHEMA))
            .map_err(file)?;
        let this = Self {
            path: name,
            cipher: XChaCha20Poly1305::new(master.0.as_slice().into()),
            connection: Mutex::new(connection),
        };
        this.check_master()?;
        Ok(this)
    }

    /// The first opening seals a known text; later ones must be able to open it.
    fn check_master(&self) -> Result<(), VaultError> {
        let connection = self.connection.lock();
        let probe: Option<Vec<u8>> = connection
            .query_row("select wrapped from probe", [], |row| row.get(0))
            .optional()
            .map_err(|e| self.file(e))?;
        match probe {
            Some(wrapped) => match seal_open(&self.cipher, b"probe", &wrapped) {
                Some(_) => Ok(()),
                None => Err(VaultError::WrongMasterKey { path: self.path.clone() }),
            },
            None => {
                let wrapped = seal_bytes(&self.cipher, b"probe", &[0u8; 32]);
                connection
                    .execute("insert into probe values (1, ?)", [wrapped])
                    .map(drop)
                    .map_err(|e| self.file(e))
            }
        }
    }

    pub(crate) fn insert(&self, keys: &[(PersonId, Key)]) -> Result<(), VaultError> {
        let mut connection = self.connection.lock();
        let write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            let mut insert = transaction.prepare_cached("insert into keys values (?, ?)")?;
            for (person, key) in keys {
                let id = person.uuid();
                let wrapped = seal_bytes(&self.cipher, id.as_bytes(), key.as_slice());
                insert.execute(params![id.as_bytes(), wrapped])?;
            }
            drop(insert);
            transaction.commit()
        };
        let mut write = write;
        write().map_err(|e| self.file(e))
    }

    pub(crate) fn get(&self, person: PersonId) -> Result<Option<Key>, VaultError> {
        let id = person.uuid();
        let wrapped: Option<Vec<u8>> = self
            .connection
            .lock()
            .prepare_cached("select wrapped from keys where person = ?")
            .and_then(|mut s| s.query_row([id.as_bytes()], |row| row.get(0)).optional())
            .map_err(|e| self.file(e))?;
        let Some(wrapped) = wrapped else { return Ok(None) };
        let bytes = Zeroizing::new(
            seal_open(&self.cipher, id.as_bytes(), &wrapped).ok_or(VaultError::Altered(person))?,
        );
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| VaultError::Altered(person))?;
        Ok(Some(Zeroizing::new(key)))
    }

    /// Overwrites and removes the key, and notes the erasure, in one transaction.
    pub(crate) fn destroy(&self, person: PersonId, at: Timestamp) -> Result<(), VaultError> {
        let id = person.uuid();
        let mut connection = self.connection.lock();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            transaction.execute("delete from keys where person = ?", [id.as_bytes()])?;
            transaction.execute(
                "insert or ignore into erasures values (?, ?)",
                params![id.as_bytes(), at.as_millisecond()],
            )?;
            transaction.commit()
        };
        write().map_err(|e| self.file(e))
    }

    pub(crate) fn erasures(&self) -> Result<Vec<(PersonId, Timestamp)>, VaultError> {
        let connection = self.connection.lock();
        let mut statement =
            connection.prepare("select person, at from erasures order by at").map_err(|e| self.file(e))?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?)))
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(|e| self.file(e))?;
        Ok(rows
            .into_iter()
            .map(|(id, at)| {
                let person = u128::from_be_bytes(id);
                (
                    PersonId::from(emporia_id::reexport::Uuid::from_u128(person)),
                    Timestamp::from_millisecond(at).unwrap_or_default(),
                )
            })
            .collect())
    }

    fn file(&self, source: rusqlite::Error) -> VaultError {
        VaultError::File { path: self.path.clone(), source }
    }
}

/// Copies a key file, whether a process works with it or not. Keep the copy apart from the data's.
///
/// # Errors
/// [`VaultError::File`]: there is no such file, or the copy is there already.
pub fn backup(from: &Path, to: &Path) -> Result<(), VaultError> {
    let copied = || -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(from, flags)?;
        connection.busy_timeout(Duration::from_secs(30))?;
        connection.execute("vacuum into ?", [to.display().to_string()]).map(drop)
    };
    copied().map_err(|source| VaultError::File { path: from.display().to_string(), source })?;
    restrict(to);
    Ok(())
}

/// Nonce and ciphertext in one.
pub(crate) fn seal_bytes(cipher: &XChaCha20Poly1305, bound_to: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; 24] = random();
    // The cipher only refuses more than 256 GB.
    let sealed =
        cipher.encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: bound_to }).unwrap_or_default();
    [&nonce[..], &sealed].concat()
}

pub(crate) fn seal_open(cipher: &XChaCha20Poly1305, bound_to: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(24)?;
    cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: bound_to }).ok()
}

/// Only the owner of the process may read the file. Elsewhere than on Unix the directory's rights have to do.
fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // If this fails the file is as readable as its directory allows: no reason not to work.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = path;
}
