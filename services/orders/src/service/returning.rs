use crate::{
    commands::{returning, shares::over_payments},
    model::{LedgerKind, Order, OrderLine, ReturnDocument, external_key},
    service::{OrderError, OrdersService, fault},
};
use emporia_contracts::{
    ids::PaymentId,
    orders::{CaptureShare, OrderRefusal, OrderTender, RecordReturn, RecordedReturn, ReturnRecorded},
};
use emporia_money::{Money, MoneyError};
use emporia_store::{Query, StoreError, Tx};
use emporia_subgraph::fingerprint;

impl OrdersService {
    pub(crate) async fn take_return(&self, request: RecordReturn) -> Result<RecordedReturn, OrderRefusal> {
        let store = |error: StoreError| OrderRefusal::Fault(fault(error));
        let print = fingerprint(&(&request.order, &request.lines, &request.location));
        if let Some(known) = self.known_return(&request).await.map_err(store)? {
            return replay(known, &print);
        }
        let (this, wanted, print_ref) = (self, &request, &print);
        let recorded = self
            .space
            .transact(|tx| async move { this.record_new(&tx, wanted, print_ref.clone()).await })
            .await;
        match recorded {
            Ok(document) => {
                Ok(RecordedReturn { return_id: document.id, refund: document.refund, replayed: false })
            }
            Err(OrderError::Store(
                error @ (StoreError::AlreadyExists { .. } | StoreError::Duplicate { .. }),
            )) => match self.known_return(&request).await.map_err(store)? {
                Some(known) => replay(known, &print),
                None => Err(store(error)),
            },
            Err(OrderError::Store(error)) => Err(store(error)),
            Err(OrderError::NotFound(what)) => Err(OrderRefusal::NotFound(what)),
            // Another call with the same id may have been quicker, and taken what this one finds missing.
            Err(error) => match self.known_return(&request).await.map_err(store)? {
                Some(known) => replay(known, &print),
                None => Err(OrderRefusal::Invalid(error.to_string())),
            },
        }
    }

    async fn known_return(&self, request: &RecordReturn) -> Result<Option<ReturnDocument>, StoreError> {
        let key = external_key(&request.channel, &request.external_id);
        let query = Query::index("return_external_id").prefix(key).limit(1);
        Ok(self.space.query::<ReturnDocument>(query).await?.into_values().pop())
    }

    async fn record_new(
        &self,
        tx: &Tx,
        request: &RecordReturn,
        print: String,
    ) -> Result<ReturnDocument, OrderError> {
        let opened = match request.order {
            Some(order) => Some(self.open(tx, order).await?),
            None => None,
        };
        let reported = request.lines.iter().find_map(|l| l.refund.map(Money::currency));
        let currency = opened.as_ref().map(|o| o.order.currency).or(reported);
        let currency = currency
            .ok_or_else(|| OrderError::Refused("a blind return needs the refund of each line".into()))?;
        let mut no_lines: Vec<OrderLine> = vec![];
        let (lines, refund, refunds) = match opened {
            None => {
                let (lines, refund) = returning::take_back(&mut no_lines, &request.lines, currency)?;
                (lines, refund, vec![])
            }
            Some(mut opened) => {
                let (lines, refund) = returning::take_back(&mut opened.lines, &request.lines, currency)?;
                let refunds = refunds(&mut opened.order, refund)?;
                let credit = Money::zero(currency).minus(refund)?;
                let order = &mut opened.order;
                order.enter(LedgerKind::Return, credit, format!("return/{}", request.return_id), request.at);
                let ours = Money::sum(currency, refunds.iter().map(|r: &CaptureShare| r.amount))?;
                // What no payment of ours gives back was given back where the return was reported.
                let outside = refund.minus(ours)?;
                if !outside.is_zero() {
                    order.enter(
                        LedgerKind::Refund,
                        outside,
                        format!("return/{}/outside", request.return_id),
                        request.at,
                    );
                }
                order.returns.iter_mut().for_each(|all| all.push(request.return_id));
                let text = format!("{} lines returned, {refund} given back", lines.len());
                order.note(request.at, "ReturnRecorded", &request.meta.actor, text);
                opened.write(tx)?;
                (lines, refund, refunds)
            }
        };
        let document = ReturnDocument {
            id: request.return_id,
            external_id: request.external_id.clone(),
            fingerprint: print,
            order: request.order,
            channel: request.channel.clone(),
            customer: request.customer,
            location: request.location.clone(),
            lines: lines.clone(),
            refund: Some(refund),
            at: request.at,
        };
        tx.insert(&document)?;
        let event = ReturnRecorded {
            return_id: request.return_id,
            external_id: request.external_id.clone(),
            order_id: request.order,
            channel: request.channel.clone(),
            customer_id: request.customer,
            location: request.location.clone(),
            lines,
            refunds,
            at: request.at,
        };
        self.emit_at(tx, &event, &request.meta, request.at)?;
        Ok(document)
    }
}

/// Spreads a refund over what was captured, payment by payment, less what was given back before.
fn refunds(order: &mut Order, refund: Money) -> Result<Vec<CaptureShare>, MoneyError> {
    let captured = |payment: Option<PaymentId>| order.captures.iter().find(|c| Some(c.payment_id) == payment);
    let limits: Vec<_> = order
        .tenders
        .iter()
        .filter_map(|t| Some(OrderTender { amount: captured(t.payment_id)?.amount, ..t.clone() }))
        .collect();
    over_payments(refund, &limits, &mut order.refunds)
}

fn replay(known: ReturnDocument, print: &str) -> Result<RecordedReturn, OrderRefusal> {
    if known.fingerprint != print {
        return Err(OrderRefusal::Reused(known.external_id.to_string()));
    }
    Ok(RecordedReturn { return_id: known.id, refund: known.refund, replayed: true })
}
