//! What payments do to the order's ledger and timeline.

use crate::{
    model::{LedgerKind, Order},
    service::OrdersService,
};
use emporia_contracts::{
    orders::OrderPaymentNoted,
    payments::{
        PaymentCaptured, PaymentDisputed, PaymentExpired, PaymentFacts, PaymentRefunded, PaymentStuck,
        PaymentVoided,
    },
};
use emporia_events::{Envelope, EventMeta, EventPayload, Handler, HandlerError};
use emporia_money::{Money, MoneyError};
use emporia_store::{StoreError, Tx};
use jiff::Timestamp;

/// Follows the events of payments.
pub struct OrdersFollowPayments(pub OrdersService);

impl OrdersFollowPayments {
    /// Whether it follows events of this kind.
    pub fn follows(source: &str, _: &str) -> bool {
        source == PaymentCaptured::SOURCE
    }
}

#[async_trait::async_trait]
impl Handler for OrdersFollowPayments {
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        Self::follows(source, detail_type)
    }

    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        let told = |e: MoneyError| HandlerError::Permanent(e.to_string());
        let (payment, entry) = if event.is::<PaymentCaptured>() {
            let captured: PaymentCaptured = event.payload()?;
            (captured.payment.clone(), Entry::captured(&captured).map_err(told)?)
        } else if event.is::<PaymentRefunded>() {
            let refunded: PaymentRefunded = event.payload()?;
            (refunded.payment.clone(), Entry::refunded(&refunded))
        } else if event.is::<PaymentVoided>() {
            let voided: PaymentVoided = event.payload()?;
            let amount = voided.amount.unwrap_or(voided.payment.amount);
            (voided.payment.clone(), Entry::told("PaymentVoided", amount, "given up"))
        } else if event.is::<PaymentDisputed>() {
            let disputed: PaymentDisputed = event.payload()?;
            (disputed.payment.clone(), Entry::told("PaymentDisputed", disputed.payment.amount, "disputed"))
        } else if event.is::<PaymentExpired>() {
            let expired: PaymentExpired = event.payload()?;
            (
                expired.payment.clone(),
                Entry::told("PaymentExpired", expired.payment.amount, "ran out before capture"),
            )
        } else if event.is::<PaymentStuck>() {
            let stuck: PaymentStuck = event.payload()?;
            (stuck.payment.clone(), Entry::stuck(&stuck))
        } else {
            return Ok(());
        };
        let meta = event.meta_for_effect("system/orders");
        self.0.on_payment(tx, &payment, entry, event.detail.metadata.occurred_at, &meta).await?;
        Ok(())
    }
}

/// What a payment did, as an entry of the ledger and a line of the timeline.
pub(crate) struct Entry {
    kind: Option<(LedgerKind, Money, String)>,
    event: &'static str,
    text: String,
}

impl Entry {
    pub(crate) fn captured(event: &PaymentCaptured) -> Result<Self, MoneyError> {
        let paid = Money::zero(event.amount.currency()).minus(event.amount)?;
        Ok(Self {
            // Two payments may be captured for the same thing.
            kind: Some((LedgerKind::Capture, paid, format!("{}/{}", event.payment.payment_id, event.key))),
            event: "PaymentCaptured",
            text: format!("{} captured", event.amount),
        })
    }

    pub(crate) fn refunded(event: &PaymentRefunded) -> Self {
        Self {
            kind: Some((LedgerKind::Refund, event.amount, event.refund_id.to_string())),
            event: "PaymentRefunded",
            text: format!("{} given back", event.amount),
        }
    }

    pub(crate) fn stuck(event: &PaymentStuck) -> Self {
        let operation = event.operation.as_deref().unwrap_or("payment");
        let amount = event.amount.unwrap_or(event.payment.amount);
        let text = format!("{operation} of {amount} waits for an operator: {}", event.reason);
        Self { kind: None, event: "PaymentStuck", text }
    }

    pub(crate) fn told(event: &'static str, amount: Money, what: &str) -> Self {
        Self { kind: None, event, text: format!("{amount} {what}") }
    }
}

impl OrdersService {
    /// Enters what a payment of an order did, in the consumer's transaction.
    pub(crate) async fn on_payment(
        &self,
        tx: &Tx,
        payment: &PaymentFacts,
        entry: Entry,
        at: Timestamp,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        let Some(order) = payment.order_id else { return Ok(()) };
        let Some(found) = tx.get::<Order>(&Order::key_of(order)).await? else { return Ok(()) };
        let mut order = found.value;
        if let Some((kind, amount, reference)) = entry.kind
            && !order.enter(kind, amount, reference, at)
        {
            return Ok(());
        }
        let outstanding = order.outstanding().unwrap_or_else(|_| Money::zero(order.currency));
        let event = OrderPaymentNoted {
            order_id: order.id,
            number: order.number.clone(),
            payment_id: payment.payment_id,
            text: entry.text.clone(),
            outstanding,
        };
        order.note_once(at, entry.event, "payments", entry.text);
        tx.put(&order)?;
        self.emit(tx, &event, meta)
    }
}
