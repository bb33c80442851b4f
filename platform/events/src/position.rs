use crate::{Start, consumer::Shared};
use emporia_store::{Document, Key, LogId, Position, StoreError, Tx};
use serde::{Deserialize, Serialize};

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
