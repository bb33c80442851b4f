use crate::Sequence;
use std::{io, path::Path, path::PathBuf, time::Duration};

/// What went wrong with a log.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Another process, or another [`crate::Log`] of this one, owns the directory.
    #[error("the log in {} is in use by process {owner}: stop that one, or use another directory", directory.display())]
    Locked {
        /// The log's directory.
        directory: PathBuf,
        /// The owner's process id, as far as it is known.
        owner: String,
    },
    /// A file does not hold what was written. Nothing is left out: restore the file from a copy.
    #[error("{} is damaged at byte {offset}: {reason}; restore it from a copy", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in the file, in bytes from its beginning.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// What was asked for was dropped by retention.
    #[error("records after {after} were asked for, but the log begins with {first}")]
    Trimmed {
        /// What was asked for.
        after: Sequence,
        /// The first record that is there, or will be the next if there is none.
        first: Sequence,
    },
    /// What was asked for was never in this log: it was probably brought back from an older copy.
    #[error("records after {after} were asked for, but the log ends with {head}")]
    Ahead {
        /// What was asked for.
        after: Sequence,
        /// The last record.
        head: Sequence,
    },
    /// An event that the log does not take.
    #[error(
        "event {place} of the append is refused: its {what} has {bytes} bytes, allowed are {least} to {most}"
    )]
    Refused {
        /// Which event of the append, from 0.
        place: usize,
        /// Which part of it.
        what: &'static str,
        /// How long that part is.
        bytes: usize,
        /// How long it has to be at least.
        least: usize,
        /// How long it may be.
        most: usize,
    },
    /// The disk is full. Nothing of the append is in the log; it can be tried again when there is room.
    #[error("no room on the disk for {}", file.display())]
    Full {
        /// The file that was written to.
        file: PathBuf,
    },
    /// Too much waits for the disk. Nothing of the append is in the log; it can be tried again.
    #[error("the log takes no more: {} bytes wait for the disk, and did for {} ms", waiting, waited.as_millis())]
    Busy {
        /// How long the caller waited.
        waited: Duration,
        /// How much may wait.
        waiting: usize,
    },
    /// The operating system refused. An append that fails so is not in the log; it can be tried again.
    #[error("{}: {message}", file.display())]
    Io {
        /// The file or directory.
        file: PathBuf,
        /// The operating system's words.
        message: String,
    },
    /// The log's writer has ended.
    #[error("the log is closed")]
    Closed,
}

impl LogError {
    pub(crate) fn io(error: &io::Error, file: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { file: file.to_owned() },
            _ => Self::Io { file: file.to_owned(), message: error.to_string() },
        }
    }
}
