//! Checkouts that do not go on: tried again with growing waits, then left to an operator.

use crate::{
    model::Checkout,
    service::{CheckoutError, CheckoutService},
};
use emporia_contracts::{RequestContext, Trouble, checkout::CheckoutStuck, ids::CheckoutId};
use emporia_store::{Cursor, IndexKey, Page, Query};
use jiff::Timestamp;

impl CheckoutError {
    /// What this failure makes of a checkout: one of the shopper's own is no fault, but if recovery meets it again and
    /// again, something is wrong.
    fn trouble(&self, before: Option<&Trouble>, now: Timestamp) -> Trouble {
        let lasting = match self {
            Self::Fault(fault) => !fault.transient,
            Self::Store(error) => !error.is_retryable(),
            _ => false,
        };
        if lasting { Trouble::lasting(before, self, now) } else { Trouble::passing(before, self, now) }
    }
}

impl CheckoutService {
    /// Takes a checkout on, and notes what keeps it from going on. Whether nothing does.
    pub(super) async fn attend(&self, checkout: Checkout) -> Result<bool, CheckoutError> {
        let (id, before) = (checkout.id, checkout.trouble.clone());
        let failed = self.take_on(checkout).await.err();
        if failed.is_none() && before.is_none() {
            return Ok(true);
        }
        let now = self.space.clock().now();
        let trouble = failed.as_ref().map(|error| error.trouble(before.as_ref(), now));
        let (noted, before) = (&trouble, &before);
        let kept = self
            .space
            .transact(|tx| async move {
                let found =
                    tx.get::<Checkout>(&Checkout::key_of(id)).await?.ok_or(CheckoutError::NotFound(id))?;
                // Somebody else may have brought it to its end, or have met another trouble, meanwhile.
                if found.is_done() || noted.is_none() && found.trouble != *before {
                    return Ok(false);
                }
                let checkout = Checkout { trouble: noted.clone(), ..found.value };
                tx.put(&checkout)?;
                if let Some(trouble) = noted.as_ref().filter(|trouble| trouble.is_stuck()) {
                    let event = CheckoutStuck {
                        checkout_id: checkout.id,
                        cart_id: checkout.cart,
                        channel: checkout.channel.clone(),
                        reason: trouble.reason.clone(),
                    };
                    self.emit(&tx, &event, &self.meta(&checkout))?;
                }
                Ok::<_, CheckoutError>(true)
            })
            .await?;
        if let Some(trouble) = trouble.filter(|_| kept) {
            let Trouble { reason, tries, .. } = &trouble;
            if trouble.is_stuck() {
                metrics::counter!("emporia_checkouts_stuck_total").increment(1);
                tracing::error!(checkout = %id, reason, tries, "a checkout is stuck: an operator has to look");
            } else {
                tracing::warn!(checkout = %id, reason, tries, "a checkout could not be taken on; it is tried again");
            }
        }
        Ok(failed.is_none())
    }

    /// A page of the checkouts that are stuck, the longest first.
    ///
    /// # Errors
    /// What the store reports; [`emporia_store::StoreError::BadCursor`].
    pub async fn stuck(&self, size: usize, after: Option<Cursor>) -> Result<Page<Checkout>, CheckoutError> {
        let query = Query::index("checkouts_stuck").prefix(IndexKey::new()).limit(size).after(after);
        Ok(self.space.query::<Checkout>(query).await?)
    }

    /// An operator puts a checkout back to work, and sees at once what comes of it. One that nothing keeps is only
    /// looked at.
    ///
    /// # Errors
    /// [`CheckoutError::NotFound`]; what the store reports. A failed try is no error: it is noted again.
    pub async fn retry(&self, id: CheckoutId, asks: &RequestContext) -> Result<Checkout, CheckoutError> {
        let now = self.space.clock().now();
        let freed = self
            .space
            .transact(|tx| async move {
                let found =
                    tx.get::<Checkout>(&Checkout::key_of(id)).await?.ok_or(CheckoutError::NotFound(id))?;
                let Some(trouble) = &found.trouble else { return Ok(None) };
                let freed = Checkout { trouble: Some(trouble.retried(now)), ..found.value };
                tx.put(&freed)?;
                Ok::<_, CheckoutError>(Some(freed))
            })
            .await?;
        if let Some(freed) = freed {
            tracing::info!(checkout = %id, actor = asks.actor(), "a checkout is put back to work");
            Box::pin(self.attend(freed)).await?;
        }
        self.load(id).await
    }
}
