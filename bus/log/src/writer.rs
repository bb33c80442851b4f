//! The writer: one thread that alone changes files. Appends that wait together share one write and one wait for the
//! disk, and are answered after it.

use crate::{
    Event, LogError, Options, Sequence,
    duplicates::{Duplicates, Key},
    record::{Stand, encode, kept},
    recover::recover,
    segment::Segment,
    segments::Segments,
};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// How long a group that is smaller than the last one waits for each further append.
const LINGER: Duration = Duration::from_micros(300);

pub(crate) enum Job {
    Append(Append),
    Retain(Timestamp, oneshot::Sender<Result<(), LogError>>),
}

pub(crate) struct Append {
    pub(crate) events: Vec<Event>,
    pub(crate) bytes: usize,
    pub(crate) at: Timestamp,
    pub(crate) answer: oneshot::Sender<Result<Vec<Sequence>, LogError>>,
    /// Its share of what may wait.
    pub(crate) _permit: OwnedSemaphorePermit,
}

pub(crate) struct Writer {
    directory: PathBuf,
    options: Options,
    segments: Arc<Segments>,
    jobs: Receiver<Job>,
    duplicates: Duplicates,
    current: Current,
    /// The last record's sequence and ingest time.
    last: (Sequence, Timestamp),
    /// The records of a group; kept for its memory.
    buffer: Vec<u8>,
}

/// The last segment.
struct Current {
    path: PathBuf,
    salt: u32,
    /// Bytes of it that are durable.
    bytes: u64,
    /// None if it is not to be written to any more.
    file: Option<File>,
}

impl Current {
    fn open(segment: &Segment) -> Result<Self, LogError> {
        let path = segment.path.clone();
        let file = File::options().write(true).open(&path).map_err(|error| LogError::io(&error, &path))?;
        Ok(Self { path, salt: segment.salt, bytes: segment.bytes, file: Some(file) })
    }

    /// Writes records behind those that are durable. When it fails, none of them is there, or the file is given up.
    fn write(&mut self, records: &[u8]) -> Result<(), LogError> {
        let Some(file) = &mut self.file else { return Err(LogError::Closed) };
        let written = file.seek(SeekFrom::Start(self.bytes)).and_then(|_| file.write_all(records));
        let (error, trusted) = match written.map(|()| file.sync_data()) {
            Ok(Ok(())) => {
                self.bytes += records.len() as u64;
                return Ok(());
            }
            Ok(Err(error)) => (error, false),
            Err(error) => (error, true),
        };
        let undone = file.set_len(self.bytes);
        // After a failed sync the system may take for written what is not: no later sync of this file is to be trusted.
        if !trusted || undone.is_err() {
            self.file = None;
        }
        Err(LogError::io(&error, &self.path))
    }
}

/// A group's records as they are in the buffer, and what its appends will hear.
struct Group {
    records: Vec<(u64, Timestamp)>,
    keys: Vec<(Key, Sequence, Timestamp)>,
    answers: Vec<Vec<Sequence>>,
    last: (Sequence, Timestamp),
}

impl Writer {
    /// Recovers what is in the directory and goes on behind it.
    pub(crate) fn open(directory: &Path, options: Options, jobs: Receiver<Job>) -> Result<Self, LogError> {
        let mut list = recover(directory)?;
        let segment = match list.pop_back() {
            Some(segment) => segment,
            None => Segment::create(directory, Sequence::ZERO.next(), Timestamp::UNIX_EPOCH)?,
        };
        let current = Current::open(&segment)?;
        let last = (segment.last, segment.last_time);
        list.push_back(segment);
        let segments = Arc::new(Segments::new(list));
        let duplicates = Duplicates::read(&segments, last, options.duplicate_window, options.duplicate_ids)?;
        let directory = directory.to_owned();
        Ok(Self { directory, options, segments, jobs, duplicates, current, last, buffer: Vec::new() })
    }

    /// What readers look at.
    pub(crate) fn segments(&self) -> Arc<Segments> {
        Arc::clone(&self.segments)
    }

    /// Works until every sender of jobs is gone.
    pub(crate) fn run(mut self) {
        let mut last_len = 0;
        let mut next = self.jobs.recv().ok();
        while let Some(job) = next.take() {
            match job {
                Job::Append(first) => {
                    let group;
                    (group, next) = self.gather(first, last_len);
                    last_len = group.len();
                    self.commit(group);
                }
                Job::Retain(at, answer) => {
                    // Whoever asked may have gone away.
                    let _ = answer.send(self.retain(at));
                }
            }
            if next.is_none() {
                next = self.jobs.recv().ok();
            }
        }
    }

    /// The first append and those that wait behind it, and a job that came up but cannot be part of the group. When
    /// the group is small beside the last one, its callers are probably on their way back with their next appends:
    /// waiting a moment saves a wait for the disk.
    fn gather(&self, first: Append, last_len: usize) -> (Vec<Append>, Option<Job>) {
        let end = Instant::now() + self.options.group_time;
        let mut bytes = first.bytes;
        let mut group = vec![first];
        while bytes < self.options.group_bytes {
            let small = group.len().saturating_mul(4) < last_len.saturating_mul(3);
            let left = end.saturating_duration_since(Instant::now());
            let job = match self.jobs.try_recv() {
                Err(TryRecvError::Empty) if small => self.jobs.recv_timeout(LINGER.min(left)).ok(),
                job => job.ok(),
            };
            match job {
                Some(Job::Append(append)) => {
                    bytes += append.bytes;
                    group.push(append);
                }
                other => return (group, other),
            }
        }
        (group, None)
    }

    fn commit(&mut self, appends: Vec<Append>) {
        match self.write(&appends) {
            Ok(answers) => {
                for (append, sequences) in appends.into_iter().zip(answers) {
                    // A caller that went away does not hear that its events are in the log.
                    let _ = append.answer.send(Ok(sequences));
                }
            }
            Err(error) => {
                tracing::error!(%error, appends = appends.len(), "a group of appends failed");
                for append in appends {
                    let _ = append.answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Makes a group durable and visible, and answers the sequences of each of its appends.
    fn write(&mut self, appends: &[Append]) -> Result<Vec<Vec<Sequence>>, LogError> {
        if self.current.file.is_none() || self.current.bytes >= self.options.segment_bytes {
            self.begin_segment()?;
            if let Err(error) = self.retain(self.last.1) {
                tracing::warn!(%error, "retention failed; it is tried again");
            }
        }
        let group = self.encode(appends);
        if !group.records.is_empty() {
            let written = self.current.write(&self.buffer);
            // One big group is not to hold its memory for ever.
            self.buffer.clear();
            self.buffer.shrink_to(self.options.group_bytes.saturating_mul(2));
            written?;
        }
        self.last = group.last;
        for (key, sequence, time) in group.keys {
            self.duplicates.add(key, sequence, time);
        }
        // Readers first: whoever is answered finds the log's head moved already.
        self.segments.add(group.records);
        Ok(group.answers)
    }

    /// Writes the records of a group into the buffer.
    fn encode(&mut self, appends: &[Append]) -> Group {
        let (mut sequence, mut time) = self.last;
        let mut group = Group { records: vec![], keys: vec![], answers: vec![], last: self.last };
        let mut new: HashMap<Key, Sequence> = HashMap::new();
        for append in appends {
            // The log's times never go back.
            time = time.max(kept(append.at));
            self.duplicates.expire(time);
            let mut answer = Vec::with_capacity(append.events.len());
            for event in &append.events {
                let key = self.duplicates.key(&event.id);
                if let Some(first) = self.duplicates.sequence(&key).or_else(|| new.get(&key).copied()) {
                    answer.push(first);
                    continue;
                }
                sequence = sequence.next();
                let place = u32::try_from(group.records.len()).unwrap_or(u32::MAX);
                let start = self.buffer.len();
                let stand = Stand { salt: self.current.salt, sequence, place, ingest_time: time };
                encode(&mut self.buffer, stand, event);
                group.records.push(((self.buffer.len() - start) as u64, time));
                group.keys.push((key, sequence, time));
                new.insert(key, sequence);
                answer.push(sequence);
            }
            group.answers.push(answer);
        }
        group.last = (sequence, time);
        group
    }

    /// Drops what is too old or too much.
    fn retain(&mut self, at: Timestamp) -> Result<(), LogError> {
        let Options { max_age, max_bytes, .. } = self.options;
        let oldest = max_age.and_then(|age| at.checked_sub(age).ok());
        if oldest.is_some_and(|oldest| self.last.1 < oldest) && self.segments.first() <= self.last.0 {
            // Everything is too old, also what is in the segment that is written to.
            self.begin_segment()?;
        }
        self.segments.drop_front(max_age, max_bytes, at)
    }

    fn begin_segment(&mut self) -> Result<(), LogError> {
        // From here on there may be a file for the next sequence: it must not be written to the old one.
        self.current.file = None;
        let (last, last_time) = self.last;
        let segment = Segment::create(&self.directory, last.next(), last_time)?;
        self.current = Current::open(&segment)?;
        self.segments.push(segment);
        Ok(())
    }
}
