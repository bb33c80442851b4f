use crate::{
    model::{Payment, RawEvent},
    service::{Failed, PaymentsService},
};
use emporia_contracts::{
    context::system_meta,
    payments::{PaymentDisputed, PaymentRefusal, PaymentState},
};
use emporia_store::StoreError;

/// Why a webhook is not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Signature, time or form is wrong: answer 400, the sender should not try again.
    #[error("the webhook is not acceptable: {0}")]
    NotAcceptable(String),
    /// It could not be applied now: answer 503, the sender tries again.
    #[error("the webhook could not be applied: {0}")]
    NotNow(String),
}

impl PaymentsService {
    /// Takes a provider's webhook: verified before anything looks at it, stored raw, applied once.
    ///
    /// # Errors
    /// [`WebhookError`] says what to answer.
    pub async fn webhook(&self, headers: &[(String, String)], body: &[u8]) -> Result<(), WebhookError> {
        let now = self.space.clock().now();
        let event = self.provider.verify_webhook(headers, body, now).map_err(WebhookError::NotAcceptable)?;
        let raw = RawEvent {
            id: event.id.clone(),
            provider: self.provider.name().to_owned(),
            body: String::from_utf8_lossy(body).into_owned(),
            received_at: now,
        };
        let (raw, told, this) = (&raw, &event, self);
        let meta = &system_meta("payment-provider", event.id.clone(), None);
        let applied = self
            .space
            .transact(|tx| async move {
                let key = emporia_store::Document::key(raw);
                if tx.get::<RawEvent>(&key).await?.is_some() {
                    return Ok(());
                }
                tx.put(raw)?;
                let Some(found) = tx.get::<Payment>(&Payment::key_of(told.payment)).await? else {
                    // Not one of ours (an older installation's, say): kept as evidence, nothing to apply.
                    return Ok(());
                };
                let mut payment = found.value;
                let before = payment.clone();
                let change = crate::commands::apply(&mut payment, &told.authorisation, now);
                this.tell(&tx, &payment, change, meta)?;
                if told.disputed && payment.state != PaymentState::Disputed {
                    payment.state = PaymentState::Disputed;
                    this.emit(&tx, &PaymentDisputed { payment: payment.facts() }, meta)?;
                }
                if payment != before {
                    tx.put(&payment)?;
                }
                Ok::<_, Failed>(())
            })
            .await;
        applied.map_err(|failed| match failed {
            // It cannot be kept, now or later: its id is no key, or it is too long.
            Failed::Store(error @ (StoreError::BadKey { .. } | StoreError::TooLarge { .. })) => {
                WebhookError::NotAcceptable(error.to_string())
            }
            failed => WebhookError::NotNow(PaymentRefusal::from(failed).to_string()),
        })
    }
}
