use std::time::Duration;

/// How a log works.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment that has so many bytes is sealed and a new one begun. A group is never divided: a segment may be longer by one.
    pub segment_bytes: u64,
    /// Segments whose last record is older are dropped. None: no age is too old.
    pub max_age: Option<Duration>,
    /// The oldest segments are dropped while the log has more bytes. None: no limit.
    pub max_bytes: Option<u64>,
    /// For so long, by ingest time, an event id that comes again is answered with the sequence of the first.
    pub duplicate_window: Duration,
    /// At most so many event ids are remembered, at some 60 bytes each.
    pub duplicate_ids: usize,
    /// A group that has so many bytes waits for no more appends.
    pub group_bytes: usize,
    /// At most so long a group waits for more appends.
    pub group_time: Duration,
    /// Appends of so many bytes together may wait for the disk; more wait for their turn without taking the log's memory.
    pub waiting_bytes: usize,
    /// An append that did not get its turn within this time fails with [`crate::LogError::Busy`].
    pub waiting_time: Duration,
}

impl Default for Options {
    /// Segments of 64 MiB that are kept for ever; 5 minutes or a million ids; groups of 1 MiB or 2 ms; 32 MiB and 10 seconds of waiting.
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_age: None,
            max_bytes: None,
            duplicate_window: Duration::from_secs(300),
            duplicate_ids: 1_000_000,
            group_bytes: 1 << 20,
            group_time: Duration::from_millis(2),
            waiting_bytes: 32 << 20,
            waiting_time: Duration::from_secs(10),
        }
    }
}

/// How much one reading answers at most: whichever is reached first, but one record if there is one.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// Number of records.
    pub records: usize,
    /// Bytes that the records take in the log.
    pub bytes: usize,
}

impl Default for ReadLimit {
    /// 1,000 records or 1 MiB.
    fn default() -> Self {
        Self { records: 1_000, bytes: 1 << 20 }
    }
}
