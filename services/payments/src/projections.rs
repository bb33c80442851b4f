//! What orders do to payments: shipments capture, cancelled orders void, returns refund.

use crate::service::PaymentsService;
use emporia_contracts::{
    ids::RefundId,
    orders::{FulfilmentShipped, OrderLinesCancelled, ReturnRecorded},
    payments::{Capture, PaymentRefusal, Payments, Refund, Void},
};
use emporia_events::{Envelope, EventPayload, Handler, HandlerError};
use emporia_store::Tx;
use uuid::Uuid;

/// Follows the events of orders. The provider is asked under keys that come from the event, so that handling it again
/// takes nothing twice.
pub struct PaymentsFollowOrders(pub PaymentsService);

/// What the provider definitely refuses is set aside for a person; what may pass is tried again.
fn failed(refusal: PaymentRefusal) -> HandlerError {
    match refusal {
        PaymentRefusal::Fault(fault) if fault.transient => HandlerError::Temporary(fault.to_string()),
        refusal => HandlerError::Permanent(refusal.to_string()),
    }
}

#[async_trait::async_trait]
impl Handler for PaymentsFollowOrders {
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        source == FulfilmentShipped::SOURCE
            && [FulfilmentShipped::DETAIL_TYPE, OrderLinesCancelled::DETAIL_TYPE, ReturnRecorded::DETAIL_TYPE]
                .contains(&detail_type)
    }

    async fn handle(&self, event: &Envelope, _: &Tx) -> Result<(), HandlerError> {
        let meta = event.meta_for_effect("system/payments");
        if event.is::<FulfilmentShipped>() {
            let shipped: FulfilmentShipped = event.payload()?;
            for share in shipped.captures {
                let key = format!("{}/{}", shipped.fulfilment_id, share.payment_id);
                let capture =
                    Capture { payment: share.payment_id, amount: share.amount, key, meta: meta.clone() };
                self.0.capture(capture).await.map_err(failed)?;
            }
        } else if event.is::<OrderLinesCancelled>() {
            let cancelled: OrderLinesCancelled = event.payload()?;
            for payment in cancelled.void_payments {
                let void = Void { payment, reason: "the order was cancelled".into(), meta: meta.clone() };
                self.0.void(void).await.map_err(failed)?;
            }
        } else if event.is::<ReturnRecorded>() {
            let returned: ReturnRecorded = event.payload()?;
            for share in returned.refunds {
                // One refund per return and payment, under an id that both make.
                let id = returned.return_id.uuid().as_u128() ^ share.payment_id.uuid().as_u128();
                let refund = Refund {
                    refund: RefundId::from(Uuid::from_u128(id)),
                    payment: share.payment_id,
                    amount: share.amount,
                    reason: format!("return {}", returned.return_id),
                    meta: meta.clone(),
                };
                self.0.refund(refund).await.map_err(failed)?;
            }
        }
        Ok(())
    }
}
