//! What other processes set.

use crate::{PricingError, PricingService, model::SkuPrices};
use emporia_contracts::pricing::PriceSet;
use emporia_events::Envelope;
use emporia_store::Key;
use std::collections::{BTreeMap, BTreeSet};

/// Prices read at once.
const BATCH: usize = 90;

impl PricingService {
    /// Brings the prices in memory up to these events. The channels have to know of theirs before.
    ///
    /// # Errors
    /// What the store or the channels report; hearing of the same again is harmless.
    pub async fn hear(&self, events: &[Envelope]) -> Result<(), PricingError> {
        // An event that cannot be read is not one of this release: what it set is read at the next start.
        let set = events.iter().filter(|e| e.is::<PriceSet>()).filter_map(|e| e.payload::<PriceSet>().ok());
        let mut skus: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for PriceSet { channel, sku, .. } in set {
            skus.entry(channel).or_default().insert(sku);
        }
        for (channel, skus) in skus {
            if let Some(channel) = self.channel(channel.clone()).await? {
                self.open(&channel);
            }
            let keys: Vec<Key> = skus.iter().map(|sku| SkuPrices::key_of(&channel, sku)).collect();
            for keys in keys.chunks(BATCH) {
                self.refresh(keys).await?;
            }
        }
        Ok(())
    }
}
