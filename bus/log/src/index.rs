//! The index of a sealed segment, in a file beside it: a start need not read all records of the log.
//!
//! It holds, all numbers little-endian: the segment's salt (u32), last sequence (u64), last time (i64, microseconds),
//! bytes (u64), then sequence, offset and time of each entry, and a checksum of all that (u32). It is only a shortcut:
//! where it is missing or does not fit, the segment is read instead.

use crate::{
    Sequence,
    directory::put_in_place,
    record::{checksum, number},
    segment::{Entry, Segment},
};
use jiff::Timestamp;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the index of a segment's file is.
pub(crate) fn path(segment: &Path) -> PathBuf {
    segment.with_extension("index")
}

/// What the index of a segment holds.
pub(crate) fn content(segment: &Segment) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + segment.index.len() * 24);
    out.extend(segment.salt.to_le_bytes());
    out.extend(segment.last.get().to_le_bytes());
    out.extend(segment.last_time.as_microsecond().to_le_bytes());
    out.extend(segment.bytes.to_le_bytes());
    for entry in &segment.index {
        out.extend(entry.sequence.get().to_le_bytes());
        out.extend(entry.offset.to_le_bytes());
        out.extend(entry.time.as_microsecond().to_le_bytes());
    }
    out.extend(checksum(&[&out]).to_le_bytes());
    out
}

/// Writes the index of a segment's file. That it fails is only told: the next start reads the segment instead.
pub(crate) fn write(segment: &Path, content: &[u8]) {
    if let Err(error) = put_in_place(&path(segment), content) {
        tracing::warn!(%error, file = %segment.display(), "the index was not written; the next start reads the segment");
    }
}

/// Fills in what is known of a segment whose last record is this; false if there is no index that says so.
pub(crate) fn read(segment: &mut Segment, last: Sequence) -> bool {
    let read = fs::read(path(&segment.path)).ok().and_then(|content| parse(&content, segment.salt));
    // Of a file that was cut off, the index tells nothing; reading it will say where.
    let length = fs::metadata(&segment.path).map_or(0, |file| file.len());
    match read.filter(|read| read.last == last && read.bytes <= length) {
        Some(read) => {
            (segment.last, segment.last_time) = (read.last, read.last_time);
            (segment.bytes, segment.index) = (read.bytes, read.entries);
            true
        }
        None => false,
    }
}

struct Content {
    last: Sequence,
    last_time: Timestamp,
    bytes: u64,
    entries: Vec<Entry>,
}

fn parse(content: &[u8], salt: u32) -> Option<Content> {
    let (content, check) = content.split_last_chunk()?;
    if checksum(&[content]) != u32::from_le_bytes(*check) {
        return None;
    }
    let rest = &mut &*content;
    if u32::from_le_bytes(number(rest)?) != salt {
        return None;
    }
    let last = Sequence::new(u64::from_le_bytes(number(rest)?));
    let last_time = time(rest)?;
    let bytes = u64::from_le_bytes(number(rest)?);
    let mut entries = Vec::with_capacity(rest.len() / 24);
    while !rest.is_empty() {
        let sequence = Sequence::new(u64::from_le_bytes(number(rest)?));
        let offset = u64::from_le_bytes(number(rest)?);
        entries.push(Entry { sequence, offset, time: time(rest)? });
    }
    Some(Content { last, last_time, bytes, entries })
}

fn time(rest: &mut &[u8]) -> Option<Timestamp> {
    Timestamp::from_microsecond(i64::from_le_bytes(number(rest)?)).ok()
}
