use crate::{
    commands::{Change, LOOK_UP},
    model::{EntryKind, Payment},
    service::PaymentsService,
};
use emporia_contracts::{
    context::system_meta,
    payments::{PaymentRefusal, PaymentState},
};
use emporia_store::{IndexKey, Query, StoreError};

impl PaymentsService {
    /// Looks undecided payments up, finishes what was cut off, voids those that were given up, and notes authorisations
    /// that ran out. Returns how
    /// many payments were due. One that fails does not stop the others.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.space.clock().now();
        let query = Query::index("payments_due").to(IndexKey::new().time(now)).limit(100);
        let due = self.space.query::<Payment>(query).await?.into_values();
        let count = due.len();
        for payment in due {
            let id = payment.id;
            if let Err(error) = self.look_after(payment).await {
                tracing::warn!(payment = %id, %error, "a payment could not be looked after; it will be tried again");
            }
            // Whatever is still open is looked at again, not at once.
            let postponed = self.change(id, |payment, _| {
                payment.due = payment.due.map(|due| due.max(now + LOOK_UP));
                Ok(())
            });
            if let Err(error) = postponed.await {
                tracing::warn!(payment = %id, %error, "a payment could not be postponed");
            }
        }
        Ok(count)
    }

    async fn look_after(&self, payment: Payment) -> Result<(), PaymentRefusal> {
        let meta = system_meta("payments-sweep", payment.reference.clone(), None);
        self.finish(&payment, &meta).await?;
        if payment.give_up.is_some() {
            return self.let_go(payment, &meta).await.map(drop);
        }
        let now = self.space.clock().now();
        let ran_out = payment.authorised_until.is_some_and(|until| until <= now);
        if payment.state == PaymentState::Authorised && ran_out {
            return self
                .change(payment.id, |payment, tx| {
                    payment.due = None;
                    if payment.state == PaymentState::Authorised && payment.sum(EntryKind::Capture) == 0 {
                        payment.state = PaymentState::Expired;
                        self.tell(tx, payment, Change::Expired, &meta)?;
                    }
                    Ok(())
                })
                .await
                .map(drop);
        }
        self.refresh(payment).await.map(drop)
    }
}
