use crate::{
    commands::{
        LINES_AT_ONCE,
        fulfilling::{self, Planned, Shipped, status},
    },
    model::{Fulfilment, FulfilmentState, LineCount, Order, OrderStatus},
    service::{Opened, OrderError, OrdersService},
};
use emporia_contracts::{
    ids::{FulfilmentId, OrderId},
    orders::{FulfilmentCancelled, FulfilmentCreated, FulfilmentDelivered, FulfilmentShipped, OrderClosed},
    values::LocationKey,
};
use emporia_events::EventMeta;
use emporia_store::Tx;
use std::collections::BTreeMap;

/// Asks a location to serve units of an order.
#[derive(Debug, Clone)]
pub struct CreateFulfilment {
    /// The order.
    pub order: OrderId,
    /// The location; where most of it is allocated when absent.
    pub location: Option<LocationKey>,
    /// Which units; all that the location can serve when empty.
    pub lines: Vec<LineCount>,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// How a fulfilment leaves.
#[derive(Debug, Clone, Default)]
pub struct Shipment {
    /// Carrier.
    pub carrier: Option<String>,
    /// Tracking number.
    pub tracking_number: Option<String>,
}

impl OrdersService {
    /// Plans a fulfilment, within the caller's transaction.
    pub(crate) async fn plan(&self, tx: &Tx, request: &CreateFulfilment) -> Result<Fulfilment, OrderError> {
        let mut opened = self.open(tx, request.order).await?;
        let location = match &request.location {
            Some(location) => location.clone(),
            None => main_location(&opened.order).ok_or_else(|| {
                OrderError::Refused("nothing of this order is allocated: name a location".into())
            })?,
        };
        let mut wanted = request.lines.clone();
        if wanted.is_empty() {
            wanted = fulfilling::servable(&opened.order, &opened.lines, &location);
        }
        if wanted.is_empty() {
            return Err(OrderError::Refused("nothing of this order is left to fulfil".into()));
        }
        if wanted.len() > LINES_AT_ONCE {
            return Err(OrderError::TooManyLines(wanted.len(), LINES_AT_ONCE));
        }
        let Planned { lines, allocations } =
            fulfilling::plan(&mut opened.order, &mut opened.lines, &wanted, &location)?;
        let now = self.space.clock().now();
        let fulfilment = Fulfilment {
            id: self.ids.next(),
            order: request.order,
            location: location.clone(),
            lines: wanted,
            allocations,
            state: FulfilmentState::Planned,
            carrier: None,
            tracking_number: None,
            created_at: now,
            shipped_at: None,
            delivered_at: None,
        };
        tx.insert(&fulfilment)?;
        opened.order.fulfilments.iter_mut().for_each(|all| all.push(fulfilment.id));
        let text = format!("{} lines to be served from {location}", lines.len());
        opened.order.note(now, "FulfilmentCreated", &request.meta.actor, text);
        let order = opened.write(tx)?;
        let event = FulfilmentCreated {
            order_id: order.id,
            number: order.number,
            fulfilment_id: fulfilment.id,
            location,
            lines,
        };
        self.emit(tx, &event, &request.meta)?;
        Ok(fulfilment)
    }

    /// Ships a planned fulfilment: its units leave, their share of the money is to be captured.
    pub(crate) async fn ship(
        &self,
        tx: &Tx,
        (order, id): (OrderId, FulfilmentId),
        shipment: &Shipment,
        meta: &EventMeta,
    ) -> Result<Fulfilment, OrderError> {
        let (mut opened, mut fulfilment) =
            self.open_fulfilment(tx, order, id, FulfilmentState::Shipped).await?;
        let now = self.space.clock().now();
        fulfilment.carrier = shipment.carrier.clone();
        fulfilment.tracking_number = shipment.tracking_number.clone();
        fulfilment.shipped_at = Some(now);
        tx.put(&fulfilment)?;
        let Shipped { lines, captures } =
            fulfilling::ship(&mut opened.order, &mut opened.lines, &fulfilment.lines)?;
        let by = shipment.carrier.as_deref().map(|carrier| format!(" by {carrier}")).unwrap_or_default();
        let text = format!("{} lines left {}{by}", lines.len(), fulfilment.location);
        opened.order.note(now, "FulfilmentShipped", &meta.actor, text);
        let void_payments = fulfilling::rests(&opened.order, &opened.lines);
        let order = opened.write(tx)?;
        let event = FulfilmentShipped {
            order_id: order.id,
            number: order.number,
            fulfilment_id: id,
            location: fulfilment.location.clone(),
            lines,
            carrier: shipment.carrier.clone(),
            tracking_number: shipment.tracking_number.clone(),
            captures,
            allocations: fulfilment.allocations.clone(),
            void_payments,
        };
        self.emit(tx, &event, meta)?;
        Ok(fulfilment)
    }

    /// Notes that a fulfilment arrived. The order closes with the last one.
    pub(crate) async fn deliver(
        &self,
        tx: &Tx,
        (order, id): (OrderId, FulfilmentId),
        meta: &EventMeta,
    ) -> Result<Fulfilment, OrderError> {
        let (mut opened, mut fulfilment) =
            self.open_fulfilment(tx, order, id, FulfilmentState::Delivered).await?;
        let now = self.space.clock().now();
        fulfilment.delivered_at = Some(now);
        tx.put(&fulfilment)?;
        let lines = fulfilling::deliver(&mut opened.lines, &fulfilment.lines)?;
        opened.order.note(now, "FulfilmentDelivered", &meta.actor, format!("{} lines arrived", lines.len()));
        let closed = status(&opened.lines) == OrderStatus::Closed;
        let order = opened.write(tx)?;
        let (order_id, number) = (order.id, order.number);
        let event = FulfilmentDelivered { order_id, number: number.clone(), fulfilment_id: id, lines };
        self.emit(tx, &event, meta)?;
        if closed {
            self.emit(tx, &OrderClosed { order_id, number }, meta)?;
        }
        Ok(fulfilment)
    }

    /// Gives a planned fulfilment up; its units can be planned again.
    pub(crate) async fn unplan(
        &self,
        tx: &Tx,
        (order, id): (OrderId, FulfilmentId),
        meta: &EventMeta,
    ) -> Result<Fulfilment, OrderError> {
        let (mut opened, fulfilment) =
            self.open_fulfilment(tx, order, id, FulfilmentState::Cancelled).await?;
        tx.put(&fulfilment)?;
        let lines = fulfilling::unplan(&mut opened.order, &mut opened.lines, &fulfilment)?;
        let now = self.space.clock().now();
        opened.order.note(now, "FulfilmentCancelled", &meta.actor, "Fulfilment given up".into());
        let order = opened.write(tx)?;
        let event =
            FulfilmentCancelled { order_id: order.id, number: order.number, fulfilment_id: id, lines };
        self.emit(tx, &event, meta)?;
        Ok(fulfilment)
    }

    async fn open_fulfilment(
        &self,
        tx: &Tx,
        order: OrderId,
        id: FulfilmentId,
        to: FulfilmentState,
    ) -> Result<(Opened, Fulfilment), OrderError> {
        let opened = self.open(tx, order).await?;
        let found = tx.get::<Fulfilment>(&Fulfilment::key_of(order, id)).await?;
        let mut fulfilment =
            found.ok_or_else(|| OrderError::NotFound(format!("fulfilment {id} of order {order}")))?.value;
        if !fulfilment.state.allows(to) {
            return Err(OrderError::Refused(format!(
                "fulfilment {id} is {:?}: it cannot become {to:?}",
                fulfilment.state
            )));
        }
        fulfilment.state = to;
        Ok((opened, fulfilment))
    }
}

/// Where most of what is not in a fulfilment yet is allocated; of equals the first by key.
fn main_location(order: &Order) -> Option<LocationKey> {
    let mut units: BTreeMap<&LocationKey, i64> = BTreeMap::new();
    for allocation in &order.allocations {
        *units.entry(&allocation.location).or_default() += allocation.quantity.units();
    }
    units.into_iter().rev().max_by_key(|(_, units)| *units).map(|(location, _)| location.clone())
}
