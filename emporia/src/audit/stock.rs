//! Stock: on hand is the sum of its movements, reserved that of open reservations, allocated that of open orders.

use super::{AuditError, Books, Check, PAGE, each};
use emporia_contracts::{
    inventory::MovementReason,
    values::{LocationKey, Sku},
};
use emporia_id::{Ids, SystemClock};
use emporia_inventory::{InventoryService, Movement, StockLevel};
use emporia_store::{Key, Store};
use std::{collections::BTreeMap, sync::Arc};

/// What the books say of a SKU at a location, in units.
#[derive(Default)]
struct Level {
    on_hand: i64,
    reserved: i64,
    allocated: i64,
    /// Whether what happened elsewhere was reported: only that may drive stock below zero.
    reported: bool,
}

pub(super) async fn check(store: &Store, books: &mut Books) -> Result<Check, AuditError> {
    let mut check =
        Check::new("stock", "on hand = movements; reserved = open holds; allocated = open orders");
    let space = store.space("inventory")?;
    let inventory = InventoryService::new(space.clone(), Ids::random(Arc::new(SystemClock)));
    let mut levels: BTreeMap<(Sku, LocationKey), Level> = BTreeMap::new();
    each::<Movement>(&space, async |movement| {
        for line in &movement.lines {
            let level = levels.entry((line.sku.clone(), movement.location.clone())).or_default();
            level.on_hand += line.delta;
            // Shipments are of units that were allocated; anything else that goes was reported by somebody.
            level.reported |= line.delta < 0 && !movement.is_shipment()
                || matches!(movement.reason, MovementReason::Transfer);
        }
        Ok(())
    })
    .await?;
    let mut after: Option<Key> = None;
    loop {
        let page = inventory.reserved_stock(after.as_ref(), PAGE).await?;
        for (_, stock) in &page {
            for held in &stock.reserved {
                let place = (held.sku.clone(), held.location.clone());
                levels.entry(place).or_default().reserved += held.quantity.units();
            }
            // Units of an order that is about to be made; those of one that is there are in its own books.
            let Some(order) = stock.order.filter(|order| !books.orders.contains_key(order)) else { continue };
            books.allocate(&stock.allocated);
            let checkout = stock.holder.strip_prefix("checkout/").and_then(|id| id.parse().ok());
            check.expect(checkout.is_none_or(|id| books.under_way.contains(&id)), || {
                format!("{} belongs to {order}, which is not there and not under way", stock.id)
            });
        }
        if page.len() < PAGE {
            break;
        }
        after = page.last().map(|(key, _)| key.clone());
    }
    for (place, units) in std::mem::take(&mut books.allocated) {
        levels.entry(place).or_default().allocated += units;
    }
    for ((sku, location), level) in &levels {
        let found = inventory.levels(std::slice::from_ref(sku), std::slice::from_ref(location)).await?;
        for found in &found {
            check.examined += 1;
            compare(&mut check, found, level, books.behind);
        }
    }
    Ok(check)
}

fn compare(check: &mut Check, found: &StockLevel, level: &Level, behind: bool) {
    let StockLevel { sku, location, on_hand, available, reserved, allocated, damaged, safety } = found;
    let place = format!("{sku} at {location}");
    let left = on_hand - damaged - allocated - reserved - safety;
    check.expect(*available == left, || {
        format!("{place}: {available} are available, {left} by the other numbers")
    });
    if behind {
        check.under_way += 1;
        return;
    }
    check.expect(*on_hand == level.on_hand, || {
        format!("{place}: {on_hand} are on hand, {} by its movements", level.on_hand)
    });
    check.expect(*reserved == level.reserved, || {
        format!("{place}: {reserved} are reserved, {} by open reservations", level.reserved)
    });
    check.expect(*allocated == level.allocated, || {
        format!("{place}: {allocated} are allocated, {} by open orders", level.allocated)
    });
    check.expect(*on_hand >= 0 || level.reported, || {
        format!("{place}: requests alone left {on_hand} on hand")
    });
}
