use crate::{
    commands::{self, ChannelRefusal},
    model::StoredChannel,
};
use arc_swap::ArcSwap;
use emporia_contracts::{
    Fault,
    channels::{Channel, ChannelFacts, Channels},
    values::ChannelKey,
};
use emporia_events::{EventMeta, envelope};
use emporia_id::Ids;
use emporia_store::{Query, Space, StoreError};
use std::{collections::BTreeMap, sync::Arc};

/// Sales channels, held in memory and kept in the store.
#[derive(Clone)]
pub struct ChannelsService {
    space: Space,
    ids: Ids,
    all: Arc<ArcSwap<BTreeMap<ChannelKey, Channel>>>,
}

/// Why a channel cannot be defined.
#[derive(Debug, thiserror::Error)]
pub enum ChannelsError {
    /// It is not acceptable.
    #[error(transparent)]
    Refused(#[from] ChannelRefusal),
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChannelsService {
    /// Reads all channels into memory.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn new(space: Space, ids: Ids) -> Result<Self, StoreError> {
        let this = Self { space, ids, all: Arc::default() };
        this.reload().await?;
        Ok(this)
    }

    /// Reads all channels again: after another process has changed one.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let mut all = BTreeMap::new();
        let mut query = Query::index("by_key").limit(1000);
        loop {
            let page = self.space.query::<StoredChannel>(query).await?;
            let last = page.items.last().map(|(cursor, _)| cursor.clone());
            for (_, channel) in page.items {
                all.insert(channel.0.key.clone(), Arc::new(channel.value.0));
            }
            match last {
                Some(last) if page.has_more => query = Query::index("by_key").limit(1000).after(last),
                _ => break,
            }
        }
        self.all.store(Arc::new(all));
        Ok(())
    }

    /// Defines a channel, or changes the rules of one. Idempotent: the same again changes nothing.
    ///
    /// # Errors
    /// [`ChannelsError::Refused`] says which rule the channel breaks.
    pub async fn define(&self, channel: ChannelFacts, meta: EventMeta) -> Result<Channel, ChannelsError> {
        let (wanted, meta, this) = (&channel, &meta, self);
        self.space
            .transact(|tx| async move {
                let key = StoredChannel::key_of(&wanted.key);
                let before = tx.get::<StoredChannel>(&key).await?;
                if let Some(event) = commands::define(before.as_ref().map(|b| &b.value.0), wanted)? {
                    tx.put(&StoredChannel(wanted.clone()))?;
                    tx.emit(envelope(&event, meta, &this.ids, this.space.clock().as_ref())?)?;
                }
                Ok::<_, ChannelsError>(())
            })
            .await?;
        let channel = Arc::new(channel);
        self.all.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.insert(channel.key.clone(), channel.clone());
            all
        });
        Ok(channel)
    }

    /// The channel of that key, from memory.
    pub fn get(&self, key: &ChannelKey) -> Option<Channel> {
        self.all.load().get(key).cloned()
    }

    /// Every channel, by key.
    pub fn list(&self) -> Vec<Channel> {
        self.all.load().values().cloned().collect()
    }
}

#[async_trait::async_trait]
impl Channels for ChannelsService {
    async fn channel(&self, key: ChannelKey) -> Result<Option<Channel>, Fault> {
        Ok(self.get(&key))
    }

    async fn channels(&self) -> Result<Vec<Channel>, Fault> {
        Ok(self.list())
    }
}
