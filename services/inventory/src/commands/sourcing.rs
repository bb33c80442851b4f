//! The sourcing plan: which location serves how much of which SKU.

use emporia_contracts::{
    inventory::{Allocation, Demand, Shortage},
    values::{LocationKey, Quantity, Sku},
};
use std::collections::BTreeMap;

/// What a location can promise of a SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The SKU.
    pub sku: Sku,
    /// Units available per location of the pool, in its order; may be negative.
    pub available: Vec<i64>,
    /// Whether units are counted.
    pub tracked: bool,
    /// Units per location that may be promised beyond what is available.
    pub backorder_limit: i64,
}

impl Level {
    /// What one location can promise, backorders included.
    fn promise(&self, location: usize) -> i64 {
        let available = self.available.get(location).copied().unwrap_or(0);
        available.saturating_add(self.backorder_limit).max(0)
    }

    /// What all locations can promise together, without and with backorders.
    fn total(&self) -> i64 {
        (0..self.available.len()).map(|l| self.promise(l)).fold(0, i64::saturating_add)
    }
}

/// Who serves what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// All of it.
    Full(Vec<Allocation>),
    /// Not all of it: nothing should be reserved.
    Short(Vec<Shortage>),
}

/// Sums the demand per SKU, in order of SKU: rows are then always taken in the same order.
pub(crate) fn sum(demand: &[Demand]) -> BTreeMap<Sku, i64> {
    demand.iter().fold(BTreeMap::new(), |mut sums, d| {
        let units = sums.entry(d.sku.clone()).or_insert(0i64);
        *units = units.saturating_add(d.quantity.units());
        sums
    })
}

/// Plans a basket over the locations of a pool (never empty). `levels` has every SKU of the demand.
///
/// One location that has everything is preferred, the first of those in the pool's order; else every SKU is filled
/// from the pool in order: first what is there, then, where allowed, as backorder.
pub fn plan(demand: &BTreeMap<Sku, i64>, pool: &[LocationKey], levels: &BTreeMap<Sku, Level>) -> Plan {
    let standard =
        |sku: &Sku| Level { sku: sku.clone(), available: vec![], tracked: true, backorder_limit: 0 };
    let level = |sku: &Sku| levels.get(sku).cloned().unwrap_or_else(|| standard(sku));
    let shortages: Vec<Shortage> = demand
        .iter()
        .map(|(sku, wanted)| (sku, *wanted, level(sku)))
        .filter(|(_, wanted, level)| level.tracked && level.total() < *wanted)
        .map(|(sku, wanted, level)| Shortage { sku: sku.clone(), wanted, available: level.total() })
        .collect();
    if !shortages.is_empty() {
        return Plan::Short(shortages);
    }
    let whole = (0..pool.len()).find(|location| {
        demand.iter().all(|(sku, wanted)| {
            let level = level(sku);
            !level.tracked || level.available.get(*location).copied().unwrap_or(0) >= *wanted
        })
    });
    let mut allocations = Vec::with_capacity(demand.len());
    for (sku, wanted) in demand {
        let level = level(sku);
        match whole {
            Some(location) => take(&mut allocations, sku, &pool[location], *wanted),
            None if !level.tracked => take(&mut allocations, sku, &pool[0], *wanted),
            None => fill(&mut allocations, sku, pool, &level, *wanted),
        }
    }
    Plan::Full(allocations)
}

fn fill(allocations: &mut Vec<Allocation>, sku: &Sku, pool: &[LocationKey], level: &Level, wanted: i64) {
    let mut taken = vec![0i64; pool.len()];
    let mut left = wanted;
    for (location, taken) in taken.iter_mut().enumerate() {
        let units = level.available.get(location).copied().unwrap_or(0).clamp(0, left);
        *taken += units;
        left -= units;
    }
    for (location, taken) in taken.iter_mut().enumerate() {
        let units = (level.promise(location) - *taken).clamp(0, left);
        *taken += units;
        left -= units;
    }
    for (location, units) in taken.into_iter().enumerate() {
        take(allocations, sku, &pool[location], units);
    }
}

/// An allocation of more units than one line may have becomes several.
fn take(allocations: &mut Vec<Allocation>, sku: &Sku, location: &LocationKey, units: i64) {
    let mut left = units;
    while let Ok(quantity) = Quantity::new(left.min(i64::from(Quantity::MAX))) {
        allocations.push(Allocation { sku: sku.clone(), location: location.clone(), quantity });
        left -= quantity.units();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pool() -> Vec<LocationKey> {
        ["north", "south", "store"].iter().map(|l| l.parse().unwrap()).collect()
    }

    fn basket(rows: &[(i64, [i64; 3], bool, i64)]) -> (BTreeMap<Sku, i64>, BTreeMap<Sku, Level>) {
        let sku = |i: usize| format!("S{i}").parse::<Sku>().unwrap();
        let demand = rows.iter().enumerate().map(|(i, r)| (sku(i), r.0)).collect();
        let level = |(i, r): (usize, &(i64, [i64; 3], bool, i64))| {
            (sku(i), Level { sku: sku(i), available: r.1.to_vec(), tracked: r.2, backorder_limit: r.3 })
        };
        (demand, rows.iter().enumerate().map(level).collect())
    }

    #[test]
    fn one_location_that_has_everything_is_preferred_to_an_earlier_one_that_has_some() {
        let (demand, levels) = basket(&[(2, [5, 5, 5], true, 0), (1, [0, 3, 3], true, 0)]);
        let Plan::Full(plan) = plan(&demand, &pool(), &levels) else { panic!("short") };
        assert!(plan.iter().all(|a| a.location.as_str() == "south"));
    }

    #[test]
    fn a_split_takes_what_is_there_before_it_promises_backorders() {
        let (demand, levels) = basket(&[(7, [2, 3, -1], true, 2)]);
        let Plan::Full(plan) = plan(&demand, &pool(), &levels) else { panic!("short") };
        let units: Vec<_> = plan.iter().map(|a| (a.location.as_str(), a.quantity.get())).collect();
        assert_eq!(units, [("north", 4), ("south", 3)]);
    }

    #[test]
    fn all_shortages_are_told_at_once() {
        let (demand, levels) =
            basket(&[(9, [1, 1, 1], true, 0), (1, [1, 0, 0], true, 0), (2, [-5, 1, 0], true, 0)]);
        let Plan::Short(short) = plan(&demand, &pool(), &levels) else { panic!("full") };
        assert_eq!(short.iter().map(|s| (s.wanted, s.available)).collect::<Vec<_>>(), [(9, 3), (2, 1)]);
    }

    proptest! {
        #[test]
        fn a_plan_serves_exactly_the_demand_and_never_more_than_a_location_promises(
            rows in prop::collection::vec((1i64..40, [-5i64..20, -5i64..20, -5i64..20], any::<bool>(), 0i64..5), 1..12)
        ) {
            let (demand, levels) = basket(&rows);
            match plan(&demand, &pool(), &levels) {
                Plan::Full(allocations) => {
                    for (sku, wanted) in &demand {
                        let mine: Vec<_> = allocations.iter().filter(|a| a.sku == *sku).collect();
                        prop_assert_eq!(mine.iter().map(|a| a.quantity.units()).sum::<i64>(), *wanted);
                        let level = &levels[sku];
                        for a in mine.iter().filter(|_| level.tracked) {
                            let at = pool().iter().position(|l| *l == a.location).unwrap();
                            prop_assert!(a.quantity.units() <= level.promise(at));
                        }
                    }
                }
                Plan::Short(short) => {
                    prop_assert!(!short.is_empty());
                    prop_assert!(short.iter().all(|s| s.available < s.wanted && levels[&s.sku].tracked));
                }
            }
        }
    }
}
