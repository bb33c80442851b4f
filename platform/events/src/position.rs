use crate::{EventLog, Poison, Start, consumer::Shared};
use emporia_store::{Document, Key, LogId, Position, Space, StoreError, Tx};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far a consumer has come in one stream. It is written in the transaction of the effects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) consumer: String,
    pub(crate) log: LogId,
    pub(crate) position: Position,
    pub(crate) paused: bool,
}

impl Document for Progress {
    const COLLECTION: &'static str = "_consumers";

    fn key(&self) -> Key {
        progress_key(&self.consumer, &self.log)
    }
}

pub(crate) fn progress_key(consumer: &str, log: &LogId) -> Key {
    Key::of(Progress::COLLECTION, consumer).child(log.as_str())
}

impl Shared {
    /// The stored position in a stream, made where the options say if there is none.
    pub(crate) async fn progress(&self, log: &LogId) -> Result<Progress, StoreError> {
        let key = &progress_key(&self.name, log);
        if let Some(found) = self.space.get::<Progress>(key).await? {
            return Ok(found.value);
        }
        let position = match &self.options.start {
            Start::Zero => Position::ZERO,
            Start::Head => self.log.head(log).await?.last,
            Start::At(positions) => {
                positions.iter().find(|(named, _)| named == log).map_or(Position::ZERO, |(_, at)| *at)
            }
        };
        self.space
            .transact(|tx: Tx| async move {
                if let Some(found) = tx.get::<Progress>(key).await? {
                    return Ok(found.value);
                }
                let (consumer, log) = (self.name.clone(), log.clone());
                let progress = Progress { consumer, log, position, paused: false };
                tx.put(&progress)?;
                Ok(progress)
            })
            .await
    }
}

/// How a consumer stands in one stream by what is stored, whether or not it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The consumer.
    pub consumer: String,
    /// The stream.
    pub log: LogId,
    /// Up to here everything is handled or set aside.
    pub handled: Position,
    /// The stream's last event.
    pub last: Position,
    /// Events of all streams that it has set aside.
    pub set_aside: usize,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.consumer, self.log)
    }
}

/// Most documents that are read at once.
const PAGE: usize = 500;

/// How the consumers that keep their position in a space stand, one entry for each of their streams. A space that
/// declares no consumers has none.
///
/// # Errors
/// What the store or the log reports.
pub async fn standings(space: &Space, log: &dyn EventLog) -> Result<Vec<Standing>, StoreError> {
    let positions = match space.scan::<Progress>(None, PAGE).await {
        // A space has a few consumers: one page.
        Ok(positions) => positions,
        Err(StoreError::Undeclared { .. }) => return Ok(vec![]),
        Err(error) => return Err(error),
    };
    let mut aside = std::collections::BTreeMap::<String, usize>::new();
    let mut after: Option<Key> = None;
    loop {
        let page = space.scan::<Poison>(after.as_ref(), PAGE).await?;
        for (key, _) in &page {
            *aside.entry(key.partition().to_owned()).or_default() += 1;
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => after = Some(last.clone()),
            _ => break,
        }
    }
    let mut standings = vec![];
    for (_, progress) in positions {
        let Progress { consumer, log: stream, position: handled, .. } = progress.value;
        let last = log.head(&stream).await?.last;
        let set_aside = aside.get(&consumer).copied().unwrap_or_default();
        standings.push(Standing { consumer, log: stream, handled, last, set_aside });
    }
    Ok(standings)
}
