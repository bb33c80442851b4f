//! Payments that the provider does not settle: tried again with growing waits, then left to an operator.

use crate::{
    model::{Intent, Payment},
    service::PaymentsService,
};
use emporia_contracts::{
    RequestContext, Trouble,
    ids::PaymentId,
    payments::{PaymentRefusal, PaymentStuck},
};
use emporia_events::EventMeta;
use emporia_store::{Cursor, IndexKey, Page, Query, StoreError};

impl PaymentsService {
    /// Notes what keeps a payment from what is noted in it; tells of it when it is stuck.
    pub(super) async fn suffer(
        &self,
        id: PaymentId,
        meta: &EventMeta,
        trouble: impl Fn(&Payment) -> Trouble + Send + Sync,
    ) -> Result<(), PaymentRefusal> {
        let (payment, suffers) = self
            .change(id, |payment, tx| {
                if !payment.wants() {
                    return Ok(false);
                }
                let trouble = trouble(payment);
                if trouble.is_stuck() && !payment.trouble.as_ref().is_some_and(Trouble::is_stuck) {
                    let operation = |intent: &Intent| format!("{:?}", intent.kind).to_lowercase();
                    let event = PaymentStuck {
                        payment: payment.facts(),
                        operation: payment.intents.first().map(operation),
                        amount: payment.intents.first().map(|intent| intent.amount),
                        reason: trouble.reason.clone(),
                    };
                    self.emit(tx, &event, meta)?;
                }
                payment.trouble = Some(trouble);
                Ok(true)
            })
            .await?;
        let Some(Trouble { reason, tries, again, .. }) = payment.trouble.filter(|_| suffers) else {
            return Ok(());
        };
        if again.is_none() {
            metrics::counter!("emporia_payments_stuck_total").increment(1);
            tracing::error!(payment = %id, reason, tries, "a payment is stuck: an operator has to look");
        } else {
            tracing::warn!(payment = %id, reason, tries, "a payment is not settled; it is tried again");
        }
        Ok(())
    }

    /// A page of the payments that are stuck, the longest first.
    ///
    /// # Errors
    /// What the store reports; [`StoreError::BadCursor`].
    pub async fn stuck(&self, size: usize, after: Option<Cursor>) -> Result<Page<Payment>, StoreError> {
        let query = Query::index("payments_stuck").prefix(IndexKey::new()).limit(size).after(after);
        self.space.query::<Payment>(query).await
    }

    /// An operator has a payment tried again, and sees at once what comes of it. One that nothing keeps is left alone.
    ///
    /// # Errors
    /// [`PaymentRefusal::NotFound`]; what the store reports. A failed try is no error: it is noted again.
    pub async fn retry(&self, id: PaymentId, asks: &RequestContext) -> Result<Payment, PaymentRefusal> {
        let now = self.space.clock().now();
        let (payment, freed) = self
            .change(id, |payment, _| {
                payment.trouble = payment.trouble.take().map(|trouble| trouble.retried(now));
                Ok(payment.trouble.is_some() && payment.wants())
            })
            .await?;
        if freed {
            tracing::info!(payment = %id, actor = asks.actor(), "a payment is tried again");
            Box::pin(self.attend(payment)).await?;
        }
        self.load(id).await
    }
}
