use crate::{Key, Space, StoreError, Tx, Version, limits};
use rand::Rng;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A result and the version that the documents written with it have now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed<R> {
    /// What the closure returned.
    pub value: R,
    /// The version of every document that the transaction wrote; none if it wrote nothing.
    pub version: Option<Version>,
}

impl Space {
    /// Reads, decides and writes as one: what the closure wrote is committed together, if nothing it read has
    /// changed; else the closure runs again, at most 20 times. An `Ok` that wrote nothing commits nothing; an `Err`
    /// writes nothing.
    ///
    /// The closure may run several times: it must not act on the world outside of the transaction. What it uses of
    /// its surroundings it takes by reference:
    ///
    /// ```
    /// # use emporia_store::{Document, Key, Space, StoreError};
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Note { name: String, text: String }
    /// # impl Document for Note {
    /// #     const COLLECTION: &'static str = "notes";
    /// #     fn key(&self) -> Key { Key::of("notes", self.name.as_str()) }
    /// # }
    /// async fn append(space: &Space, name: &str, line: &str) -> Result<usize, StoreError> {
    ///     space
    ///         .transact(|tx| async move {
    ///             let key = Key::of("notes", name);
    ///             let mut text = tx.get::<Note>(&key).await?.map(|note| note.value.text).unwrap_or_default();
    ///             text.push_str(line);
    ///             let len = text.len();
    ///             tx.put(&Note { name: name.to_owned(), text })?;
    ///             Ok(len)
    ///         })
    ///         .await
    /// }
    /// ```
    ///
    /// # Errors
    /// The closure's own; [`StoreError::Contention`] when every attempt lost; [`StoreError::AlreadyExists`],
    /// [`StoreError::Duplicate`], [`StoreError::BelowFloor`], [`StoreError::Overflow`],
    /// [`StoreError::TooManyOperations`], [`StoreError::TooLarge`]; what the engine reports.
    pub async fn transact<R, E, F, Fut>(&self, act: F) -> Result<R, E>
    where
        F: Fn(Tx) -> Fut + Send,
        Fut: Future<Output = Result<R, E>> + Send,
        E: From<StoreError>,
    {
        Ok(self.transact_versioned(act).await?.value)
    }

    /// As [`Space::transact`], and tells the version that the written documents have.
    ///
    /// # Errors
    /// As [`Space::transact`].
    pub async fn transact_versioned<R, E, F, Fut>(&self, act: F) -> Result<Landed<R>, E>
    where
        F: Fn(Tx) -> Fut + Send,
        Fut: Future<Output = Result<R, E>> + Send,
        E: From<StoreError>,
    {
        let mut line: Option<(usize, OwnedMutexGuard<()>)> = None;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let tx = Tx::new(Arc::clone(&self.0));
            let value = act(tx.clone()).await?;
            tx.testify().await?;
            let finished = tx.finish()?;
            let Some(commit) = finished.commit else { return Ok(Landed { value, version: None }) };
            match self.0.backend.commit(commit).await {
                Ok(committed) => return Ok(Landed { value, version: Some(committed.version) }),
                Err(StoreError::Conflict { key }) if finished.inserted.contains(&key) => {
                    return Err(StoreError::AlreadyExists { key }.into());
                }
                Err(StoreError::Conflict { key }) if attempt >= limits::ATTEMPTS => {
                    return Err(StoreError::Contention { key, attempts: attempt }.into());
                }
                Err(StoreError::Conflict { key }) => line = self.0.lines.queue(&key, line).await,
                Err(error) => return Err(error.into()),
            }
            if attempt > 2 {
                let most = u64::from(attempt);
                let wait = rand::rng().random_range(0..=most);
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
        }
    }
}

/// Waiting lines for documents that many transactions of this process write at once.
///
/// Only fairness rests on them, never correctness: whoever lost a commit queues up for the document it lost, and those
/// in a line run one after the other instead of losing against each other again and again.
pub(crate) struct Lines(Vec<Arc<Mutex<()>>>);

impl Default for Lines {
    fn default() -> Self {
        Self((0..64).map(|_| Arc::default()).collect())
    }
}

impl Lines {
    /// Takes the caller's turn in the line for `key`, giving up the line it held for another document. Waiting has an
    /// end, so that a transaction within another one's closure cannot wait for ever.
    async fn queue(
        &self,
        key: &Key,
        held: Option<(usize, OwnedMutexGuard<()>)>,
    ) -> Option<(usize, OwnedMutexGuard<()>)> {
        const LONGEST: Duration = Duration::from_secs(1);
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        // The remainder is below the number of lines, which is far below any usize.
        let at = (hasher.finish() % self.0.len() as u64) as usize;
        match held {
            Some(held) if held.0 == at => return Some(held),
            other => drop(other),
        }
        let line = Arc::clone(self.0.get(at)?);
        tokio::time::timeout(LONGEST, line.lock_owned()).await.ok().map(|turn| (at, turn))
    }
}
