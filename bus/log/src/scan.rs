//! Records of a segment's file one after the other.

use crate::{
    LogError, Sequence,
    record::{Decoded, HEAD, LENGTHS, decode, is_of},
};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
};

pub(crate) struct Scan {
    input: BufReader<File>,
    salt: u32,
    /// What is still to be read.
    left: Range<u64>,
    rest: Vec<u8>,
}

/// A record and how long it is.
pub(crate) struct Found {
    pub(crate) bytes: u64,
    pub(crate) decoded: Decoded,
}

/// Why there is no record.
pub(crate) enum Flaw {
    /// What is there is none.
    Damaged {
        offset: u64,
        reason: &'static str,
    },
    Io(io::Error),
}

impl Flaw {
    pub(crate) fn of(self, file: &Path) -> LogError {
        match self {
            Self::Damaged { offset, reason } => {
                LogError::Damaged { file: file.to_owned(), offset, reason: reason.to_owned() }
            }
            Self::Io(error) => LogError::io(&error, file),
        }
    }
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Scan {
    /// Of a part of a file that begins with a record.
    pub(crate) fn open(file: &Path, salt: u32, part: Range<u64>) -> io::Result<Self> {
        let mut file = File::open(file)?;
        file.seek(SeekFrom::Start(part.start))?;
        Ok(Self { input: BufReader::with_capacity(64 << 10, file), salt, left: part, rest: Vec::new() })
    }

    /// The next record, which has to be of this sequence; none at the end of the part.
    pub(crate) fn next(&mut self, sequence: Sequence) -> Result<Option<Found>, Flaw> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let offset = self.left.start;
        let damaged = |reason| Flaw::Damaged { offset, reason };
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("the record is cut off"),
            _ => Flaw::Io(error),
        };
        let mut head = [0; HEAD];
        self.input.read_exact(&mut head).map_err(cut)?;
        let length = length(head).ok_or_else(|| damaged("no record has this length"))?;
        let bytes = (HEAD + length) as u64;
        if bytes > self.left.end - offset {
            return Err(damaged("the record is cut off"));
        }
        self.rest.resize(length, 0);
        self.input.read_exact(&mut self.rest).map_err(cut)?;
        let decoded = decode(self.salt, head, &self.rest).map_err(damaged)?;
        if decoded.record.sequence != sequence {
            return Err(damaged("the record is another than the one that follows here"));
        }
        self.left.start += bytes;
        Ok(Some(Found { bytes, decoded }))
    }
}

fn length(head: [u8; HEAD]) -> Option<usize> {
    let [l0, l1, l2, l3, ..] = head;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    LENGTHS.contains(&length).then_some(length)
}

/// The offset within `bytes` of a record whose write began after the record `lost` was on the disk, if there is one.
/// A write that was cut off may leave some of its own records whole behind one that is not, but none of a later write.
pub(crate) fn later_write(bytes: &[u8], salt: u32, lost: Sequence) -> Option<usize> {
    (0..bytes.len()).find(|at| {
        let candidate = bytes[*at..].split_first_chunk::<HEAD>().and_then(|(head, rest)| {
            let rest = rest.split_at_checked(length(*head)?)?.0;
            // Cheaper than the checksum, which a hostile body could ask for at every byte.
            is_of(salt, rest).then(|| decode(salt, *head, rest).ok())?
        });
        candidate.is_some_and(|decoded| decoded.group_first > lost)
    })
}
