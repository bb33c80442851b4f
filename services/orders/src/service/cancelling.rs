use crate::{
    commands::{
        LINES_AT_ONCE,
        fulfilling::{self, status},
    },
    model::{LedgerKind, LineCount, Order, OrderStatus},
    service::{OrderError, OrdersService},
};
use emporia_contracts::{
    ids::OrderId,
    orders::{OrderClosed, OrderLinesCancelled},
};
use emporia_events::EventMeta;
use emporia_money::Money;
use emporia_store::Tx;

/// Gives up units that were not shipped.
#[derive(Debug, Clone)]
pub struct CancelLines {
    /// The order.
    pub order: OrderId,
    /// Which units; all open ones when empty.
    pub lines: Vec<LineCount>,
    /// Why, in words.
    pub reason: String,
    /// Metadata of the events.
    pub meta: EventMeta,
}

impl OrdersService {
    pub(crate) async fn cancel(&self, tx: &Tx, request: &CancelLines) -> Result<Order, OrderError> {
        let mut opened = self.open(tx, request.order).await?;
        let mut wanted = request.lines.clone();
        if wanted.is_empty() {
            let open = opened.lines.iter().filter(|l| l.open() > 0);
            wanted = open.map(|l| LineCount { line: l.priced.id, units: l.open() }).collect();
        }
        if wanted.is_empty() {
            return Err(OrderError::Refused("nothing of this order can be cancelled any more".into()));
        }
        if wanted.len() > LINES_AT_ONCE {
            return Err(OrderError::TooManyLines(wanted.len(), LINES_AT_ONCE));
        }
        let cancelled = fulfilling::cancel(&mut opened.order, &mut opened.lines, &wanted)?;
        let now = self.space.clock().now();
        let credit = Money::zero(opened.order.currency).minus(cancelled.amount)?;
        // The revision makes the reference of this cancellation its own.
        let reference = format!("cancellation/{}", opened.order.revision);
        opened.order.enter(LedgerKind::Cancellation, credit, reference, now);
        let text = format!("{} lines cancelled: {}", cancelled.lines.len(), request.reason);
        opened.order.note(now, "OrderLinesCancelled", &request.meta.actor, text);
        let (status, void_payments) =
            (status(&opened.lines), fulfilling::rests(&opened.order, &opened.lines));
        let order = opened.write(tx)?;
        let event = OrderLinesCancelled {
            order_id: order.id,
            number: order.number.clone(),
            lines: cancelled.lines,
            allocations: cancelled.allocations,
            amount: cancelled.amount,
            reason: request.reason.clone(),
            void_payments,
        };
        self.emit(tx, &event, &request.meta)?;
        if status == OrderStatus::Closed {
            self.emit(tx, &OrderClosed { order_id: order.id, number: order.number.clone() }, &request.meta)?;
        }
        Ok(order)
    }
}
