//! Payments: note, ask the provider, enter.

mod authorise;
mod operations;
mod orders;
mod provider;
mod sweep;
mod trouble;
mod webhook;

pub use webhook::WebhookError;

use crate::{commands::Change, model::Payment};
use emporia_contracts::{
    Fault,
    ids::PaymentId,
    payments::{
        AttachOrder, Authorise, Capture, PaymentActionRequired, PaymentAuthorised, PaymentExpired,
        PaymentFacts, PaymentFailed, PaymentProvider, PaymentRefusal, PaymentRequest, PaymentVoided,
        Payments, ProviderAuthorisation, Refund, Void,
    },
};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::Ids;
use emporia_store::{Space, StoreError, Tx};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Authorisations that may wait for the provider at once.
const CALLS: usize = 128;
/// Look-ups, and captures, refunds and voids, that may wait at once: apart from authorisations, so that a crowd of
/// shoppers before a slow provider does not keep them out.
const ASIDE: usize = 32;

/// Payments. Cheap to clone.
#[derive(Clone)]
pub struct PaymentsService {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    provider: Arc<dyn PaymentProvider>,
    calls: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
    operations: Arc<Semaphore>,
}

pub(crate) fn fault(error: StoreError) -> Fault {
    if error.is_retryable() {
        Fault::transient("payments", error)
    } else {
        Fault::permanent("payments", error)
    }
}

/// A refusal, or what the store says.
pub(crate) enum Failed {
    Refused(PaymentRefusal),
    Store(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PaymentRefusal> for Failed {
    fn from(refusal: PaymentRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failed> for PaymentRefusal {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refusal) => refusal,
            Failed::Store(error) => Self::Fault(fault(error)),
        }
    }
}

impl PaymentsService {
    /// Payments over their own key-space and one provider.
    pub fn new(space: Space, ids: Ids, provider: Arc<dyn PaymentProvider>) -> Self {
        let turns = |most| Arc::new(Semaphore::new(most));
        Self { space, ids, provider, calls: turns(CALLS), lookups: turns(ASIDE), operations: turns(ASIDE) }
    }

    pub(crate) fn emit(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, self.space.clock().as_ref())?)
    }

    /// The payment of that id.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn get(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        Ok(self.space.get::<Payment>(&Payment::key_of(id)).await?.map(|p| p.value))
    }

    async fn load(&self, id: PaymentId) -> Result<Payment, PaymentRefusal> {
        self.get(id).await.map_err(fault)?.ok_or(PaymentRefusal::NotFound(id))
    }

    /// Changes a payment in one transaction.
    pub(crate) async fn change<R: Send>(
        &self,
        id: PaymentId,
        act: impl Fn(&mut Payment, &Tx) -> Result<R, Failed> + Send + Sync,
    ) -> Result<(Payment, R), PaymentRefusal> {
        let act = &act;
        let changed = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Payment>(&Payment::key_of(id)).await?;
                let mut payment = found.ok_or(Failed::Refused(PaymentRefusal::NotFound(id)))?.value;
                let before = payment.clone();
                let result = act(&mut payment, &tx)?;
                if payment != before {
                    tx.put(&payment)?;
                }
                Ok::<_, Failed>((payment, result))
            })
            .await;
        Ok(changed?)
    }

    /// Applies what the provider says, and tells what became of the payment.
    pub(crate) async fn apply(
        &self,
        id: PaymentId,
        said: &ProviderAuthorisation,
        meta: &EventMeta,
    ) -> Result<Payment, PaymentRefusal> {
        let now = self.space.clock().now();
        let (payment, _) = self
            .change(id, |payment, tx| {
                let change = crate::commands::apply(payment, said, now);
                Ok(self.tell(tx, payment, change, meta)?)
            })
            .await?;
        Ok(payment)
    }

    pub(crate) fn tell(
        &self,
        tx: &Tx,
        of: &Payment,
        change: Change,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        let payment = of.facts();
        match change {
            Change::None | Change::Pending => Ok(()),
            Change::ActionRequired => self.emit(tx, &PaymentActionRequired { payment }, meta),
            Change::Authorised => self.emit(tx, &PaymentAuthorised { payment }, meta),
            Change::Failed => self.emit(tx, &PaymentFailed { payment }, meta),
            Change::Voided => self.emit(
                tx,
                &PaymentVoided { payment, amount: None, reason: "voided by the provider".into() },
                meta,
            ),
            Change::Expired => self.emit(tx, &PaymentExpired { payment }, meta),
        }
    }
}

#[async_trait::async_trait]
impl Payments for PaymentsService {
    async fn authorise(&self, request: Authorise) -> Result<PaymentFacts, PaymentRefusal> {
        Ok(self.hold(request).await?.facts())
    }

    async fn payment(&self, request: PaymentRequest) -> Result<PaymentFacts, PaymentRefusal> {
        let payment = self.load(request.payment).await?;
        Ok(if request.refresh { self.refresh(payment).await?.facts() } else { payment.facts() })
    }

    async fn attach(&self, request: AttachOrder) -> Result<(), PaymentRefusal> {
        self.pays(request.payment, request.order).await
    }

    async fn capture(&self, request: Capture) -> Result<PaymentFacts, PaymentRefusal> {
        Ok(self.take(request).await?.facts())
    }

    async fn void(&self, request: Void) -> Result<(), PaymentRefusal> {
        self.give_up(request).await
    }

    async fn refund(&self, request: Refund) -> Result<PaymentFacts, PaymentRefusal> {
        Ok(self.give_back(request).await?.facts())
    }
}
