//! Who takes on what was cut off: after a crash, after a webhook, and what nobody came back to.

use crate::{
    model::{Checkout, CheckoutState},
    service::{CheckoutError, CheckoutService, Progress},
};
use emporia_contracts::{ids::CheckoutId, payments::PaymentFacts};
use emporia_store::{IndexKey, Query};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;

/// How long a payment may be undecided before the purchase is given up.
const UNDECIDED: SignedDuration = SignedDuration::from_mins(60);
/// When an undecided checkout is looked at again.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Checkouts that are taken on at once.
const AT_ONCE: usize = 16;

impl CheckoutService {
    /// A payment was decided: takes its checkout on, if that waits.
    ///
    /// # Errors
    /// A fault: the checkout stays where it is and is taken on later.
    pub async fn on_payment(&self, payment: &PaymentFacts) -> Result<(), CheckoutError> {
        // Whose reference is another's, that is no payment of a checkout.
        let Ok(id) = payment.reference.parse::<CheckoutId>() else { return Ok(()) };
        if self.driving.tell(id) {
            return Ok(());
        }
        let found = self.space.get::<Checkout>(&Checkout::key_of(id)).await?;
        let waits = found.filter(|checkout| checkout.state == CheckoutState::Paying);
        let paid_so = waits.filter(|c| c.tenders.iter().any(|tender| tender.payment == payment.payment_id));
        match paid_so {
            Some(checkout) => self.advance(checkout.id).await.map(drop),
            None => Ok(()),
        }
    }

    /// Takes on checkouts that are due: unfinished ones are advanced, idle ones expire. Returns how many it dealt
    /// with; call it again while that is not zero. One that fails does not stop the others.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn recover(&self) -> Result<usize, CheckoutError> {
        let now = self.space.clock().now();
        let query = Query::index("checkouts_due").to(IndexKey::new().time(now)).limit(100);
        let due = self.space.query::<Checkout>(query).await?.into_values();
        // Several at once: one that waits for a slow room keeps nobody else waiting.
        let attended = stream::iter(due).map(|checkout| self.attend(checkout)).buffer_unordered(AT_ONCE);
        let attended: Vec<bool> = attended.try_collect().await?;
        Ok(attended.into_iter().filter(|fine| *fine).count())
    }

    pub(super) async fn take_on(&self, checkout: Checkout) -> Result<(), CheckoutError> {
        let settled = !checkout.undo.is_done();
        let checkout = self.settle(checkout).await?;
        if !checkout.state.under_way() {
            // Whoever only had something to take back is not too old for that reason.
            if settled || checkout.due > self.space.clock().now() {
                return Ok(());
            }
            return self.end(checkout, CheckoutState::Expired, "").await.map(drop);
        }
        let id = checkout.id;
        match self.advance(id).await?.1 {
            Progress::ActionRequired(_) | Progress::Pending => {
                let began = checkout.attempt_began.unwrap_or(checkout.started_at);
                let late = began.saturating_add(UNDECIDED).is_ok_and(|end| end <= self.space.clock().now());
                if late { self.give_up(id).await } else { self.later(id).await }
            }
            Progress::Completed(_) | Progress::Short(_) | Progress::Declined(_) => Ok(()),
        }
    }

    /// Nobody paid in time. Should the provider decide later after all, the payments are voided then.
    async fn give_up(&self, id: CheckoutId) -> Result<(), CheckoutError> {
        let checkout = self.load(id).await?;
        self.end(checkout, CheckoutState::Expired, "not paid in time").await.map(drop)
    }

    async fn later(&self, id: CheckoutId) -> Result<(), CheckoutError> {
        let due = self.space.clock().now() + AGAIN;
        self.space
            .transact(|tx| async move {
                let found =
                    tx.get::<Checkout>(&Checkout::key_of(id)).await?.ok_or(CheckoutError::NotFound(id))?;
                if found.state.under_way() {
                    // Not a step: whoever is in the middle of one is not disturbed.
                    tx.put(&Checkout { due, trouble: None, ..found.value })?;
                }
                Ok(())
            })
            .await
    }
}
