//! Orders: load, decide, commit.

mod cancelling;
mod fulfilling;
mod numbers;
mod personal;
mod placing;
mod reading;
mod returning;

pub use cancelling::CancelLines;
pub use fulfilling::{CreateFulfilment, Shipment};
pub(crate) use reading::PartsOf;
pub use reading::{OrderQuery, order_lines};

use crate::{
    commands::{fulfilling::Refusal, returning::Refusal as ReturnRefusal},
    model::{FurtherLines, Order, OrderLine},
};
use emporia_contracts::{
    Fault,
    ids::OrderId,
    orders::{OrderRefusal, OrderView, Orders, PlaceOrder, PlacedOrder, RecordReturn, RecordedReturn},
};
use emporia_events::{EventMeta, EventPayload, envelope};
use emporia_id::{FixedClock, Ids};
use emporia_money::MoneyError;
use emporia_store::{Children, Space, StoreError, Tx};
use emporia_vault::Vault;
use jiff::Timestamp;
use numbers::Numbers;
use std::sync::Arc;

/// Orders, fulfilments, returns. Cheap to clone.
#[derive(Clone)]
pub struct OrdersService {
    pub(crate) space: Space,
    pub(crate) ids: Ids,
    pub(crate) vault: Vault,
    numbers: Arc<Numbers>,
}

/// Why an order is not changed.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is none of that id.
    #[error("there is no {0}")]
    NotFound(String),
    /// The state or the numbers do not allow it.
    #[error("{0}")]
    Refused(String),
    /// Too many lines at once.
    #[error("{0} lines are touched at once, at most {1} are possible: do it in parts")]
    TooManyLines(usize, usize),
    /// Somebody else changed it since it was read.
    #[error("the order was changed meanwhile: read it again")]
    VersionConflict,
    /// The store does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for OrderError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.to_string())
    }
}

impl From<ReturnRefusal> for OrderError {
    fn from(refusal: ReturnRefusal) -> Self {
        Self::Refused(refusal.to_string())
    }
}

impl From<MoneyError> for OrderError {
    fn from(error: MoneyError) -> Self {
        Self::Refused(error.to_string())
    }
}

pub(crate) fn fault(error: StoreError) -> Fault {
    if error.is_retryable() { Fault::transient("orders", error) } else { Fault::permanent("orders", error) }
}

impl OrdersService {
    /// Orders over their own key-space.
    pub fn new(space: Space, ids: Ids, vault: Vault) -> Self {
        let numbers = Arc::new(Numbers::new(space.clone()));
        Self { space, ids, vault, numbers }
    }

    pub(crate) fn emit(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, self.space.clock().as_ref())?)
    }

    /// As `emit`, for what happened at another time and is only reported now.
    pub(crate) fn emit_at(
        &self,
        tx: &Tx,
        event: &impl EventPayload,
        meta: &EventMeta,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        tx.emit(envelope(event, meta, &self.ids, &FixedClock::at(at))?)
    }

    /// The order with all its lines, for a change: guarded until the commit.
    pub(crate) async fn open(&self, tx: &Tx, id: OrderId) -> Result<Opened, OrderError> {
        let found = tx.get::<Order>(&Order::key_of(id)).await?;
        let order = found.ok_or_else(|| OrderError::NotFound(format!("order {id}")))?.value;
        let mut further = vec![];
        if order.line_count > order.lines.len() {
            let children = Children::of(id.to_string()).limit(1000);
            further = tx.children::<FurtherLines>(children).await?.into_iter().map(|c| c.value).collect();
        }
        let first = order.lines.len();
        let lines: Vec<OrderLine> =
            order.lines.iter().chain(further.iter().flat_map(|f| &f.lines)).cloned().collect();
        Ok(Opened { order, lines, first, further })
    }
}

/// An order taken apart for a change.
pub(crate) struct Opened {
    pub(crate) order: Order,
    pub(crate) lines: Vec<OrderLine>,
    first: usize,
    further: Vec<FurtherLines>,
}

impl Opened {
    /// Puts the changed lines back where they were, and writes the documents that changed.
    pub(crate) fn write(mut self, tx: &Tx) -> Result<Order, StoreError> {
        let mut rest = self.lines.split_off(self.first.min(self.lines.len()));
        self.order.lines = self.lines;
        tx.put(&self.order)?;
        for mut document in self.further {
            let lines: Vec<OrderLine> = rest.drain(..document.lines.len().min(rest.len())).collect();
            if lines != document.lines {
                document.lines = lines;
                tx.put(&document)?;
            }
        }
        Ok(self.order)
    }
}

#[async_trait::async_trait]
impl Orders for OrdersService {
    async fn place(&self, request: PlaceOrder) -> Result<PlacedOrder, OrderRefusal> {
        self.place_order(request).await
    }

    async fn record_return(&self, request: RecordReturn) -> Result<RecordedReturn, OrderRefusal> {
        self.take_return(request).await
    }

    async fn order(&self, order: OrderId) -> Result<Option<OrderView>, Fault> {
        let found = self.space.get::<Order>(&Order::key_of(order)).await.map_err(fault)?;
        Ok(found.map(|o| OrderView {
            order: o.id,
            number: o.number.clone(),
            channel: o.channel.clone(),
            owner: o.owner.clone(),
            total: o.totals.total,
            placed_at: o.placed_at,
        }))
    }
}
