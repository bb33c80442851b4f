//! What is in a directory: after a clean end, a crash or a loss of power.

use crate::{
    LogError, Sequence, index,
    scan::{Flaw, Scan, later_write},
    segment::{Segment, Span, files},
};
use jiff::Timestamp;
use std::{
    collections::VecDeque,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// The segments of a directory. The last is cut off behind its last whole record and durable.
pub(crate) fn recover(directory: &Path) -> Result<VecDeque<Segment>, LogError> {
    let files = files(directory).map_err(|error| LogError::io(&error, directory))?;
    let mut segments: VecDeque<Segment> = VecDeque::with_capacity(files.len() + 1);
    let following = files.iter().skip(1).map(|(first, _)| Some(*first)).chain([None]);
    for ((first, path), next) in files.iter().zip(following) {
        let last_time = segments.back().map_or(Timestamp::UNIX_EPOCH, |before| before.last_time);
        let mut segment = Segment::open(path.clone(), *first, last_time)?;
        match next {
            Some(next) => sealed(&mut segment, next.previous())?,
            None => open_end(&mut segment)?,
        }
        segments.push_back(segment);
    }
    Ok(segments)
}

/// A segment that ends with this record: the next one begins behind it.
fn sealed(segment: &mut Segment, last: Sequence) -> Result<(), LogError> {
    if index::read(segment, last) {
        return Ok(());
    }
    let path = segment.path.clone();
    let length = length(&path)?;
    let mut scan = scan(segment, length)?;
    while segment.last < last {
        match scan.next(segment.last.next()).map_err(|flaw| flaw.of(&path))? {
            Some(found) => segment.add(found.bytes, found.decoded.record.ingest_time),
            None => {
                let reason = format!("records {} to {last} are missing", segment.last.next());
                return Err(LogError::Damaged { file: path, offset: length, reason });
            }
        }
    }
    index::write(&path, &index::content(segment));
    Ok(())
}

/// The last segment: a write may have been cut off at its end.
fn open_end(segment: &mut Segment) -> Result<(), LogError> {
    let path = segment.path.clone();
    let length = length(&path)?;
    let broken = |error| LogError::io(&error, &path);
    let mut scan = scan(segment, length)?;
    let mut file = File::options().read(true).write(true).open(&path).map_err(broken)?;
    loop {
        match scan.next(segment.last.next()) {
            Ok(Some(found)) => segment.add(found.bytes, found.decoded.record.ingest_time),
            Ok(None) => break,
            Err(Flaw::Damaged { offset, reason }) => {
                let mut behind = Vec::new();
                let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_to_end(&mut behind));
                read.map_err(broken)?;
                if later_write(&behind, segment.salt, segment.last.next()).is_some() {
                    return Err(Flaw::Damaged { offset, reason }.of(&path));
                }
                let cut = length - offset;
                tracing::warn!(file = %path.display(), offset, cut, reason, "a write was cut off: its rest is removed");
                file.set_len(offset).map_err(broken)?;
                break;
            }
            Err(flaw) => return Err(flaw.of(&path)),
        }
    }
    // A process that was killed may have written records without waiting for the disk.
    file.sync_all().map_err(broken)
}

fn length(path: &Path) -> Result<u64, LogError> {
    Ok(std::fs::metadata(path).map_err(|error| LogError::io(&error, path))?.len())
}

fn scan(segment: &Segment, length: u64) -> Result<Scan, LogError> {
    let Span { path, salt, part, .. } = segment.span_of_sequence(segment.first);
    Scan::open(&path, salt, part.start..length).map_err(|error| LogError::io(&error, &path))
}
