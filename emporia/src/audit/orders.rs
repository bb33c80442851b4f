//! Orders: each adds up by itself, and is told of once.

use super::{AuditError, Books, Check, OrderEntry, each};
use emporia_contracts::{channels::PriceKind, orders::OrderMode};
use emporia_money::{Money, MoneyError};
use emporia_orders::{Fulfilment, FulfilmentState, LedgerKind, Order, OrderLine, order_lines};
use emporia_store::Store;
use std::collections::HashSet;

pub(super) async fn check(store: &Store, books: &mut Books) -> Result<Check, AuditError> {
    let mut check =
        Check::new("orders", "total = lines + delivery = tenders = ledger; one number, one event for each");
    let space = store.space("orders")?;
    let mut numbers = HashSet::new();
    each::<Order>(&space, async |order| {
        check.examined += 1;
        let lines = order_lines(&space, &order).await?;
        let name = &order.number;
        check.expect(numbers.insert((order.channel.clone(), name.clone())), || {
            format!("{name} in {} is the number of two orders", order.channel)
        });
        if let Err(why) = adds_up(&order, &lines) {
            check.expect(false, || format!("{name}: {why}"));
        }
        match books.placed.remove(&order.id) {
            Some((1, total)) => check.expect(total == order.totals.total, || {
                format!("{name}: its total is {}, the event says {total}", order.totals.total)
            }),
            Some((times, _)) => check.expect(false, || format!("{name} was told of {times} times")),
            None => check.expect(books.trimmed, || format!("{name}: no event tells of it")),
        }
        books.allocate(&order.allocations);
        let entry = entry(&order, &lines);
        books.orders.insert(order.id, entry);
        Ok(())
    })
    .await?;
    for (order, _) in books.placed.drain() {
        check.expect(false, || format!("an event tells of order {order}, which is not there"));
    }
    each::<Fulfilment>(&space, async |fulfilment| {
        if fulfilment.state == FulfilmentState::Planned {
            books.allocate(&fulfilment.allocations);
        }
        Ok(())
    })
    .await?;
    Ok(check)
}

fn sum(order: &Order, of: impl Iterator<Item = Money>) -> Result<Money, String> {
    Money::sum(order.currency, of).map_err(|e: MoneyError| e.to_string())
}

/// Why an order does not add up by itself.
fn adds_up(order: &Order, lines: &[OrderLine]) -> Result<(), String> {
    let same = |what: &str, found: Money, wanted: Money| {
        if found == wanted { Ok(()) } else { Err(format!("{what} is {found}, not {wanted}")) }
    };
    let totals = &order.totals;
    if lines.len() != order.line_count {
        return Err(format!("{} of {} lines are there", lines.len(), order.line_count));
    }
    let charges = order.ledger.iter().filter(|e| e.kind == LedgerKind::Charge).map(|e| e.amount);
    same("the charge in its ledger", sum(order, charges)?, totals.total)?;
    let items = sum(order, lines.iter().map(|line| line.priced.amount))?;
    if order.mode == OrderMode::Fact {
        // What was reported stands; where it differs from what we calculate, the order says so.
        let differs = order.differences.is_empty() && items != totals.items;
        return if differs {
            Err(format!("the sum of its lines is {items}, not {}", totals.items))
        } else {
            Ok(())
        };
    }
    same("the sum of its lines", items, totals.items)?;
    let delivery = order.delivery.as_ref().map_or(Money::zero(order.currency), |d| d.amount);
    same("its delivery", delivery, totals.delivery)?;
    same("net and tax", sum(order, [totals.net, totals.tax].into_iter())?, totals.total)?;
    let priced = match order.price_kind {
        PriceKind::Gross => totals.total,
        PriceKind::Net => totals.net,
    };
    same("lines and delivery", sum(order, [items, delivery].into_iter())?, priced)?;
    same("the sum of its tenders", sum(order, order.tenders.iter().map(|t| t.amount))?, totals.total)?;
    for line in lines {
        let (units, all) = (line.units, line.priced.quantity.units());
        let fits = units.delivered <= units.shipped
            && units.shipped <= units.planned
            && units.planned + units.cancelled <= all
            && units.returned <= units.shipped;
        if !fits {
            return Err(format!("{} of {all} {}: {units:?}", line.priced.sku, line.priced.title));
        }
    }
    Ok(())
}

fn entry(order: &Order, lines: &[OrderLine]) -> OrderEntry {
    let asked =
        |payment| order.captures.iter().filter(|c| c.payment_id == payment).map(|c| c.amount.minor()).sum();
    let ledger = |kind| order.ledger.iter().filter(|e| e.kind == kind).map(|e| e.amount.minor()).sum::<i64>();
    OrderEntry {
        number: order.number.clone(),
        mode: order.mode,
        checkout: order.checkout,
        total: order.totals.total,
        cancelled: lines.iter().all(|line| line.units.cancelled == line.priced.quantity.units()),
        payments: order.tenders.iter().filter_map(|t| t.payment_id).map(|p| (p, asked(p))).collect(),
        captured: -ledger(LedgerKind::Capture),
        refunded: ledger(LedgerKind::Refund),
    }
}
