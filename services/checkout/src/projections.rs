//! What other processes define.

use crate::CheckoutService;
use emporia_contracts::checkout::DeliveryOptionDefined;
use emporia_events::Envelope;
use emporia_store::StoreError;

impl CheckoutService {
    /// Brings the delivery options in memory up to these events.
    ///
    /// # Errors
    /// What the store reports; hearing of the same again is harmless.
    pub async fn hear(&self, events: &[Envelope]) -> Result<(), StoreError> {
        if events.iter().any(Envelope::is::<DeliveryOptionDefined>) {
            self.reload().await?;
        }
        Ok(())
    }
}
