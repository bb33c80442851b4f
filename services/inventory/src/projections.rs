//! What orders do to stock: goods leave, units are given back, goods come back.

use crate::{
    commands::counting,
    service::{
        InventoryService,
        movements::{Happened, LINES, free},
    },
};
use emporia_contracts::{
    ids::OrderId,
    inventory::{Allocation, MovementLine, MovementReason},
    orders::{
        FulfilmentShipped, LineKind, OrderLinesCancelled, OrderLinesPlaced, OrderPlaced, PricedLine,
        ReturnCondition, ReturnRecorded,
    },
    values::LocationKey,
};
use emporia_events::{Envelope, EventMeta, EventPayload, Handler, HandlerError};
use emporia_store::{Once, StoreError, TallyChange, Tx};
use jiff::Timestamp;

/// Follows the events of orders. What fits is committed with the consumer's position; what does not (an order may have
/// a thousand lines) in parts of its own. Every part is recorded once, so that handling an event again changes nothing.
pub struct StockFollowsOrders(pub InventoryService);

impl StockFollowsOrders {
    /// Whether it follows events of this kind.
    pub fn follows(source: &str, detail_type: &str) -> bool {
        source == OrderPlaced::SOURCE
            && [
                OrderPlaced::DETAIL_TYPE,
                OrderLinesPlaced::DETAIL_TYPE,
                FulfilmentShipped::DETAIL_TYPE,
                OrderLinesCancelled::DETAIL_TYPE,
                ReturnRecorded::DETAIL_TYPE,
            ]
            .contains(&detail_type)
    }
}

#[async_trait::async_trait]
impl Handler for StockFollowsOrders {
    fn wants(&self, source: &str, detail_type: &str) -> bool {
        Self::follows(source, detail_type)
    }

    async fn handle(&self, event: &Envelope, tx: &Tx) -> Result<(), HandlerError> {
        let meta = event.meta_for_effect("system/inventory");
        let cause = Cause {
            event_id: &event.id.to_string(),
            at: event.detail.metadata.occurred_at,
            meta: &meta,
            tx,
            room: LINES,
        };
        let stock = &self.0;
        if event.is::<OrderPlaced>() {
            stock.on_order_placed(&event.payload()?, &cause).await?;
        } else if event.is::<OrderLinesPlaced>() {
            stock.on_lines_placed(&event.payload()?, &cause).await?;
        } else if event.is::<FulfilmentShipped>() {
            stock.on_shipped(&event.payload()?, &cause).await?;
        } else if event.is::<OrderLinesCancelled>() {
            stock.on_cancelled(&event.payload()?, &cause).await?;
        } else if event.is::<ReturnRecorded>() {
            stock.on_returned(&event.payload()?, &cause).await?;
        }
        Ok(())
    }
}

/// How units change a tally.
type Change = fn(i64) -> TallyChange;

/// One event, as far as stock needs to know it.
#[derive(Clone, Copy)]
pub(crate) struct Cause<'a> {
    pub(crate) event_id: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) meta: &'a EventMeta,
    /// The consumer's transaction.
    pub(crate) tx: &'a Tx,
    /// Lines of one movement that fit it.
    pub(crate) room: usize,
}

impl InventoryService {
    async fn follow(
        &self,
        happened: Happened<'_>,
        lines: &[MovementLine],
        cause: &Cause<'_>,
    ) -> Result<(), StoreError> {
        if lines.len() <= cause.room {
            self.record_part(cause.tx, &happened, 0, lines).await
        } else {
            self.record_movement(happened, lines).await
        }
    }

    /// A reported order whose goods have already left: free units went.
    pub(crate) async fn on_order_placed(
        &self,
        event: &OrderPlaced,
        cause: &Cause<'_>,
    ) -> Result<(), StoreError> {
        let from = event.fulfilled_from.as_ref();
        self.goods_left(event.order_id, 0, &event.snapshot.lines, from, event.placed_at, cause).await
    }

    /// The rest of a reported order that is too long for one event.
    pub(crate) async fn on_lines_placed(
        &self,
        event: &OrderLinesPlaced,
        cause: &Cause<'_>,
    ) -> Result<(), StoreError> {
        let from = event.fulfilled_from.as_ref();
        self.goods_left(event.order_id, event.offset, &event.lines, from, event.placed_at, cause).await
    }

    async fn goods_left(
        &self,
        order: OrderId,
        offset: usize,
        lines: &[PricedLine],
        from: Option<&LocationKey>,
        at: Timestamp,
        cause: &Cause<'_>,
    ) -> Result<(), StoreError> {
        let Some(location) = from else { return Ok(()) };
        let goods = lines.iter().filter(|line| line.kind == LineKind::Goods);
        let lines: Vec<MovementLine> =
            goods.map(|l| MovementLine { sku: l.sku.clone(), delta: -l.quantity.units() }).collect();
        let happened = Happened {
            unique: format!("placed/{order}/{offset}"),
            location,
            reason: MovementReason::Sale,
            reference: &format!("order/{order}"),
            at,
            meta: cause.meta,
            change: counting::moved,
            ended: &[],
        };
        self.follow(happened, &lines, cause).await
    }

    /// Units left; what was allocated for them, here or elsewhere, ends.
    pub(crate) async fn on_shipped(
        &self,
        event: &FulfilmentShipped,
        cause: &Cause<'_>,
    ) -> Result<(), StoreError> {
        let lines: Vec<MovementLine> = event
            .lines
            .iter()
            .map(|l| MovementLine { sku: l.sku.clone(), delta: -l.quantity.units() })
            .collect();
        let fits = lines.len() + event.allocations.len() <= cause.room;
        let happened = Happened {
            unique: format!("shipped/{}", event.fulfilment_id),
            location: &event.location,
            reason: MovementReason::Sale,
            reference: &format!("order/{}", event.order_id),
            at: cause.at,
            meta: cause.meta,
            change: counting::moved,
            ended: if fits { &event.allocations } else { &[] },
        };
        self.follow(happened, &lines, cause).await?;
        if fits {
            Ok(())
        } else {
            self.free_once(&format!("shipped/{}", event.fulfilment_id), &event.allocations).await
        }
    }

    /// Allocated units are free again.
    pub(crate) async fn on_cancelled(
        &self,
        event: &OrderLinesCancelled,
        cause: &Cause<'_>,
    ) -> Result<(), StoreError> {
        self.free_once(&format!("cancelled/{}", cause.event_id), &event.allocations).await
    }

    /// Frees allocations in transactions of their own, each part once and for ever.
    async fn free_once(&self, unique: &str, allocations: &[Allocation]) -> Result<(), StoreError> {
        for (number, part) in allocations.chunks(90).enumerate() {
            let once = Once {
                scope: "allocations-ended".into(),
                key: format!("{unique}/{number}"),
                fingerprint: String::new(),
                keep_for: None,
            };
            self.space.transact_once(once, |tx| async move { free(&tx, part) }).await?;
        }
        Ok(())
    }

    /// Goods came back: on the shelf, or aside.
    pub(crate) async fn on_returned(
        &self,
        event: &ReturnRecorded,
        cause: &Cause<'_>,
    ) -> Result<(), StoreError> {
        let changes: [(ReturnCondition, &str, Change); 2] = [
            (ReturnCondition::Restock, "restock", counting::moved),
            (ReturnCondition::Damaged, "damaged", counting::came_back_damaged),
        ];
        for (condition, name, change) in changes {
            let lines: Vec<MovementLine> = event
                .lines
                .iter()
                .filter(|l| l.condition == condition)
                .map(|l| MovementLine { sku: l.sku.clone(), delta: l.quantity.units() })
                .collect();
            let happened = Happened {
                unique: format!("returned/{}/{name}", event.return_id),
                location: &event.location,
                reason: MovementReason::Return,
                reference: &format!("return/{}", event.return_id),
                at: event.at,
                meta: cause.meta,
                change,
                ended: &[],
            };
            // Two movements may share the transaction.
            self.follow(happened, &lines, &Cause { room: LINES / 2, ..*cause }).await?;
        }
        Ok(())
    }
}
