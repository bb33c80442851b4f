use crate::{
    commands::{self, CONFIRM, Change, LOOK_UP},
    model::Payment,
    service::{Failed, PaymentsService, provider::heard},
};
use emporia_contracts::{
    Fault,
    context::system_meta,
    ids::PaymentId,
    payments::{
        Authorise, PROVIDER_UNAVAILABLE, PaymentRefusal, PaymentState, ProviderAuthorisation,
        ProviderAuthorise, ProviderError,
    },
};
use emporia_events::EventMeta;

/// Who says that a payment has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// The provider: it holds nothing.
    Provider,
    /// Nobody could be asked. Whoever attended it at the same time may have reached the provider.
    Nobody,
}

impl PaymentsService {
    /// Starts a payment, or takes it on from wherever it stands.
    pub(crate) async fn hold(&self, request: Authorise) -> Result<Payment, PaymentRefusal> {
        let payment = self.noted(&request).await?;
        match payment.state {
            PaymentState::Created if payment.provider_id.is_none() => self.ask(payment, &request.meta).await,
            PaymentState::Created | PaymentState::Pending | PaymentState::RequiresAction => {
                self.refresh(payment).await
            }
            _ => Ok(payment),
        }
    }

    /// Commits the payment's id before the provider hears of it.
    async fn noted(&self, request: &Authorise) -> Result<Payment, PaymentRefusal> {
        let now = self.space.clock().now();
        let noted = self
            .space
            .transact(|tx| async move {
                if let Some(found) = tx.get::<Payment>(&Payment::key_of(request.payment)).await? {
                    let same = found.amount == request.amount && found.reference == request.reference;
                    let reused = || Failed::Refused(PaymentRefusal::Reused(request.payment));
                    return if same { Ok(found.value) } else { Err(reused()) };
                }
                let payment = Payment {
                    method: Some(request.method.clone()),
                    return_url: request.return_url.clone(),
                    due: Some(now + LOOK_UP),
                    ..Payment::new(request.payment, &request.reference, request.amount, now)
                };
                tx.put(&payment)?;
                Ok::<_, Failed>(payment)
            })
            .await;
        Ok(noted?)
    }

    async fn ask(&self, payment: Payment, meta: &EventMeta) -> Result<Payment, PaymentRefusal> {
        if payment.give_up.is_some() {
            return self.fail(&payment, "given_up", Says::Nobody, meta).await;
        }
        let Some(method) = payment.method.clone() else {
            return Err(Fault::permanent("payments", "a payment that was not asked for has no means").into());
        };
        let Ok(_turn) = self.calls.try_acquire() else {
            // Too many wait already: this shopper is told at once, and nothing happened.
            return self.fail(&payment, PROVIDER_UNAVAILABLE, Says::Nobody, meta).await;
        };
        let asked = self.provider.authorise(ProviderAuthorise {
            payment: payment.id,
            amount: payment.amount,
            method,
            return_url: payment.return_url.clone(),
        });
        match heard("authorise", payment.id, asked.await) {
            Ok(said) => self.apply(payment.id, &said, meta).await,
            Err(ProviderError::Refused { code, .. }) => {
                self.fail(&payment, &code, Says::Provider, meta).await
            }
            Err(ProviderError::NotReached(_) | ProviderError::Unavailable { .. }) => {
                self.fail(&payment, PROVIDER_UNAVAILABLE, Says::Nobody, meta).await
            }
            Err(ProviderError::Unknown(_)) => {
                let due = self.space.clock().now() + LOOK_UP;
                let (payment, ()) = self
                    .change(payment.id, |payment, _| {
                        if payment.state == PaymentState::Created {
                            payment.state = PaymentState::Pending;
                        }
                        payment.due = payment.due.map(|_| due);
                        Ok(())
                    })
                    .await?;
                Ok(payment)
            }
        }
    }

    async fn fail(
        &self,
        payment: &Payment,
        code: &str,
        says: Says,
        meta: &EventMeta,
    ) -> Result<Payment, PaymentRefusal> {
        let now = self.space.clock().now();
        let (payment, ()) = self
            .change(payment.id, |payment, tx| {
                if payment.state == PaymentState::Created {
                    payment.state = PaymentState::Failed;
                    payment.method = None;
                    payment.decline_code = Some(code.to_owned());
                    payment.trouble = None;
                    payment.unconfirmed = says == Says::Nobody;
                    payment.due = payment.unconfirmed.then_some(now + CONFIRM);
                    self.tell(tx, payment, Change::Failed, meta)?;
                }
                Ok(())
            })
            .await?;
        Ok(payment)
    }

    /// Looks an undecided payment up at the provider. One that the provider never heard of is asked for again.
    pub(crate) async fn refresh(&self, payment: Payment) -> Result<Payment, PaymentRefusal> {
        use PaymentState as S;
        if !commands::undecided(&payment) {
            return Ok(payment);
        }
        let meta = system_meta("payments", payment.reference.clone(), None);
        let Some(found) = self.look_up(payment.id).await else { return Ok(payment) };
        match found {
            Ok(Some(said)) => self.apply(payment.id, &said, &meta).await,
            Ok(None) => {
                let (payment, ()) = self
                    .change(payment.id, |payment, _| {
                        if payment.provider_id.is_none() && commands::undecided(payment) {
                            payment.state = S::Created;
                        }
                        Ok(())
                    })
                    .await?;
                if payment.state == S::Created { self.ask(payment, &meta).await } else { Ok(payment) }
            }
            Err(_) => Ok(payment),
        }
    }

    /// What the provider knows of a payment; nothing when too many look-ups wait already.
    async fn look_up(
        &self,
        payment: PaymentId,
    ) -> Option<Result<Option<ProviderAuthorisation>, ProviderError>> {
        let _turn = self.lookups.try_acquire().ok()?;
        Some(heard("lookup", payment, self.provider.lookup(payment).await))
    }

    /// Looks whether the provider holds anything of a payment that failed without its word. If it does, it is given up.
    pub(crate) async fn confirm(&self, payment: Payment, meta: &EventMeta) -> Result<(), PaymentRefusal> {
        let Some(found) = self.look_up(payment.id).await else { return Ok(()) };
        match found.map_err(|error| Fault::transient("payments", error))? {
            Some(said) => self.apply(payment.id, &said, meta).await.map(drop),
            None => {
                let confirmed = self.change(payment.id, |payment, _| {
                    payment.unconfirmed = false;
                    Ok(())
                });
                confirmed.await.map(drop)
            }
        }
    }
}
