//! Copies of a data directory: made while the store works, brought back into an empty directory.

use crate::{
    Layout,
    database::Database,
    directory::make,
    fault::{fault, io_fault},
};
use emporia_store::StoreError;
use jiff::Timestamp;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const MANIFEST: &str = "backup.json";

/// What a backup says of itself, in `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When it was begun.
    pub at: Timestamp,
    /// How its spaces are laid out in files.
    pub layout: Layout,
    /// The files, each consistent in itself.
    pub files: Vec<String>,
}

pub(crate) async fn backup(
    databases: Vec<Arc<Database>>,
    layout: Layout,
    at: Timestamp,
    to: PathBuf,
) -> Result<(), StoreError> {
    let done = tokio::task::spawn_blocking(move || {
        let copy = Copy::into_empty(&to)?;
        let mut files = Vec::new();
        for database in databases {
            let name =
                database.file().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let file = copy.path(&name);
            copy_online(&database, &file).map_err(|error| fault(error, &file))?;
            files.push(name);
        }
        let manifest = Manifest { at, layout, files };
        copy.finish(
            &serde_json::to_vec_pretty(&manifest).map_err(|error| unreadable(&to, &error.to_string()))?,
        )
    });
    done.await.map_err(|error| StoreError::Unavailable { detail: error.to_string() })?
}

/// SQLite's own backup, all pages in one step: the reading transaction it holds is one snapshot, and in WAL mode the
/// writer goes on meanwhile.
fn copy_online(database: &Database, to: &Path) -> rusqlite::Result<()> {
    let from = database.readers.open()?;
    let mut target = Connection::open(to)?;
    {
        let backup = Backup::new(&from, &mut target)?;
        loop {
            match backup.step(-1)? {
                StepResult::Done => break,
                // A checkpoint is at work; it takes milliseconds.
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
    target.close().map_err(|(_, error)| error)
}

/// Brings a backup back into an empty or new directory.
///
/// # Errors
/// [`StoreError::BadDirectory`] if `to` is not empty or `from` is no backup; [`StoreError::Corrupt`] if a file of the
/// backup is damaged; [`StoreError::Full`], [`StoreError::ReadOnly`].
pub fn restore(from: &Path, to: &Path) -> Result<Manifest, StoreError> {
    let text = fs::read(from.join(MANIFEST)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            unreadable(from, "it holds no backup.json, so it is no complete backup")
        }
        _ => io_fault(&error, from),
    })?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| unreadable(from, &error.to_string()))?;
    for name in &manifest.files {
        if Path::new(name).file_name().is_none_or(|plain| plain != name.as_str()) {
            return Err(unreadable(from, &format!("{name:?} is no file name")));
        }
        check(&from.join(name))?;
    }
    let copy = Copy::into_empty(to)?;
    for name in &manifest.files {
        let target = copy.path(name);
        fs::copy(from.join(name), &target).map_err(|error| io_fault(&error, &target))?;
        File::open(&target).and_then(|file| file.sync_all()).map_err(|error| io_fault(&error, &target))?;
    }
    copy.sync()?;
    Ok(manifest)
}

fn unreadable(directory: &Path, reason: &str) -> StoreError {
    StoreError::BadDirectory { directory: directory.to_owned(), reason: reason.to_owned() }
}

fn check(file: &Path) -> Result<(), StoreError> {
    let broken = |error| fault(error, file);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    // Immutable: SQLite makes no files beside it, so a backup may lie on a read-only medium.
    let connection = Connection::open_with_flags(immutable_uri(file), flags).map_err(broken)?;
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(broken)?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Corrupt { detail: format!("{}: {verdict}", file.display()) })
}

fn immutable_uri(file: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte))
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

/// A directory being filled; what it holds counts only once its manifest is there.
struct Copy {
    directory: PathBuf,
}

impl Copy {
    fn into_empty(directory: &Path) -> Result<Self, StoreError> {
        let broken = |error| io_fault(&error, directory);
        make(directory).map_err(broken)?;
        if fs::read_dir(directory).map_err(broken)?.next().is_some() {
            return Err(unreadable(directory, "it is not empty"));
        }
        Ok(Self { directory: directory.to_owned() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn finish(&self, manifest: &[u8]) -> Result<(), StoreError> {
        let path = self.path(MANIFEST);
        let written = fs::write(&path, manifest).and_then(|()| File::open(&path)?.sync_all());
        written.map_err(|error| io_fault(&error, &path))?;
        self.sync()
    }

    fn sync(&self) -> Result<(), StoreError> {
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| io_fault(&error, &self.directory))
    }
}
