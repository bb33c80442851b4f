//! What other processes define.

use crate::ChannelsService;
use emporia_contracts::channels::ChannelDefined;
use emporia_events::Envelope;
use emporia_store::StoreError;

impl ChannelsService {
    /// Brings the channels in memory up to these events.
    ///
    /// # Errors
    /// What the store reports; hearing of the same again is harmless.
    pub async fn hear(&self, events: &[Envelope]) -> Result<(), StoreError> {
        if events.iter().any(Envelope::is::<ChannelDefined>) { self.reload().await } else { Ok(()) }
    }
}
