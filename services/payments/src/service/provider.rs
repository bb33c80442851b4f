//! How the provider answers, for those who run the shop.

use emporia_contracts::{ids::PaymentId, payments::ProviderError};

/// Tells the log and the metrics when a call brought no decision: the shopper hears only that he may try again.
pub(super) fn heard<T>(
    call: &'static str,
    payment: PaymentId,
    answer: Result<T, ProviderError>,
) -> Result<T, ProviderError> {
    let outcome = match &answer {
        Ok(_) | Err(ProviderError::Refused { .. }) => return answer,
        Err(ProviderError::Unavailable { .. }) => "unavailable",
        Err(ProviderError::NotReached(_)) => "not_reached",
        Err(ProviderError::Unknown(_)) => "unknown",
    };
    metrics::counter!("emporia_payment_provider_failures_total", "call" => call, "outcome" => outcome)
        .increment(1);
    if let Err(error) = &answer {
        tracing::warn!(%payment, call, %error, "the payment provider brought no decision");
    }
    answer
}
