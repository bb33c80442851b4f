//! The log's directory: one owner, and files that are there whole or not at all.

use crate::LogError;
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

const LOCK: &str = "lock";

/// A directory that belongs to this value while it lives.
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    // The operating system lets go of the lock when the file is closed, also after a crash.
    _lock: File,
}

impl Directory {
    /// Makes the directory if need be, so that only its owner can look into it, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, LogError> {
        make(path).map_err(|error| LogError::io(&error, path))?;
        let file = path.join(LOCK);
        let broken = |error: io::Error| LogError::io(&error, &file);
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .map_err(broken)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // The owner's number is a courtesy; the lock itself is the operating system's.
                let read = lock.read_to_string(&mut owner).is_ok() && !owner.is_empty();
                let owner = if read { owner } else { "unknown".to_owned() };
                return Err(LogError::Locked { directory: path.to_owned(), owner });
            }
            Err(TryLockError::Error(error)) => return Err(broken(error)),
        }
        let pid = std::process::id().to_string();
        let written =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(pid.as_bytes()));
        match written.map_err(broken) {
            // The number is only for messages: a full disk must not keep anybody from reading.
            Ok(()) | Err(LogError::Full { .. }) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(error) => Err(error),
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync(parent.unwrap_or(Path::new(".")))
}

/// Makes the names in a directory durable.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Writes a file beside its place, syncs it, and moves it there: what was there before goes only for the whole new one.
pub(crate) fn put_in_place(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The error that is told is the first; what is left is removed at the next start.
        let _ = fs::remove_file(&beside);
    }
    written
}
