//! What the rooms keep in memory follows the log, where other processes may use the same store.

use super::Platform;
use async_trait::async_trait;
use emporia_catalog::CatalogService;
use emporia_channels::ChannelsService;
use emporia_checkout::CheckoutService;
use emporia_events::{Envelope, FollowError, Follower};
use emporia_pricing::PricingService;
use emporia_tax::TaxService;

/// The rooms that answer from memory.
pub(super) struct Memory {
    channels: ChannelsService,
    catalog: CatalogService,
    pricing: PricingService,
    tax: TaxService,
    checkout: CheckoutService,
}

impl Memory {
    pub(super) fn of(platform: &Platform) -> Self {
        Self {
            channels: platform.channels.clone(),
            catalog: platform.catalog.clone(),
            pricing: platform.pricing.clone(),
            tax: platform.tax.clone(),
            checkout: platform.checkout.clone(),
        }
    }
}

#[async_trait]
impl Follower for Memory {
    async fn hear(&self, events: &[Envelope]) -> Result<(), FollowError> {
        // Channels first: prices have to know of theirs.
        self.channels.hear(events).await?;
        self.catalog.hear(events).await?;
        self.pricing.hear(events).await?;
        self.tax.hear(events).await?;
        self.checkout.hear(events).await?;
        Ok(())
    }

    async fn start_over(&self) -> Result<(), FollowError> {
        self.channels.reload().await?;
        self.catalog.reload().await?;
        self.pricing.reload().await?;
        self.tax.reload().await?;
        self.checkout.reload().await?;
        Ok(())
    }
}
