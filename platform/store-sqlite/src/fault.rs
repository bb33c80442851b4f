//! What SQLite and the file system report, in the words of the port.

use emporia_store::StoreError;
use rusqlite::{Error, ErrorCode};
use std::{fs, io, path::Path};

/// Translates SQLite's errors; `file` is the database file.
pub(crate) fn fault(error: Error, file: &Path) -> StoreError {
    let detail = format!("{}: {error}", file.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { detail },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { detail },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt { detail },
        // SQLite reports a full or read-only file system as a bare I/O error when it grows its shared memory or makes
        // a file: ask the file system itself.
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => match file.parent().map(probe) {
            Some(Err(cause)) => io_fault(&cause, file),
            _ => StoreError::Unavailable { detail },
        },
        _ => match error {
            Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..) => StoreError::Corrupt { detail },
            _ => StoreError::Unavailable { detail },
        },
    }
}

/// Translates errors of the file system.
pub(crate) fn io_fault(error: &io::Error, path: &Path) -> StoreError {
    let detail = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { detail },
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            StoreError::ReadOnly { detail }
        }
        _ => StoreError::Unavailable { detail },
    }
}

/// Writes a file of the size by which SQLite grows its shared memory, and removes it.
fn probe(directory: &Path) -> io::Result<()> {
    let path = directory.join(".probe");
    let written = fs::write(&path, [0_u8; 32_768]);
    let removed = fs::remove_file(&path);
    written.and(removed)
}
