use emporia_id::{SharedClock, SystemClock};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How spaces are laid out in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One file for all spaces: one group commit, one log.
    #[default]
    Shared,
    /// A file and a log for each space.
    PerService,
}

/// What an acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The transaction is on the disk (`synchronous=FULL`).
    #[default]
    Full,
    /// The transaction survives the end of the process but not of the machine. For tests only.
    None,
}

/// Where and how a store on SQLite is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    pub(crate) directory: PathBuf,
    pub(crate) layout: Layout,
    pub(crate) durability: Durability,
    pub(crate) clock: SharedClock,
    pub(crate) sweep_every: Option<Duration>,
    pub(crate) tuning: Tuning,
}

/// Bytes of a page: a document of 3.5 kB fits in one.
pub(crate) const PAGE_BYTES: u32 = 8_192;

/// The numbers behind the writer and the caches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    /// Transactions of one group at most.
    pub(crate) group: usize,
    /// A group takes on no more transactions after so much work, so that the first ones do not wait long.
    pub(crate) work: Duration,
    /// How long a group that is smaller than the last one waits for more before it is committed.
    pub(crate) linger: Duration,
    /// Write-ahead log pages after which housekeeping moves them into the file, beside the writer.
    pub(crate) checkpoint_pages: i32,
    /// Write-ahead log pages after which the writer does so itself, so that the log can begin anew.
    pub(crate) restart_pages: i32,
    /// Page cache of the writer, in KiB.
    pub(crate) writer_cache_kib: i64,
    /// Page cache of each reader, in KiB.
    pub(crate) reader_cache_kib: i64,
    /// Bytes of the documents that were written last and are kept in memory.
    pub(crate) recent_bytes: u64,
    /// Tallies that are kept in memory.
    pub(crate) recent_tallies: usize,
    /// Bytes of the log's last events that are kept in memory.
    pub(crate) tail_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            group: 512,
            work: Duration::from_millis(8),
            linger: Duration::from_micros(300),
            checkpoint_pages: 4_000,
            restart_pages: 8_000,
            writer_cache_kib: 32_768,
            reader_cache_kib: 4_096,
            recent_bytes: 16 << 20,
            recent_tallies: 32_768,
            tail_bytes: 4 << 20,
        }
    }
}

impl SqliteOptions {
    /// All files under `directory`, which is made if it is not there; one shared file, durable, the system's clock.
    pub fn new(directory: impl AsRef<Path>) -> Self {
        Self {
            directory: directory.as_ref().to_owned(),
            layout: Layout::default(),
            durability: Durability::default(),
            clock: Arc::new(SystemClock),
            sweep_every: Some(Duration::from_secs(30)),
            tuning: Tuning::default(),
        }
    }

    /// How spaces are laid out in files. A directory keeps the layout it was made with.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// What an acknowledgement means.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The clock by which documents expire.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// How often expired documents are swept away, in real time; never if none.
    #[must_use]
    pub fn sweep_every(mut self, period: Option<Duration>) -> Self {
        self.sweep_every = period;
        self
    }

    /// Bytes of the write-ahead log after which it begins anew, 64 MB if not told otherwise; its file keeps that size.
    #[must_use]
    pub fn wal_limit(mut self, bytes: u64) -> Self {
        let pages = i32::try_from(bytes / u64::from(PAGE_BYTES)).unwrap_or(i32::MAX).max(8);
        (self.tuning.restart_pages, self.tuning.checkpoint_pages) = (pages, pages / 2);
        self
    }

    pub(crate) fn shared_clock(&self) -> &SharedClock {
        &self.clock
    }
}

impl std::fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("directory", &self.directory)
            .field("layout", &self.layout)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}
