//! Copies of a data directory: made while the store works, brought back into an empty directory.

use crate::{
    Layout,
    directory::{UNFINISHED, data_files, make},
    fault::{fault, io_fault},
};
use emporia_store::StoreError;
use jiff::Timestamp;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

const MANIFEST: &str = "backup.json";

/// What a backup says of itself, in `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// When it was begun.
    pub at: Timestamp,
    /// How its spaces are laid out in files.
    pub layout: Layout,
    /// The files, each consistent in itself.
    pub files: Vec<String>,
    /// SHA-256 of each, in hexadecimal, in the same order; none in a backup of a release before this was written.
    #[serde(default)]
    pub sha256: Vec<String>,
}

/// Copies a data directory into an empty or new one, whether a process works in it or not. Several files are copied
/// as they were at one moment: a consumer's place in one never runs ahead of the log in another.
///
/// # Errors
/// [`StoreError::BadDirectory`] if `from` holds no data or `to` is not empty; [`StoreError::Full`],
/// [`StoreError::ReadOnly`], [`StoreError::Corrupt`].
pub fn backup(from: &Path, to: &Path, at: Timestamp) -> Result<Manifest, StoreError> {
    let (layout, files) = data_files(from)?.ok_or_else(|| unreadable(from, "it holds no data of a store"))?;
    let copy = Copy::into_empty(to)?;
    let sources = snapshots(&files)?;
    let (mut names, mut digests) = (Vec::new(), Vec::new());
    for (file, source) in files.iter().zip(&sources) {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let target = copy.path(&name);
        copy_pages(source, &target).map_err(|error| fault(error, &target))?;
        names.push(name);
        digests.push(digest(&target)?);
    }
    let manifest = Manifest { at, layout, files: names, sha256: digests };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| unreadable(to, &error.to_string()))?;
    copy.finish(&text)?;
    Ok(manifest)
}

/// A reading transaction on each file. Of several files all begin while no writer may commit, which takes
/// microseconds.
fn snapshots(files: &[PathBuf]) -> Result<Vec<Connection>, StoreError> {
    let open = |file: &PathBuf, begin: &str| -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(Duration::from_secs(30))?;
        connection.execute_batch(begin)?;
        Ok(connection)
    };
    let each = |begin: &str| -> Result<Vec<Connection>, StoreError> {
        files.iter().map(|file| open(file, begin).map_err(|error| fault(error, file))).collect()
    };
    let pause = if files.len() > 1 { each("BEGIN IMMEDIATE")? } else { Vec::new() };
    // The first reading begins the transaction.
    let sources = each("BEGIN; SELECT count(*) FROM sqlite_schema")?;
    drop(pause);
    Ok(sources)
}

/// SQLite's own backup, all pages in one step: in WAL mode a writer goes on meanwhile.
fn copy_pages(from: &Connection, to: &Path) -> rusqlite::Result<()> {
    let mut target = Connection::open(to)?;
    {
        let backup = Backup::new(from, &mut target)?;
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

/// Brings a backup back into a directory that holds no data of a store.
///
/// # Errors
/// [`StoreError::BadDirectory`] if `to` holds data or `from` is no backup; [`StoreError::Corrupt`] if a file of the
/// backup is damaged or was changed; [`StoreError::Full`], [`StoreError::ReadOnly`].
pub fn restore(from: &Path, to: &Path) -> Result<Manifest, StoreError> {
    let text = fs::read(from.join(MANIFEST)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            unreadable(from, "it holds no backup.json, so it is no complete backup")
        }
        _ => io_fault(&error, from),
    })?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| unreadable(from, &error.to_string()))?;
    if manifest.files.is_empty() || ![0, manifest.files.len()].contains(&manifest.sha256.len()) {
        return Err(unreadable(from, "backup.json does not name every file of it"));
    }
    for (place, name) in manifest.files.iter().enumerate() {
        if Path::new(name).file_name().is_none_or(|plain| plain != name.as_str()) {
            return Err(unreadable(from, &format!("{name:?} is no file name")));
        }
        let file = from.join(name);
        check(&file)?;
        if let Some(told) = manifest.sha256.get(place)
            && *told != digest(&file)?
        {
            let detail = format!("{}: it is not the file that the backup was made of", file.display());
            return Err(StoreError::Corrupt { detail });
        }
    }
    make(to).map_err(|error| io_fault(&error, to))?;
    if data_files(to)?.is_some() {
        return Err(unreadable(to, "it holds data already"));
    }
    let copy = Copy { directory: to.to_owned() };
    let unfinished = copy.path(UNFINISHED);
    File::create(&unfinished).map_err(|error| io_fault(&error, &unfinished))?;
    copy.sync()?;
    for name in &manifest.files {
        let target = copy.path(name);
        fs::copy(from.join(name), &target).map_err(|error| io_fault(&error, &target))?;
        File::open(&target).and_then(|file| file.sync_all()).map_err(|error| io_fault(&error, &target))?;
    }
    copy.sync()?;
    fs::remove_file(&unfinished).map_err(|error| io_fault(&error, &unfinished))?;
    copy.sync()?;
    Ok(manifest)
}

/// SHA-256 of a file.
fn digest(file: &Path) -> Result<String, StoreError> {
    let mut hash = Sha256::new();
    let read = File::open(file).and_then(|mut file| std::io::copy(&mut file, &mut hash));
    read.map_err(|error| io_fault(&error, file))?;
    Ok(format!("{:x}", hash.finalize()))
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
