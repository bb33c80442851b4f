use crate::{
    chain::{ChainKey, Link, ORIGIN, link_hash},
    entry::{Entry, WriteRecorded},
};
use async_trait::async_trait;
use emporia_events::{Envelope, EventPayload, Handler, HandlerError};
use emporia_store::{IndexKey, Query, Space, Store, StoreError, Tx};

/// Links entries in the order in which the log tells of them: the consumer that keeps the chain. Its space is
/// [`crate::space`].
#[derive(Debug)]
pub struct Sealer {
    store: Store,
    space: Space,
    key: ChainKey,
}

impl Sealer {
    /// Its name among consumers.
    pub const NAME: &'static str = "audit";

    /// The sealer of this store, which signs with the key.
    ///
    /// # Errors
    /// [`StoreError::Undeclared`] if the store was opened without [`crate::space`].
    pub fn new(store: Store, key: ChainKey) -> Result<Self, StoreError> {
        Ok(Self { space: store.space(crate::SPACE)?, store, key })
    }

    /// Whether it follows events of this kind.
    pub fn follows(source: &str, detail_type: &str) -> bool {
        source == WriteRecorded::SOURCE && detail_type == WriteRecorded::DETAIL_TYPE
    }
}

#[async_trait]
impl Handler for Sealer {
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        Self::follows(source, detail_type)
    }

    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        let told: WriteRecorded = event.payload()?;
        let linked = Query::index("by_entry").prefix(IndexKey::new().text(&told.entry.to_string()));
        if self.space.count::<Link>(linked).await? > 0 {
            // The consumer was set back: what is linked stays where it is.
            return Ok(());
        }
        let last = tx.children::<Link>(Link::all().descending().limit(1)).await?.pop().map(|last| last.value);
        let (number, before) = match &last {
            Some(last) => (last.number + 1, last.hash.as_str()),
            None => (1, ORIGIN),
        };
        // An entry that is gone or was altered before it got here is linked as it was committed: it will be missed.
        let entry = self.store.space(&told.space)?.get::<Entry>(&Entry::key_of(told.entry)).await?;
        let entry = entry.map(|entry| entry.value);
        let hash = link_hash(number, before, &told.hash);
        tx.insert(&Link {
            number,
            entry: told.entry,
            space: told.space,
            entry_hash: told.hash,
            key: self.key.id(),
            signature: self.key.sign(&hash),
            hash,
            at: entry.as_ref().map_or(event.detail.metadata.occurred_at, |entry| entry.at),
            who: event.detail.metadata.actor.clone(),
            operation: entry.as_ref().map(|entry| entry.operation.clone()).unwrap_or_default(),
            subjects: entry.as_ref().map(Entry::subjects).unwrap_or_default(),
        })?;
        Ok(())
    }
}
