//! What is where, what can be promised, and what a person says is there.

use crate::{
    commands::{counting, sourcing::Level},
    model::{CountTask, LastSetting, Location, Movement, StockLevel, stock_key},
    service::{InventoryError, InventoryService},
};
use emporia_contracts::{
    inventory::{Availability, MovementLine, MovementReason, SafetyStockSet, StockMoved},
    values::{LocationKey, Sku},
};
use emporia_events::EventMeta;
use emporia_store::{Query, StoreError, Tx};
use std::collections::BTreeMap;

/// An operator or a count says how many units there are.
#[derive(Debug, Clone)]
pub struct SetStockLevel {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationKey,
    /// Units that are there, in all; absent leaves it.
    pub on_hand: Option<i64>,
    /// Units to keep back; absent leaves it.
    pub safety: Option<i64>,
    /// What the caller had read: another number now is a conflict.
    pub expected_on_hand: Option<i64>,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// The most units that a location may have of a SKU.
pub(crate) const MOST: i64 = 1_000_000_000;

impl InventoryService {
    /// Stock per SKU and location, SKU by SKU.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn levels(&self, skus: &[Sku], pool: &[LocationKey]) -> Result<Vec<StockLevel>, StoreError> {
        let places: Vec<_> =
            skus.iter().flat_map(|sku| pool.iter().map(move |location| (sku, location))).collect();
        let keys: Vec<_> = places.iter().map(|(sku, location)| stock_key(sku, location)).collect();
        let tallies = self.space.tallies(&keys).await?;
        let level = |((sku, location), tally): (&(&Sku, &LocationKey), _)| {
            StockLevel::new((*sku).clone(), (*location).clone(), tally)
        };
        Ok(places.iter().zip(&tallies).map(level).collect())
    }

    pub(crate) async fn available(
        &self,
        skus: &[Sku],
        pool: &[LocationKey],
    ) -> Result<Vec<Availability>, StoreError> {
        let levels = self.promises(skus, pool).await?;
        let one = |sku: &Sku| {
            let level = levels.get(sku);
            let sum = level.map_or(0, |l| l.available.iter().map(|a| (*a).max(0)).sum());
            let tracked = level.is_none_or(|l| l.tracked);
            let backorder = level.is_some_and(|l| l.backorder_limit > 0);
            Availability { sku: sku.clone(), available: sum, tracked, backorder }
        };
        Ok(skus.iter().map(one).collect())
    }

    /// What each location of the pool can promise.
    pub(crate) async fn promises(
        &self,
        skus: &[Sku],
        pool: &[LocationKey],
    ) -> Result<BTreeMap<Sku, Level>, StoreError> {
        let policies = self.policies(skus).await?;
        let levels = self.levels(skus, pool).await?;
        let per_sku = levels.chunks(pool.len().max(1));
        let level = |((sku, policy), levels): ((&Sku, std::sync::Arc<crate::StockPolicy>), &[StockLevel])| {
            let available = levels.iter().map(|l| l.available).collect();
            let level = Level {
                sku: sku.clone(),
                available,
                tracked: policy.tracked,
                backorder_limit: policy.backorder_limit,
            };
            (sku.clone(), level)
        };
        Ok(skus.iter().zip(policies).zip(per_sku).map(level).collect())
    }

    /// Sets what is there by compare-and-set; the difference becomes a movement, and settles an open count task.
    ///
    /// # Errors
    /// [`InventoryError`]: unknown location, numbers out of range, or another number than was expected.
    pub async fn set_level(&self, wanted: SetStockLevel) -> Result<StockLevel, InventoryError> {
        let (wanted, this) = (&wanted, self);
        self.space.transact(|tx| async move { this.set_level_in(&tx, wanted).await }).await?;
        self.level(&wanted.sku, &wanted.location).await
    }

    pub(crate) async fn level(
        &self,
        sku: &Sku,
        location: &LocationKey,
    ) -> Result<StockLevel, InventoryError> {
        let mut levels = self.levels(std::slice::from_ref(sku), std::slice::from_ref(location)).await?;
        levels.pop().ok_or_else(|| InventoryError::Invalid("no level".into()))
    }

    /// Sets a level in the caller's transaction. The tally is read beside it: what moves between that look and the
    /// commit counts as after the setting, which is true of it whatever the order. Only another setting would be lost
    /// so, and it is not, since each writes [`LastSetting`].
    pub(crate) async fn set_level_in(&self, tx: &Tx, wanted: &SetStockLevel) -> Result<(), InventoryError> {
        for (name, number) in [("onHand", wanted.on_hand), ("safety", wanted.safety)] {
            if number.is_some_and(|n| !(0..=MOST).contains(&n)) {
                return Err(InventoryError::Invalid(format!("{name} is a whole number from 0 to {MOST}")));
            }
        }
        if tx.get::<Location>(&Location::key_of(&wanted.location)).await?.is_none() {
            return Err(InventoryError::UnknownLocation(wanted.location.clone()));
        }
        tx.get::<LastSetting>(&LastSetting::key_of(&wanted.sku, &wanted.location)).await?;
        let before = self.level(&wanted.sku, &wanted.location).await?;
        if let Some(expected) = wanted.expected_on_hand.filter(|e| *e != before.on_hand) {
            return Err(InventoryError::VersionConflict { expected, actual: before.on_hand });
        }
        let now = self.space.clock().now();
        tx.put(&LastSetting {
            sku: wanted.sku.clone(),
            location: wanted.location.clone(),
            actor: wanted.meta.actor.clone(),
            at: now,
        })?;
        let key = stock_key(&wanted.sku, &wanted.location);
        let moved = wanted.on_hand.map_or(0, |target| target - before.on_hand);
        if moved != 0 {
            let id = self.ids.next();
            let movement = Movement {
                id,
                unique: format!("count/{id}"),
                location: wanted.location.clone(),
                reason: MovementReason::Count,
                lines: vec![MovementLine { sku: wanted.sku.clone(), delta: moved }],
                reference: wanted.meta.actor.clone(),
                at: now,
            };
            tx.insert(&movement)?;
            tx.add(key.clone(), counting::moved(moved))?;
            self.emit(tx, &StockMoved::from(movement), &wanted.meta)?;
        }
        let kept_back = wanted.safety.map_or(0, |target| target - before.safety);
        if kept_back != 0 {
            tx.add(key, counting::safety(kept_back))?;
            let event = SafetyStockSet {
                location: wanted.location.clone(),
                sku: wanted.sku.clone(),
                safety: before.safety + kept_back,
                before: before.safety,
            };
            self.emit(tx, &event, &wanted.meta)?;
        }
        if wanted.on_hand.is_some() {
            let task = tx.get::<CountTask>(&CountTask::key_of(&wanted.sku, &wanted.location)).await?;
            if let Some(open) = task.filter(|task| task.settled_at.is_none()) {
                tx.put(&CountTask { settled_at: Some(now), ..open.value })?;
            }
        }
        Ok(())
    }

    /// Movements of a SKU, newest first.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn movements(&self, sku: &Sku, limit: usize) -> Result<Vec<Movement>, StoreError> {
        let query = Query::index("movements_by_sku")
            .prefix(emporia_store::IndexKey::new().text(sku.as_str()))
            .descending()
            .limit(limit);
        Ok(self.space.query::<Movement>(query).await?.into_values())
    }

    /// Count tasks that nobody has settled, oldest first.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn open_count_tasks(&self, limit: usize) -> Result<Vec<CountTask>, StoreError> {
        Ok(self.space.query::<CountTask>(Query::index("open_count_tasks").limit(limit)).await?.into_values())
    }
}
