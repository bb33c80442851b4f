//! A segment: one file of the log, named after the first record that it is for.
//!
//! It begins with the words `EVENTLOG`, a version byte, three zeros, its salt (u32), its first sequence (u64) and a
//! checksum of all that (u32); records follow without gaps. Its last record is the one before the next segment's
//! first: what a failed write may have left behind it is not part of the log.

use crate::{
    LogError, Sequence,
    directory::{put_in_place, sync},
    record::{checksum, number},
};
use jiff::Timestamp;
use std::{
    fs::{self, File},
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
};

const MAGIC: &[u8; 8] = b"EVENTLOG";
const VERSION: u8 = 1;
/// Bytes before the first record.
pub(crate) const HEADER: usize = 28;
/// An entry of the index for so many bytes of records.
const INDEXED: u64 = 64 << 10;

/// What is known of a segment.
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) salt: u32,
    pub(crate) first: Sequence,
    /// The one before the first if there is no record.
    pub(crate) last: Sequence,
    /// That of the last record; if there is none, of the last before this segment.
    pub(crate) last_time: Timestamp,
    /// How much of the file is header and durable records.
    pub(crate) bytes: u64,
    pub(crate) index: Vec<Entry>,
}

/// Where some of the records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sequence: Sequence,
    pub(crate) offset: u64,
    pub(crate) time: Timestamp,
}

/// A part of a segment's file that begins with the record of this sequence.
pub(crate) struct Span {
    pub(crate) path: PathBuf,
    pub(crate) salt: u32,
    pub(crate) sequence: Sequence,
    pub(crate) part: Range<u64>,
}

impl Segment {
    /// Makes a segment without records. Its file is durable, or there is none of that name.
    pub(crate) fn create(directory: &Path, first: Sequence, last_time: Timestamp) -> Result<Self, LogError> {
        let segment = Self {
            path: directory.join(format!("{first:020}.log")),
            salt: rand::random(),
            first,
            last: first.previous(),
            last_time,
            bytes: HEADER as u64,
            index: Vec::new(),
        };
        let mut header = Vec::with_capacity(HEADER);
        header.extend(MAGIC);
        header.extend([VERSION, 0, 0, 0]);
        header.extend(segment.salt.to_le_bytes());
        header.extend(first.get().to_le_bytes());
        header.extend(checksum(&[&header]).to_le_bytes());
        put_in_place(&segment.path, &header)
            .and_then(|()| sync(directory))
            .map_err(|error| LogError::io(&error, &segment.path))?;
        Ok(segment)
    }

    /// Reads the header of a segment's file; records are not looked at yet.
    pub(crate) fn open(path: PathBuf, first: Sequence, last_time: Timestamp) -> Result<Self, LogError> {
        let mut header = [0; HEADER];
        let read = File::open(&path).and_then(|mut file| file.read_exact(&mut header));
        match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => read.map_err(|error| LogError::io(&error, &path))?,
        }
        let salt = salt(&header, first).map_err(|reason| LogError::Damaged {
            file: path.clone(),
            offset: 0,
            reason,
        })?;
        let last = first.previous();
        Ok(Self { path, salt, first, last, last_time, bytes: HEADER as u64, index: Vec::new() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last < self.first
    }

    /// Counts a record that is durable at the end of what is known.
    pub(crate) fn add(&mut self, bytes: u64, time: Timestamp) {
        let sequence = self.last.next();
        if self.index.last().is_none_or(|entry| self.bytes - entry.offset >= INDEXED) {
            self.index.push(Entry { sequence, offset: self.bytes, time });
        }
        self.bytes += bytes;
        self.last = sequence;
        self.last_time = time;
    }

    /// From at or a little before the record of this sequence to the end.
    pub(crate) fn span_of_sequence(&self, sequence: Sequence) -> Span {
        self.span_of_entry(self.index.partition_point(|entry| entry.sequence <= sequence))
    }

    /// From at or a little before the first record that is not before this time to the end.
    pub(crate) fn span_of_time(&self, time: Timestamp) -> Span {
        self.span_of_entry(self.index.partition_point(|entry| entry.time < time))
    }

    /// From the entry before that at a place of the index.
    fn span_of_entry(&self, place: usize) -> Span {
        let entry = self.index.get(place.saturating_sub(1));
        let (sequence, start) = entry.map_or((self.first, HEADER as u64), |e| (e.sequence, e.offset));
        Span { path: self.path.clone(), salt: self.salt, sequence, part: start..self.bytes }
    }
}

/// The salt that a header tells; an error says what is wrong with it.
fn salt(header: &[u8; HEADER], first: Sequence) -> Result<u32, String> {
    let fields = |mut rest: &[u8]| {
        let rest = &mut rest;
        let (magic, version): ([u8; 8], [u8; 4]) = (number(rest)?, number(rest)?);
        let (salt, named) = (u32::from_le_bytes(number(rest)?), u64::from_le_bytes(number(rest)?));
        let check = u32::from_le_bytes(number(rest)?);
        (&magic == MAGIC && check == checksum(&[&header[..HEADER - 4]])).then_some((version, salt, named))
    };
    let (version, salt, named) = fields(header).ok_or("it does not begin as a segment does")?;
    if version != [VERSION, 0, 0, 0] {
        return Err(format!("it has version {} of the form; this Emporia reads {VERSION}", version[0]));
    }
    if named != first.get() {
        return Err(format!("it was renamed: it is the segment of {named}"));
    }
    Ok(salt)
}

/// Segments' files in a directory in the order of their sequences. What an interrupted creation left is removed.
pub(crate) fn files(directory: &Path) -> io::Result<Vec<(Sequence, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".new") {
            fs::remove_file(&path)?;
        } else if let Some(first) = name.strip_suffix(".log").and_then(|first| first.parse().ok()) {
            found.push((Sequence::new(first), path));
        }
    }
    found.sort();
    Ok(found)
}
