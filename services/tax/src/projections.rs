//! What other processes define.

use crate::TaxService;
use emporia_contracts::tax::TaxRateDefined;
use emporia_events::Envelope;
use emporia_store::StoreError;

impl TaxService {
    /// Brings the rates in memory up to these events.
    ///
    /// # Errors
    /// What the store reports; hearing of the same again is harmless.
    pub async fn hear(&self, events: &[Envelope]) -> Result<(), StoreError> {
        if events.iter().any(Envelope::is::<TaxRateDefined>) { self.reload().await } else { Ok(()) }
    }
}
