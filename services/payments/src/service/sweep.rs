use crate::{
    commands::{Change, next_look, undecided},
    model::{EntryKind, Payment},
    service::PaymentsService,
};
use emporia_contracts::{
    Trouble,
    context::system_meta,
    payments::{PaymentRefusal, PaymentState},
};
use emporia_events::EventMeta;
use emporia_store::{IndexKey, Query, StoreError};
use futures_util::{StreamExt, stream};

/// Payments that are looked after at once.
const AT_ONCE: usize = 16;

impl PaymentsService {
    /// Looks undecided payments up, finishes what was cut off, voids those that were given up, and notes authorisations
    /// that ran out. Returns how many payments were due. One that fails does not stop the others.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.space.clock().now();
        let query = Query::index("payments_due").to(IndexKey::new().time(now)).limit(100);
        let due = self.space.query::<Payment>(query).await?.into_values();
        let count = due.len();
        // Several at once: one that waits for the provider keeps no other waiting.
        stream::iter(due)
            .for_each_concurrent(AT_ONCE, |payment| async move {
                let id = payment.id;
                if let Err(error) = self.attend(payment).await {
                    tracing::warn!(payment = %id, %error, "a payment could not be looked after; it will be tried again");
                }
            })
            .await;
        Ok(count)
    }

    /// Looks after a payment, and notes what keeps it from what is wanted of it.
    pub(super) async fn attend(&self, payment: Payment) -> Result<(), PaymentRefusal> {
        let (id, state, before) = (payment.id, payment.state, payment.trouble.clone());
        let meta = system_meta("payments-sweep", payment.reference.clone(), None);
        let failed = self.look_after(payment, &meta).await.err();
        let now = self.space.clock().now();
        let (payment, ()) = self
            .change(id, |payment, _| {
                if !payment.wants() {
                    payment.trouble = None;
                    payment.due = next_look(payment, now);
                } else if payment.state != state {
                    // The provider has decided meanwhile: what failed before that says nothing of what is wanted now.
                    payment.trouble = None;
                    payment.due = Some(now);
                }
                Ok(())
            })
            .await?;
        // What failed at the provider is noted already.
        if !payment.wants() || payment.state != state || payment.trouble != before {
            return Ok(());
        }
        let trouble = |p: &Payment| match &failed {
            None => Trouble::passing(p.trouble.as_ref(), "the provider has not decided yet", now),
            Some(PaymentRefusal::Fault(fault)) if fault.transient => {
                Trouble::passing(p.trouble.as_ref(), fault, now)
            }
            // What the provider does not cancel now, it may when it has decided.
            Some(refusal) if undecided(p) => Trouble::passing(p.trouble.as_ref(), refusal, now),
            Some(refusal) => Trouble::lasting(p.trouble.as_ref(), refusal, now),
        };
        self.suffer(id, &meta, trouble).await
    }

    async fn look_after(&self, payment: Payment, meta: &EventMeta) -> Result<(), PaymentRefusal> {
        if payment.unconfirmed {
            return self.confirm(payment, meta).await;
        }
        self.finish(&payment, meta).await?;
        if payment.give_up.is_some() {
            return self.let_go(payment, meta).await.map(drop);
        }
        let now = self.space.clock().now();
        let ran_out = payment.authorised_until.is_some_and(|until| until <= now);
        if payment.state == PaymentState::Authorised && ran_out {
            return self
                .change(payment.id, |payment, tx| {
                    payment.due = None;
                    if payment.state == PaymentState::Authorised && payment.sum(EntryKind::Capture) == 0 {
                        payment.state = PaymentState::Expired;
                        self.tell(tx, payment, Change::Expired, meta)?;
                    }
                    Ok(())
                })
                .await
                .map(drop);
        }
        self.refresh(payment).await.map(drop)
    }
}
