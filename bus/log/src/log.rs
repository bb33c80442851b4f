use crate::{
    Event, LogError, Options, ReadLimit, Record, Sequence,
    directory::Directory,
    segments::Segments,
    writer::{Append, Job, Writer},
};
use jiff::Timestamp;
use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};
use tokio::sync::{Semaphore, oneshot, watch};

/// The log in a directory. Dropping it waits until what was handed in is on the disk.
pub struct Log {
    segments: Arc<Segments>,
    /// None only while the log is dropped.
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Bytes that may still wait for the disk.
    room: Arc<Semaphore>,
    waiting_bytes: usize,
    waiting_time: Duration,
    /// Dropped after the writer has ended, so that the next owner finds its work done.
    directory: Directory,
}

impl Log {
    /// Opens the log in a directory, which is made if need be. What a crash left unfinished at its end is cut off with
    /// a warning. Reads the last segment, and the others as far back as event ids are remembered.
    ///
    /// # Errors
    /// [`LogError::Locked`], [`LogError::Damaged`], [`LogError::Full`], [`LogError::Io`].
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, LogError> {
        let directory = Directory::take(directory.as_ref())?;
        let waiting_bytes = options.waiting_bytes.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let waiting_time = options.waiting_time;
        let (jobs, waiting) = channel();
        let writer = Writer::open(&directory.path, options, waiting)?;
        let segments = writer.segments();
        let thread = Builder::new().name("event-log".to_owned()).spawn(|| writer.run());
        let thread = thread.map_err(|error| LogError::io(&error, &directory.path))?;
        let room = Arc::new(Semaphore::new(waiting_bytes));
        let (jobs, writer) = (Some(jobs), Some(thread));
        Ok(Self { segments, jobs, writer, room, waiting_bytes, waiting_time, directory })
    }

    /// Appends events that come in at this time, and answers their sequences when they are on the disk. An event whose
    /// id was there before (see [`Options::duplicate_window`]) is not written again: its answer is the first one's.
    ///
    /// The events of one append are in the log together and in their order, or none is; only a crash before the answer may
    /// leave the first of them. Whoever gets no answer, or an error, appends the same events again.
    ///
    /// # Errors
    /// [`LogError::Refused`] for an event that is too long; [`LogError::Busy`], [`LogError::Full`], [`LogError::Io`], of
    /// which it can recover; [`LogError::Closed`].
    pub async fn append(&self, events: Vec<Event>, at: Timestamp) -> Result<Vec<Sequence>, LogError> {
        events.iter().enumerate().try_for_each(|(place, event)| event.check(place))?;
        let bytes = events.iter().map(Event::bytes).sum::<usize>();
        let room = u32::try_from(bytes.min(self.waiting_bytes)).unwrap_or(u32::MAX);
        let turn = tokio::time::timeout(self.waiting_time, Arc::clone(&self.room).acquire_many_owned(room));
        let busy = |_| LogError::Busy { waited: self.waiting_time, waiting: self.waiting_bytes };
        let permit = turn.await.map_err(busy)?.map_err(|_| LogError::Closed)?;
        let (answer, answered) = oneshot::channel();
        self.hand_in(Job::Append(Append { events, bytes, at, answer, _permit: permit }))?;
        answered.await.map_err(|_| LogError::Closed)?
    }

    /// Records after this sequence in their order, as many as there are within the limit; none if all were read. Reads
    /// files on the calling thread, mostly from the system's memory: wrap it in `spawn_blocking` for what is long past.
    ///
    /// # Errors
    /// [`LogError::Trimmed`], [`LogError::Ahead`], [`LogError::Damaged`], [`LogError::Io`].
    pub fn read(&self, after: Sequence, limit: ReadLimit) -> Result<Vec<Record>, LogError> {
        self.segments.read(after, limit)
    }

    /// Where to read on from to get every record that came in at this time or later, by ingest time. Reads as
    /// [`Log::read`] does.
    ///
    /// # Errors
    /// [`LogError::Damaged`], [`LogError::Io`].
    pub fn seek_time(&self, time: Timestamp) -> Result<Sequence, LogError> {
        self.segments.before(time)
    }

    /// The sequence of the last durable record, now and whenever it changes.
    pub fn watch(&self) -> watch::Receiver<Sequence> {
        self.segments.watch()
    }

    /// The first record that is there, or will be the next if there is none.
    pub fn first(&self) -> Sequence {
        self.segments.first()
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.bytes()
    }

    /// Drops segments that are too old at this time or too many, as [`Options`] say. A new segment does the same; call
    /// it from time to time for logs that few events come to.
    ///
    /// # Errors
    /// [`LogError::Full`], [`LogError::Io`], [`LogError::Closed`].
    pub async fn retain(&self, at: Timestamp) -> Result<(), LogError> {
        let (answer, answered) = oneshot::channel();
        self.hand_in(Job::Retain(at, answer))?;
        answered.await.map_err(|_| LogError::Closed)?
    }

    fn hand_in(&self, job: Job) -> Result<(), LogError> {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or(LogError::Closed)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.jobs = None;
        if self.writer.take().is_some_and(|writer| writer.join().is_err()) {
            tracing::error!(directory = %self.directory.path.display(), "the log's writer had panicked");
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("directory", &self.directory.path).finish_non_exhaustive()
    }
}
