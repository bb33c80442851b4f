use crate::{Envelope, EventLog};
use async_trait::async_trait;
use emporia_store::{LogId, Position, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Events read at once.
const BATCH: usize = 256;
/// How long to wait before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// What a process keeps in memory of what the store has, and how it hears of what other processes change.
#[async_trait]
pub trait Follower: Send + Sync + 'static {
    /// Brings the memory up to these events, in their order. May be told of the same events again, and of those of this
    /// process itself.
    ///
    /// # Errors
    /// Whatever is in the way: the same events are told again until it is not.
    async fn hear(&self, events: &[Envelope]) -> Result<(), FollowError>;

    /// Reads everything again: events are gone that were not heard.
    ///
    /// # Errors
    /// As [`Follower::hear`].
    async fn start_over(&self) -> Result<(), FollowError>;
}

/// What is in the way of following.
pub type FollowError = Box<dyn std::error::Error + Send + Sync>;

/// Where the streams of a log ended when it was made: before something is read into memory, so that nothing is missed
/// between reading and following.
pub struct Bookmark {
    log: Arc<dyn EventLog>,
    at: Vec<(LogId, Position)>,
}

/// A memory that follows a log until it closes.
#[derive(Debug, Clone)]
pub struct Following(Vec<(LogId, watch::Receiver<Position>)>);

impl Bookmark {
    /// The present ends of a log's streams.
    ///
    /// # Errors
    /// What the log reports.
    pub async fn new(log: Arc<dyn EventLog>) -> Result<Self, StoreError> {
        let mut at = Vec::new();
        for stream in log.streams() {
            let last = log.head(&stream).await?.last;
            at.push((stream, last));
        }
        Ok(Self { log, at })
    }

    /// Tells the follower of every event after the bookmark, on the present runtime, until the log closes.
    pub fn follow(self, follower: Arc<dyn Follower>) -> Following {
        let streams = self.at.into_iter().map(|(stream, at)| {
            let (heard, hears) = watch::channel(at);
            tokio::spawn(follow(self.log.clone(), stream.clone(), heard, follower.clone()));
            (stream, hears)
        });
        Following(streams.collect())
    }
}

impl Following {
    /// How far each stream has been heard: what is kept in memory is at least as new as that.
    pub fn heard(&self) -> Vec<(LogId, Position)> {
        self.0.iter().map(|(stream, heard)| (stream.clone(), *heard.borrow())).collect()
    }

    /// Waits until this event of a stream, and all before it, have been heard.
    ///
    /// # Errors
    /// [`StoreError::UnknownLog`]; [`StoreError::Closed`] when the log closes before.
    pub async fn until(&self, stream: &LogId, position: Position) -> Result<(), StoreError> {
        let found = self.0.iter().find(|(known, _)| known == stream);
        let (_, heard) = found.ok_or_else(|| StoreError::UnknownLog { log: stream.to_string() })?;
        heard.clone().wait_for(|heard| *heard >= position).await.map(drop).map_err(|_| StoreError::Closed)
    }
}

async fn follow(
    log: Arc<dyn EventLog>,
    stream: LogId,
    heard: watch::Sender<Position>,
    follower: Arc<dyn Follower>,
) {
    let mut at = *heard.borrow();
    let mut silent = false;
    loop {
        match step(log.as_ref(), &stream, at, follower.as_ref()).await {
            Ok(Some(next)) => {
                (at, silent) = (next, false);
                heard.send_replace(at);
            }
            Ok(None) => return,
            Err(error) => {
                if !std::mem::replace(&mut silent, true) {
                    tracing::warn!(log = %stream, %error, "what is in memory cannot follow the log; it is tried again");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Waits for events and tells of them: the position that is heard then; none when the log closes.
async fn step(
    log: &dyn EventLog,
    stream: &LogId,
    at: Position,
    follower: &dyn Follower,
) -> Result<Option<Position>, FollowError> {
    let read = match log.wait(stream, at).await {
        Ok(_) => log.read(stream, at, BATCH, None).await,
        Err(error) => Err(error),
    };
    match read {
        Ok(batch) => {
            // An event that cannot be read is no reason to miss those behind it.
            let events = batch.records.iter().filter_map(|record| Envelope::from_record(record).ok());
            let events: Vec<Envelope> = events.collect();
            if !events.is_empty() {
                follower.hear(&events).await?;
            }
            Ok(Some(batch.next))
        }
        Err(StoreError::Closed) => Ok(None),
        Err(StoreError::LogTrimmed { .. }) => {
            let last = log.head(stream).await?.last;
            follower.start_over().await?;
            Ok(Some(last))
        }
        Err(error) => Err(error.into()),
    }
}
