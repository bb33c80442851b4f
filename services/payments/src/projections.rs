//! What orders do to payments: shipments capture (the order itself, when nothing is shipped), cancelled units and the
//! last shipment give up what is held beyond that, returns refund.

use crate::{
    commands::{give_up_rest, note},
    model::Intent,
    service::{Failed, PaymentsService},
};
use emporia_contracts::{
    ids::{OrderId, PaymentId, RefundId},
    orders::{CaptureShare, FulfilmentShipped, OrderLinesCancelled, OrderPlaced, ReturnRecorded},
};
use emporia_events::{Envelope, EventMeta, EventPayload, Handler, HandlerError};
use emporia_store::Tx;
use uuid::Uuid;

/// Follows the events of orders: notes what they want in the payments, with the consumer's position; the sweep does it
/// at the provider. Keys come from the event, so that handling it again takes nothing twice.
pub struct PaymentsFollowOrders(pub PaymentsService);

/// An event of a payment that is not there, or was told otherwise before, is set aside for a person.
fn failed(failed: Failed) -> HandlerError {
    match failed {
        Failed::Refused(refusal) => HandlerError::Permanent(refusal.to_string()),
        Failed::Store(error) => error.into(),
    }
}

impl PaymentsFollowOrders {
    /// Whether it follows events of this kind.
    pub fn follows(source: &str, detail_type: &str) -> bool {
        source == FulfilmentShipped::SOURCE
            && [
                OrderPlaced::DETAIL_TYPE,
                FulfilmentShipped::DETAIL_TYPE,
                OrderLinesCancelled::DETAIL_TYPE,
                ReturnRecorded::DETAIL_TYPE,
            ]
            .contains(&detail_type)
    }
}

#[async_trait::async_trait]
impl Handler for PaymentsFollowOrders {
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        Self::follows(source, detail_type)
    }

    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        let meta = event.meta_for_effect("system/payments");
        let noted = if event.is::<OrderPlaced>() {
            self.placed(tx, event.payload()?, &meta).await
        } else if event.is::<FulfilmentShipped>() {
            self.shipped(tx, event.payload()?, &meta).await
        } else if event.is::<OrderLinesCancelled>() {
            self.cancelled(tx, event.payload()?, &meta).await
        } else if event.is::<ReturnRecorded>() {
            self.returned(tx, event.payload()?, &meta).await
        } else {
            Ok(())
        };
        noted.map_err(failed)
    }
}

impl PaymentsFollowOrders {
    async fn placed(&self, tx: &Tx, placed: OrderPlaced, meta: &EventMeta) -> Result<(), Failed> {
        self.capture(tx, placed.order_id, &placed.order_id.to_string(), placed.captures, meta).await
    }

    async fn shipped(&self, tx: &Tx, shipped: FulfilmentShipped, meta: &EventMeta) -> Result<(), Failed> {
        let (order, what) = (shipped.order_id, shipped.fulfilment_id.to_string());
        self.capture(tx, order, &what, shipped.captures, meta).await?;
        self.give_up(tx, order, shipped.void_payments, ("nothing more is shipped", meta)).await
    }

    async fn cancelled(
        &self,
        tx: &Tx,
        cancelled: OrderLinesCancelled,
        meta: &EventMeta,
    ) -> Result<(), Failed> {
        let why = ("the order was cancelled", meta);
        self.give_up(tx, cancelled.order_id, cancelled.void_payments, why).await
    }

    async fn capture(
        &self,
        tx: &Tx,
        order: OrderId,
        what: &str,
        shares: Vec<CaptureShare>,
        meta: &EventMeta,
    ) -> Result<(), Failed> {
        for share in shares {
            let key = format!("{what}/{}", share.payment_id);
            let capture = Intent { meta: Some(meta.clone()), ..Intent::capture(share.amount, key) };
            let of = (share.payment_id, Some(order));
            self.0.want(tx, of, |payment| note(payment, capture).map(drop)).await?;
        }
        Ok(())
    }

    async fn give_up(
        &self,
        tx: &Tx,
        order: OrderId,
        payments: Vec<PaymentId>,
        (why, meta): (&str, &EventMeta),
    ) -> Result<(), Failed> {
        let now = self.0.space.clock().now();
        for payment in payments {
            let of = (payment, Some(order));
            self.0.want(tx, of, |payment| give_up_rest(payment, why, meta, now)).await?;
        }
        Ok(())
    }

    async fn returned(&self, tx: &Tx, returned: ReturnRecorded, meta: &EventMeta) -> Result<(), Failed> {
        for share in returned.refunds {
            // One refund per return and payment, under an id that both make.
            let id = returned.return_id.uuid().as_u128() ^ share.payment_id.uuid().as_u128();
            let key = RefundId::from(Uuid::from_u128(id)).to_string();
            let reason = format!("return {}", returned.return_id);
            let refund = Intent { meta: Some(meta.clone()), ..Intent::refund(share.amount, key, reason) };
            let of = (share.payment_id, returned.order_id);
            self.0.want(tx, of, |payment| note(payment, refund).map(drop)).await?;
        }
        Ok(())
    }
}
