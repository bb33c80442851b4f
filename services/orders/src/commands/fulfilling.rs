//! Planning, shipping, delivering, cancelling: what each does to units and money.

use crate::{
    commands::shares::{over_payments, share},
    model::{Fulfilment, LineCount, Order, OrderLine, OrderStatus},
};
use emporia_contracts::{
    ids::PaymentId,
    inventory::Allocation,
    orders::{CaptureShare, LineKind, LineUnits, OrderTender},
    values::{LocationKey, Quantity, Sku},
};
use emporia_money::{Money, MoneyError};
use std::collections::BTreeMap;

/// Why units cannot go there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the order has no line {0}")]
    NoLine(String),
    #[error("{units} units of {sku} are asked for, {left} are left")]
    TooMany { sku: String, units: i64, left: i64 },
    #[error("{0} units are no quantity: use a whole number from 1")]
    NoQuantity(i64),
    #[error("{0}: only goods are shipped")]
    NotGoods(String),
    #[error(transparent)]
    Money(#[from] MoneyError),
}

fn find<'a>(lines: &'a mut [OrderLine], count: &LineCount) -> Result<&'a mut OrderLine, Refusal> {
    if count.units <= 0 {
        return Err(Refusal::NoQuantity(count.units));
    }
    lines
        .iter_mut()
        .find(|l| l.priced.id == count.line)
        .ok_or_else(|| Refusal::NoLine(count.line.to_string()))
}

fn told(line: &OrderLine, units: i64) -> Result<LineUnits, Refusal> {
    let quantity = Quantity::new(units).map_err(|_| Refusal::NoQuantity(units))?;
    Ok(LineUnits { line_id: line.priced.id, sku: line.priced.sku.clone(), quantity })
}

/// What goes into a fulfilment.
pub(crate) struct Planned {
    pub(crate) lines: Vec<LineUnits>,
    /// The allocations that it uses up.
    pub(crate) allocations: Vec<Allocation>,
}

/// What a location could serve now: what is allocated there when anything is, else every open unit of goods.
pub(crate) fn servable(order: &Order, lines: &[OrderLine], location: &LocationKey) -> Vec<LineCount> {
    let mut here: BTreeMap<&Sku, i64> = BTreeMap::new();
    for allocation in order.allocations.iter().filter(|a| a.location == *location) {
        *here.entry(&allocation.sku).or_default() += allocation.quantity.units();
    }
    let everything = here.is_empty();
    let goods = lines.iter().filter(|l| l.priced.kind == LineKind::Goods);
    let counts = goods.map(|l| {
        let units = match here.get_mut(&l.priced.sku) {
            _ if everything => l.open(),
            Some(left) => {
                let units = l.open().min(*left);
                *left -= units;
                units
            }
            None => 0,
        };
        LineCount { line: l.priced.id, units }
    });
    counts.filter(|count| count.units > 0).collect()
}

/// Takes open units into a fulfilment, with their allocations: those at its location first.
pub(crate) fn plan(
    order: &mut Order,
    lines: &mut [OrderLine],
    wanted: &[LineCount],
    location: &LocationKey,
) -> Result<Planned, Refusal> {
    let mut planned = Planned { lines: Vec::with_capacity(wanted.len()), allocations: vec![] };
    for count in wanted {
        let line = find(lines, count)?;
        if line.priced.kind != LineKind::Goods {
            return Err(Refusal::NotGoods(line.priced.title.clone()));
        }
        if count.units > line.open() {
            let sku = line.priced.sku.to_string();
            return Err(Refusal::TooMany { sku, units: count.units, left: line.open() });
        }
        line.units.planned += count.units;
        planned.lines.push(told(line, count.units)?);
        let here = take(&mut order.allocations, &line.priced.sku, count.units, |l| l == location);
        let elsewhere = count.units - here.iter().map(|a| a.quantity.units()).sum::<i64>();
        planned.allocations.extend(here);
        planned.allocations.extend(take(&mut order.allocations, &line.priced.sku, elsewhere, |_| true));
    }
    Ok(planned)
}

/// Gives the units of a fulfilment that never left back, and their allocations.
pub(crate) fn unplan(
    order: &mut Order,
    lines: &mut [OrderLine],
    fulfilment: &Fulfilment,
) -> Result<Vec<LineUnits>, Refusal> {
    order.allocations.extend(fulfilment.allocations.iter().cloned());
    let back = fulfilment.lines.iter().map(|count| {
        let line = find(lines, count)?;
        line.units.planned -= count.units;
        told(line, count.units)
    });
    back.collect()
}

/// What a shipment tells and captures.
pub(crate) struct Shipped {
    pub(crate) lines: Vec<LineUnits>,
    pub(crate) captures: Vec<CaptureShare>,
}

/// Units leave: their share of the money is due, and with the first of them the delivery charge and whatever is not
/// goods, which counts as rendered from then on.
pub(crate) fn ship(
    order: &mut Order,
    lines: &mut [OrderLine],
    counts: &[LineCount],
) -> Result<Shipped, Refusal> {
    let mut due = Money::zero(order.currency);
    let mut shipped = vec![];
    for count in counts {
        let line = find(lines, count)?;
        due = due.plus(charge(line, count.units)?)?;
        shipped.push(told(line, count.units)?);
    }
    if !order.delivery_captured {
        order.delivery_captured = true;
        if let Some(delivery) = &order.delivery {
            due = due.plus(delivery.tax.gross)?;
        }
        for line in lines.iter_mut().filter(|line| line.priced.kind != LineKind::Goods) {
            let units = line.open();
            line.units.planned += units;
            due = due.plus(charge(line, units)?)?;
            line.units.delivered += units;
        }
    }
    let captures = over_payments(due, &order.tenders, &mut order.captures)?;
    Ok(Shipped { lines: shipped, captures })
}

/// The next `units` of a line leave and are charged.
fn charge(line: &mut OrderLine, units: i64) -> Result<Money, MoneyError> {
    let money = settle(line, units)?;
    line.units.shipped += units;
    line.units.charged = line.units.charged.checked_add(money.minor()).ok_or(MoneyError::Overflow)?;
    Ok(money)
}

/// The money of the next `units` that leave the line for good, by shipping or cancelling.
fn settle(line: &OrderLine, units: i64) -> Result<Money, MoneyError> {
    let settled = line.units.shipped + line.units.cancelled;
    share(line.priced.tax.gross, line.priced.quantity.units(), settled, settled + units)
}

/// What a cancellation tells.
pub(crate) struct Cancelled {
    pub(crate) lines: Vec<LineUnits>,
    pub(crate) allocations: Vec<Allocation>,
    pub(crate) amount: Money,
}

/// Open units are given up; with the last of the goods, when none was shipped, go the delivery charge and whatever is
/// not goods.
pub(crate) fn cancel(
    order: &mut Order,
    lines: &mut [OrderLine],
    wanted: &[LineCount],
) -> Result<Cancelled, Refusal> {
    let zero = Money::zero(order.currency);
    let before = status(lines);
    let mut cancelled = Cancelled { lines: vec![], allocations: vec![], amount: zero };
    for count in wanted {
        let line = find(lines, count)?;
        if count.units > line.open() {
            let sku = line.priced.sku.to_string();
            return Err(Refusal::TooMany { sku, units: count.units, left: line.open() });
        }
        cancelled.give_up(order, line, count.units)?;
    }
    if before != OrderStatus::Cancelled && status(lines) == OrderStatus::Cancelled {
        for line in lines.iter_mut().filter(|line| line.open() > 0) {
            let units = line.open();
            cancelled.give_up(order, line, units)?;
        }
        if let Some(delivery) = &order.delivery {
            cancelled.amount = cancelled.amount.plus(delivery.tax.gross)?;
        }
    }
    Ok(cancelled)
}

impl Cancelled {
    fn give_up(&mut self, order: &mut Order, line: &mut OrderLine, units: i64) -> Result<(), Refusal> {
        self.amount = self.amount.plus(settle(line, units)?)?;
        line.units.cancelled += units;
        self.lines.push(told(line, units)?);
        self.allocations.extend(take(&mut order.allocations, &line.priced.sku, units, |_| true));
        Ok(())
    }
}

/// Takes units of a SKU out of allocations, the last location of the plan first.
fn take(
    allocations: &mut Vec<Allocation>,
    sku: &Sku,
    units: i64,
    at: impl Fn(&LocationKey) -> bool,
) -> Vec<Allocation> {
    let mut left = units;
    let mut taken = vec![];
    let mut kept = Vec::with_capacity(allocations.len());
    for allocation in allocations.drain(..).rev() {
        let here = allocation.quantity.units();
        let take = if allocation.sku == *sku && at(&allocation.location) { here.min(left) } else { 0 };
        left -= take;
        // Zero units are no quantity: then there is nothing to take, or nothing to keep.
        taken.extend(Quantity::new(take).map(|quantity| Allocation { quantity, ..allocation.clone() }));
        kept.extend(Quantity::new(here - take).map(|quantity| Allocation { quantity, ..allocation }));
    }
    kept.reverse();
    *allocations = kept;
    taken
}

/// Units arrived.
pub(crate) fn deliver(lines: &mut [OrderLine], counts: &[LineCount]) -> Result<Vec<LineUnits>, Refusal> {
    counts
        .iter()
        .map(|count| {
            let line = find(lines, count)?;
            line.units.delivered += count.units;
            told(line, count.units)
        })
        .collect()
}

/// Payments of which nothing more will be captured, once every unit was charged or cancelled: what they hold beyond that
/// is not to be held until it runs out. Providers give all of it up or nothing, so not before.
pub(crate) fn rests(order: &Order, lines: &[OrderLine]) -> Vec<PaymentId> {
    if lines.iter().any(|l| l.units.shipped + l.units.cancelled < l.priced.quantity.units()) {
        return vec![];
    }
    let captured = |id| order.captures.iter().find(|c| c.payment_id == id).map_or(0, |c| c.amount.minor());
    let rest = |t: &OrderTender| t.payment_id.filter(|id| captured(*id) < t.amount.minor());
    order.tenders.iter().filter_map(rest).collect()
}

/// The order's status by its goods: cancelled when all of them are, closed when none is on its way.
pub(crate) fn status(lines: &[OrderLine]) -> OrderStatus {
    let goods = || lines.iter().filter(|line| line.priced.kind == LineKind::Goods);
    let ordered = |l: &OrderLine| l.priced.quantity.units();
    if goods().count() > 0 && goods().all(|l| l.units.cancelled == ordered(l)) {
        OrderStatus::Cancelled
    } else if goods().all(|l| l.units.cancelled + l.units.delivered == ordered(l)) {
        OrderStatus::Closed
    } else {
        OrderStatus::Open
    }
}
