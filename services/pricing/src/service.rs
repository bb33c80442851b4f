use crate::{
    commands::{self, PriceRefusal, PriceSetting, SetPrice},
    model::SkuPrices,
    source::PriceSource,
    table::{PriceTable, ScheduledPrice},
};
use emporia_contracts::{
    Fault,
    channels::{Channel, Channels},
    pricing::{Price, PriceRequest, Pricing},
    values::{ChannelKey, Sku},
};
use emporia_events::{EventMeta, envelope};
use emporia_id::Ids;
use emporia_store::{Children, Key, Space, StoreError, carried};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc};

/// Prices set in one transaction: each is a document and an event.
const BATCH: usize = 45;

/// Prices, held in memory and kept in the store. Cheap to clone.
#[derive(Clone)]
pub struct PricingService {
    space: Space,
    ids: Ids,
    channels: Arc<dyn Channels>,
    table: Arc<PriceTable>,
    sources: Arc<Vec<Arc<dyn PriceSource>>>,
}

/// Why prices cannot be set at all.
#[derive(Debug, thiserror::Error)]
pub enum PricingError {
    /// The store does not take them.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What came of each price, in the order given.
pub(crate) type Settings = Vec<Result<PriceSetting, PriceRefusal>>;

impl PricingService {
    /// Reads all prices into memory.
    ///
    /// # Errors
    /// What the store or the channels report.
    pub async fn new(space: Space, ids: Ids, channels: Arc<dyn Channels>) -> Result<Self, PricingError> {
        let this = Self { space, ids, channels, table: Arc::default(), sources: Arc::default() };
        this.reload().await?;
        Ok(this)
    }

    /// The service with a source that is asked before its own table, after those given before.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn PriceSource>) -> Self {
        Arc::make_mut(&mut self.sources).push(source);
        self
    }

    /// Reads all prices again: after another process has set some.
    ///
    /// # Errors
    /// What the store or the channels report.
    pub async fn reload(&self) -> Result<(), PricingError> {
        for channel in self.channels.channels().await? {
            self.table.open(&channel);
            let mut after = None;
            loop {
                let children = Children::of(channel.key.as_str()).after(after);
                let page = self.space.children::<SkuPrices>(children).await?;
                after = page.items.last().map(|(cursor, _)| cursor.clone()).filter(|_| page.has_more);
                self.table.take_in(page.items.into_iter().map(|(_, prices)| prices));
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The prices of SKUs in a channel at a moment, in their order. From memory.
    pub fn prices_at(&self, channel: &ChannelKey, skus: &[Sku], at: Timestamp) -> Vec<Option<Price>> {
        let mut found = self.table.prices(channel, skus, at);
        // The first source has the last word.
        for source in self.sources.iter().rev() {
            for (slot, price) in found.iter_mut().zip(source.prices(channel, skus, at)) {
                if price.is_some() {
                    *slot = price;
                }
            }
        }
        found
    }

    /// Everything that is set for a SKU in a channel: the base price first, then the windows in order of time. From
    /// memory.
    pub fn schedule(&self, channel: &ChannelKey, sku: &Sku) -> Vec<ScheduledPrice> {
        self.table.schedule(channel, sku)
    }

    /// The channel of that key.
    pub(crate) async fn channel(&self, key: ChannelKey) -> Result<Option<Channel>, Fault> {
        self.channels.channel(key).await
    }

    /// The present moment, by the store's clock.
    pub fn now(&self) -> Timestamp {
        self.space.clock().now()
    }

    /// Sets prices, as many as fit at a time in one transaction, in order: of two for the same SKU the later one
    /// stands. Idempotent: what is so already changes nothing and tells nothing. Answers per item; a refused one does
    /// not spoil the others.
    ///
    /// # Errors
    /// [`PricingError`] when the store fails; prices of earlier transactions stay, and doing it again is harmless.
    pub async fn set_prices(
        &self,
        prices: Vec<SetPrice>,
        meta: EventMeta,
    ) -> Result<Vec<Result<PriceSetting, PriceRefusal>>, PricingError> {
        let this = self.clone();
        // In a task of its own: a caller that goes away must not leave the memory behind the store.
        let task = tokio::spawn(carried(async move { this.set_in_batches(&prices, &meta).await }));
        task.await.map_err(|error| StoreError::Unavailable { detail: error.to_string() })?
    }

    async fn set_in_batches(&self, prices: &[SetPrice], meta: &EventMeta) -> Result<Settings, PricingError> {
        let mut channels: HashMap<&ChannelKey, Option<Channel>> = HashMap::new();
        for price in prices {
            if !channels.contains_key(&price.channel) {
                let channel = self.channels.channel(price.channel.clone()).await?;
                channel.iter().for_each(|channel| self.table.open(channel));
                channels.insert(&price.channel, channel);
            }
        }
        let mut settings = Vec::with_capacity(prices.len());
        for batch in prices.chunks(BATCH) {
            let keys: Vec<Key> = batch.iter().map(|p| SkuPrices::key_of(&p.channel, &p.sku)).collect();
            let outcome = self.commit(batch, &keys, &channels, meta).await;
            // Whatever became of the commit: what the store has now is what holds.
            self.refresh(&keys).await?;
            settings.extend(outcome?);
        }
        Ok(settings)
    }

    /// Takes what the store has now into memory.
    pub(crate) async fn refresh(&self, keys: &[Key]) -> Result<(), StoreError> {
        self.table.take_in(self.space.get_many::<SkuPrices>(keys).await?.into_iter().flatten());
        Ok(())
    }

    /// Makes room in memory for a channel.
    pub(crate) fn open(&self, channel: &Channel) {
        self.table.open(channel);
    }

    async fn commit(
        &self,
        batch: &[SetPrice],
        keys: &[Key],
        channels: &HashMap<&ChannelKey, Option<Channel>>,
        meta: &EventMeta,
    ) -> Result<Settings, StoreError> {
        let this = self;
        self.space
            .transact(|tx| async move {
                let now = this.now();
                let read =
                    tx.get_many::<SkuPrices>(keys).await?.into_iter().map(|found| found.map(|f| f.value));
                let mut held: HashMap<&Key, Option<SkuPrices>> = keys.iter().zip(read).collect();
                let mut settings = Vec::with_capacity(batch.len());
                for (wanted, key) in batch.iter().zip(keys) {
                    let before = held.get(key).and_then(Option::as_ref);
                    let decided = match channels.get(&wanted.channel).and_then(Option::as_ref) {
                        Some(channel) => commands::set(before, channel, wanted, now),
                        None => Err(PriceRefusal::UnknownChannel(wanted.channel.clone())),
                    };
                    settings.push(match decided {
                        Ok(Some((prices, event))) => {
                            tx.put(&prices)?;
                            tx.emit(envelope(&event, meta, &this.ids, this.space.clock().as_ref())?)?;
                            held.insert(key, Some(prices));
                            Ok(PriceSetting::Set { previous: event.previous })
                        }
                        Ok(None) => Ok(PriceSetting::Unchanged),
                        Err(refusal) => Err(refusal),
                    });
                }
                Ok(settings)
            })
            .await
    }
}

#[async_trait::async_trait]
impl Pricing for PricingService {
    async fn prices(&self, request: PriceRequest) -> Result<Vec<Option<Price>>, Fault> {
        Ok(self.prices_at(&request.channel, &request.skus, request.at))
    }
}
