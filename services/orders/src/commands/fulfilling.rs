//! Planning, shipping, delivering, cancelling: what each does to units and money.

use crate::{
    commands::shares::{over_payments, share},
    model::{LineCount, Order, OrderLine, OrderStatus},
};
use emporia_contracts::{
    inventory::Allocation,
    orders::{CaptureShare, LineKind, LineUnits},
    values::Quantity,
};
use emporia_money::{Money, MoneyError};

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
    lines.iter_mut().find(|l| l.priced.id == count.line).ok_or_else(|| Refusal::NoLine(count.line.to_string()))
}

fn told(line: &OrderLine, units: i64) -> Result<LineUnits, Refusal> {
    let quantity = Quantity::new(units).map_err(|_| Refusal::NoQuantity(units))?;
    Ok(LineUnits { line_id: line.priced.id, sku: line.priced.sku.clone(), quantity })
}

/// Takes open units into a fulfilment.
pub(crate) fn plan(lines: &mut [OrderLine], wanted: &[LineCount]) -> Result<Vec<LineUnits>, Refusal> {
    wanted
        .iter()
        .map(|count| {
            let line = find(lines, count)?;
            if line.priced.kind != LineKind::Goods {
                return Err(Refusal::NotGoods(line.priced.title.clone()));
            }
            if count.units > line.open() {
                let sku = line.priced.sku.to_string();
                return Err(Refusal::TooMany { sku, units: count.units, left: line.open() });
            }
            line.units.planned += count.units;
            told(line, count.units)
        })
        .collect()
}

/// Gives the units of a fulfilment that never left back.
pub(crate) fn unplan(lines: &mut [OrderLine], counts: &[LineCount]) -> Result<Vec<LineUnits>, Refusal> {
    counts
        .iter()
        .map(|count| {
            let line = find(lines, count)?;
            line.units.planned -= count.units;
            told(line, count.units)
        })
        .collect()
}

/// What a shipment tells and captures.
pub(crate) struct Shipped {
    pub(crate) lines: Vec<LineUnits>,
    pub(crate) captures: Vec<CaptureShare>,
}

/// Units leave: their share of the money is due, and the delivery charge (and services) with the first of them.
pub(crate) fn ship(order: &mut Order, lines: &mut [OrderLine], counts: &[LineCount]) -> Result<Shipped, Refusal> {
    let mut due = Money::zero(order.currency);
    let mut shipped = vec![];
    for count in counts {
        let line = find(lines, count)?;
        due = due.plus(settle(line, count.units)?)?;
        line.units.shipped += count.units;
        shipped.push(told(line, count.units)?);
    }
    if !order.delivery_captured {
        order.delivery_captured = true;
        if let Some(delivery) = &order.delivery {
            due = due.plus(delivery.tax.gross)?;
        }
        for line in lines.iter().filter(|line| line.priced.kind != LineKind::Goods) {
            due = due.plus(line.priced.tax.gross)?;
        }
    }
    let captures = over_payments(due, &order.tenders, &mut order.captures)?;
    Ok(Shipped { lines: shipped, captures })
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

/// Open units are given up; when nothing is left and nothing was shipped, the delivery charge goes too.
pub(crate) fn cancel(order: &mut Order, lines: &mut [OrderLine], wanted: &[LineCount]) -> Result<Cancelled, Refusal> {
    let mut amount = Money::zero(order.currency);
    let (mut cancelled, mut allocations) = (vec![], vec![]);
    for count in wanted {
        let line = find(lines, count)?;
        if count.units > line.open() {
            let sku = line.priced.sku.to_string();
            return Err(Refusal::TooMany { sku, units: count.units, left: line.open() });
        }
        amount = amount.plus(settle(line, count.units)?)?;
        line.units.cancelled += count.units;
        cancelled.push(told(line, count.units)?);
        allocations.extend(free(&mut order.allocations, line, count.units));
    }
    if status(lines) == OrderStatus::Cancelled
        && let Some(delivery) = &order.delivery
    {
        amount = amount.plus(delivery.tax.gross)?;
    }
    Ok(Cancelled { lines: cancelled, allocations, amount })
}

/// Takes units out of the order's allocations, the last location of the plan first.
fn free(allocations: &mut Vec<Allocation>, line: &OrderLine, units: i64) -> Vec<Allocation> {
    let mut left = units;
    let mut freed = vec![];
    let mut kept = Vec::with_capacity(allocations.len());
    for allocation in allocations.drain(..).rev() {
        let here = allocation.quantity.units();
        let take = if allocation.sku == line.priced.sku { here.min(left) } else { 0 };
        left -= take;
        // Zero units are no quantity: then there is nothing to free, or nothing to keep.
        freed.extend(Quantity::new(take).map(|quantity| Allocation { quantity, ..allocation.clone() }));
        kept.extend(Quantity::new(here - take).map(|quantity| Allocation { quantity, ..allocation }));
    }
    kept.reverse();
    *allocations = kept;
    freed
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
