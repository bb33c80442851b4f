//! What writer and readers share: which segments there are and how far they are durable.

use crate::{
    LogError, ReadLimit, Record, Sequence, index,
    record::kept,
    scan::{Flaw, Scan},
    segment::{Segment, Span},
};
use jiff::Timestamp;
use parking_lot::RwLock;
use std::{collections::VecDeque, fs, io, path::Path, time::Duration};
use tokio::sync::watch;

/// Held for moments only, never while a file is read or written. Only the writer changes it.
pub(crate) struct Segments {
    /// In the order of their sequences; never empty, and only the last may have no records.
    list: RwLock<VecDeque<Segment>>,
    head: watch::Sender<Sequence>,
}

impl Segments {
    /// Of a list that is not empty.
    pub(crate) fn new(list: VecDeque<Segment>) -> Self {
        let head = list.back().map_or(Sequence::ZERO, |last| last.last);
        Self { list: RwLock::new(list), head: watch::Sender::new(head) }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Sequence> {
        self.head.subscribe()
    }

    /// The first record that is there, or the next if there is none.
    pub(crate) fn first(&self) -> Sequence {
        self.list.read().front().map_or(Sequence::ZERO.next(), |segment| segment.first)
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.list.read().iter().map(|segment| segment.bytes).sum()
    }

    /// Tells of records that are durable now: length and ingest time of each, in their order.
    pub(crate) fn add(&self, records: impl IntoIterator<Item = (u64, Timestamp)>) {
        let mut list = self.list.write();
        let Some(segment) = list.back_mut() else { return };
        records.into_iter().for_each(|(bytes, time)| segment.add(bytes, time));
        let head = segment.last;
        drop(list);
        self.head.send_replace(head);
    }

    /// Begins a segment behind the others and seals the one before it.
    pub(crate) fn push(&self, segment: Segment) {
        let mut list = self.list.write();
        // A segment without records was begun anew, under the same name.
        if list.back().is_some_and(Segment::is_empty) {
            list.pop_back();
        }
        list.push_back(segment);
        let sealed = list.iter().rev().nth(1).map(|sealed| (sealed.path.clone(), index::content(sealed)));
        drop(list);
        if let Some((path, content)) = sealed {
            index::write(&path, &content);
        }
    }

    /// Drops segments from the front while they are too old at this time, or the log too long. The last one stays.
    pub(crate) fn drop_front(
        &self,
        max_age: Option<Duration>,
        max_bytes: Option<u64>,
        at: Timestamp,
    ) -> Result<(), LogError> {
        let oldest = max_age.and_then(|age| at.checked_sub(age).ok());
        let too_much = |list: &VecDeque<Segment>| {
            let bytes = list.iter().map(|segment| segment.bytes).sum::<u64>();
            let old = list.front().zip(oldest).is_some_and(|(front, oldest)| front.last_time < oldest);
            list.len() > 1 && (old || max_bytes.is_some_and(|most| bytes > most))
        };
        loop {
            let mut list = self.list.write();
            let Some(front) = too_much(&list).then(|| list.pop_front()).flatten() else { return Ok(()) };
            drop(list);
            if let Err(error) = remove(&front.path) {
                let error = LogError::io(&error, &front.path);
                // The log has no holes: what follows it stays as well.
                self.list.write().push_front(front);
                return Err(error);
            }
            tracing::info!(file = %front.path.display(), last = %front.last, "a segment is dropped by retention");
        }
    }

    /// At most so many records after this sequence.
    pub(crate) fn read(&self, after: Sequence, limit: ReadLimit) -> Result<Vec<Record>, LogError> {
        let mut records: Vec<Record> = Vec::new();
        let mut bytes = 0;
        loop {
            let reached = records.last().map_or(after, |record| record.sequence);
            let span = match self.span(reached) {
                Ok(Some(span)) => span,
                Ok(None) => return Ok(records),
                Err(error) => return if records.is_empty() { Err(error) } else { Ok(records) },
            };
            let full = self.visit(span, |found| {
                let Found { record, length } = found;
                if record.sequence <= reached {
                    return false;
                }
                let fits = records.len() < limit.records && bytes + length <= limit.bytes;
                if records.is_empty() || fits {
                    bytes += length;
                    records.push(record);
                    return false;
                }
                true
            })?;
            if full {
                return Ok(records);
            }
        }
    }

    /// The last record that came before this time.
    pub(crate) fn before(&self, time: Timestamp) -> Result<Sequence, LogError> {
        let time = kept(time);
        loop {
            let list = self.list.read();
            let place = list.partition_point(|segment| segment.last_time < time);
            let span = list.get(place).filter(|segment| !segment.is_empty()).map(|s| s.span_of_time(time));
            let head = list.back().map_or(Sequence::ZERO, |last| last.last);
            drop(list);
            let Some(span) = span else { return Ok(head) };
            let mut before = None;
            self.visit(span, |Found { record, .. }| {
                let reached = record.ingest_time >= time;
                before = reached.then(|| record.sequence.previous());
                reached
            })?;
            if let Some(before) = before {
                return Ok(before);
            }
        }
    }

    /// Where the record after this sequence is; none if it is yet to come.
    fn span(&self, after: Sequence) -> Result<Option<Span>, LogError> {
        let list = self.list.read();
        let (Some(first), Some(last)) = (list.front(), list.back()) else { return Ok(None) };
        let (first, head) = (first.first, last.last);
        if after.next() < first {
            return Err(LogError::Trimmed { after, first });
        }
        if after > head {
            return Err(LogError::Ahead { after, head });
        }
        let segment = list.get(list.partition_point(|segment| segment.last <= after));
        Ok(segment
            .filter(|segment| !segment.is_empty())
            .map(|segment| segment.span_of_sequence(after.next())))
    }

    /// Shows records of a part of a segment one after the other until `enough` says so, and whether it did. A segment
    /// that was dropped meanwhile has none.
    fn visit(&self, span: Span, mut enough: impl FnMut(Found) -> bool) -> Result<bool, LogError> {
        let Span { path, salt, mut sequence, part } = span;
        let mut scan = match Scan::open(&path, salt, part) {
            Ok(scan) => scan,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.has(&path) => return Ok(false),
            Err(error) => return Err(Flaw::Io(error).of(&path)),
        };
        while let Some(found) = scan.next(sequence).map_err(|flaw| flaw.of(&path))? {
            sequence = sequence.next();
            let length = usize::try_from(found.bytes).unwrap_or(usize::MAX);
            if enough(Found { record: found.decoded.record, length }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has(&self, path: &Path) -> bool {
        self.list.read().iter().any(|segment| segment.path == path)
    }
}

/// A record and its length in the log.
struct Found {
    record: Record,
    length: usize,
}

/// Removes a segment's files. The removal is durable before another begins, so that none outlives a later one.
fn remove(segment: &Path) -> io::Result<()> {
    match fs::remove_file(index::path(segment)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::remove_file(segment)?,
    }
    segment.parent().map_or(Ok(()), crate::directory::sync)
}
