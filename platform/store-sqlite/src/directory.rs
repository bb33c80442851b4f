//! The data directory: one process owns it, and it keeps the layout it was made with.

use crate::{Layout, fault::io_fault};
use emporia_store::StoreError;
use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

const LOCK: &str = "lock";
/// The log of the shared file.
pub(crate) const SHARED: &str = "commerce";
const SHARED_FILE: &str = "commerce.db";
/// In a directory while a backup is being brought back into it.
pub(crate) const UNFINISHED: &str = "restore.unfinished";
const SPACE_ENDING: &str = ".space.db";

/// A data directory that this process owns while the value lives.
pub(crate) struct Directory {
    path: PathBuf,
    // The operating system lets go of the lock when the file is closed, also after a crash.
    _lock: File,
}

impl Directory {
    pub(crate) fn take(path: &Path, layout: Layout) -> Result<Self, StoreError> {
        make(path).map_err(|error| io_fault(&error, path))?;
        if path.join(UNFINISHED).exists() {
            let reason = "a restore into it was cut off: remove its files and restore again".to_owned();
            return Err(StoreError::BadDirectory { directory: path.to_owned(), reason });
        }
        let lock = lock(path)?;
        check_layout(path, layout)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn shared_file(&self) -> PathBuf {
        self.path.join(SHARED_FILE)
    }

    pub(crate) fn space_file(&self, space: &str) -> PathBuf {
        self.path.join(format!("{space}{SPACE_ENDING}"))
    }
}

/// Makes a directory, and those above it, that only its owner can look into. Its name is on the disk when it returns.
///
/// # Errors
/// The operating system's.
pub fn make(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join(LOCK);
    let broken = |error: std::io::Error| io_fault(&error, &path);
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(broken)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // The owner's number is a courtesy; the lock itself is the operating system's.
            let owner = match file.read_to_string(&mut owner) {
                Ok(_) if !owner.trim().is_empty() => owner.trim().to_owned(),
                _ => "unknown".to_owned(),
            };
            return Err(StoreError::Locked { directory: directory.to_owned(), owner });
        }
        Err(TryLockError::Error(error)) => return Err(broken(error)),
    }
    let pid = std::process::id().to_string();
    let written = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| file.write_all(pid.as_bytes()));
    match written.map_err(broken) {
        // The number is only for messages: a full disk must not keep anybody from opening and deleting.
        Ok(()) | Err(StoreError::Full { .. }) => Ok(file),
        Err(error) => Err(error),
    }
}

fn check_layout(directory: &Path, layout: Layout) -> Result<(), StoreError> {
    match data_files(directory)? {
        Some((found, _)) if found != layout => {
            let reason = format!("its files have the layout {found:?}, asked for is {layout:?}");
            Err(StoreError::BadDirectory { directory: directory.to_owned(), reason })
        }
        _ => Ok(()),
    }
}

/// Whether no process works in a directory.
///
/// # Errors
/// [`StoreError::Locked`] names the process that does.
pub fn check_unused(directory: &Path) -> Result<(), StoreError> {
    if directory.join(LOCK).exists() { lock(directory).map(drop) } else { Ok(()) }
}

/// Whether a directory holds the data of a store.
pub fn holds_data(directory: &Path) -> bool {
    matches!(data_files(directory), Ok(Some(_)))
}

/// The databases of a data directory in the order of their names, and how they are laid out; none if there are none.
pub(crate) fn data_files(directory: &Path) -> Result<Option<(Layout, Vec<PathBuf>)>, StoreError> {
    let broken = |error: std::io::Error| io_fault(&error, directory);
    let (mut shared, mut spaces) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory).map_err(broken)? {
        let path = entry.map_err(broken)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(SPACE_ENDING) {
            spaces.push(path);
        } else if *name == *SHARED_FILE {
            shared.push(path);
        }
    }
    spaces.sort();
    Ok(match (shared.is_empty(), spaces.is_empty()) {
        (true, true) => None,
        (_, false) => Some((Layout::PerService, spaces)),
        (false, true) => Some((Layout::Shared, shared)),
    })
}
