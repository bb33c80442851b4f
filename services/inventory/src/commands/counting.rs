//! How each thing that happens to stock changes the tally. `available` moves with the others, in one place. Untracked
//! SKUs are counted like others, only never refused: so a change of policy leaves nothing half counted.

use crate::model::{Counted, StockPolicy};
use emporia_contracts::inventory::Allocation;
use emporia_store::TallyChange;

/// Units begin to be held: the only change that asks for a floor.
pub(crate) fn hold(allocation: &Allocation, policy: &StockPolicy) -> TallyChange {
    let units = allocation.quantity.units();
    let change = TallyChange::new().add("reserved", units).add("available", -units);
    if policy.tracked { change.floor("available", -policy.backorder_limit) } else { change }
}

/// Units that counted as one thing now count as another.
pub(crate) fn recount(allocation: &Allocation, from: Counted, to: Counted) -> TallyChange {
    let units = allocation.quantity.units();
    let count = |change: TallyChange, counted, units: i64| match counted {
        Counted::Reserved => change.add("reserved", units),
        Counted::Allocated => change.add("allocated", units),
        Counted::Free => change,
    };
    let free = i64::from(to == Counted::Free) - i64::from(from == Counted::Free);
    count(count(TallyChange::new(), from, -units), to, units).add("available", free * units)
}

/// Units came (positive) or went (negative), free ones.
pub(crate) fn moved(delta: i64) -> TallyChange {
    TallyChange::new().add("on_hand", delta).add("available", delta)
}

/// Units came back that cannot be sold.
pub(crate) fn came_back_damaged(units: i64) -> TallyChange {
    TallyChange::new().add("on_hand", units).add("damaged", units)
}

/// Safety stock changed by so many units.
pub(crate) fn safety(delta: i64) -> TallyChange {
    TallyChange::new().add("safety", delta).add("available", -delta)
}
