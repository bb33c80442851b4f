//! One kept answer.

use std::{
    io::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// Bodies below this many bytes are not worth a compression.
const COMPRESSED_FROM: usize = 1_024;
/// Rough size of a kept answer without its body and tags, in bytes.
const OVERHEAD: usize = 400;

/// A kept answer.
#[derive(Debug)]
pub struct Kept {
    body: Bytes,
    etag: String,
    since: Instant,
    max_age: Duration,
    gzip: OnceLock<Bytes>,
    stale: AtomicBool,
    pub(super) tags: Box<[Arc<str>]>,
    /// The operation's name in metrics.
    pub(crate) label: Arc<str>,
}

impl Kept {
    pub(super) fn new(body: Bytes, max_age: Duration, tags: Box<[Arc<str>]>, label: Arc<str>) -> Self {
        let digest = Sha256::digest(&body);
        let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Self {
            // Weak: the same answer goes out under two media types, and compressed or not.
            etag: format!("W/\"{hex}\""),
            body,
            since: Instant::now(),
            max_age,
            gzip: OnceLock::new(),
            stale: AtomicBool::new(false),
            tags,
            label,
        }
    }

    /// The JSON text.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Names this answer among others to the same question.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// How long it may be kept in all.
    pub fn max_age(&self) -> Duration {
        self.max_age
    }

    /// How long it has been kept.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The text compressed, once for all who ask; `None` when it is not worth it.
    pub fn gzip(&self) -> Option<Bytes> {
        if self.body.len() < COMPRESSED_FROM {
            return None;
        }
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::with_capacity(self.body.len() / 4), Compression::default());
            // Writing to memory does not fail.
            let written = encoder.write_all(&self.body).and_then(|()| encoder.finish());
            written.unwrap_or_default().into()
        };
        Some(self.gzip.get_or_init(compress).clone()).filter(|bytes| !bytes.is_empty())
    }

    pub(super) fn is_fresh(&self) -> bool {
        !self.stale.load(Ordering::Acquire) && self.age() < self.max_age
    }

    pub(super) fn spoil(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Bytes that it takes, the compressed text (a quarter, mostly) foreseen.
    pub(super) fn weight(&self) -> u32 {
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 48).sum();
        let all = self.body.len() + self.body.len() / 4 + tags + OVERHEAD;
        u32::try_from(all).unwrap_or(u32::MAX)
    }
}
