//! What happened to stock: entries of the ledger, whatever the tally says.

use crate::{
    commands::counting,
    model::{CountTask, Counted, Location, Movement, StockLevel, stock_key},
    service::{InventoryService, fault, levels::MOST},
};
use emporia_contracts::{
    inventory::{
        Allocation, CountTaskRaised, MovementLine, MovementReason, StockFact, StockMoved, StockRefusal,
    },
    values::{LocationKey, Sku},
};
use emporia_events::{EventMeta, envelope};
use emporia_id::FixedClock;
use emporia_store::{StoreError, TallyChange, Tx};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Lines in one movement: with its document, event and count tasks they fit one transaction.
pub(crate) const LINES: usize = 60;
/// Count tasks that one transaction raises beside a movement.
const TASKS: usize = 15;

/// A movement to be recorded once.
pub(crate) struct Happened<'a> {
    /// What makes it unique.
    pub(crate) unique: String,
    pub(crate) location: &'a LocationKey,
    pub(crate) reason: MovementReason,
    pub(crate) reference: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) meta: &'a EventMeta,
    /// How units in (positive) or out (negative) change the tally.
    pub(crate) change: fn(i64) -> TallyChange,
    /// Allocations that end with it, as far as they fit its first part.
    pub(crate) ended: &'a [Allocation],
}

impl Happened<'_> {
    fn part(&self, number: usize) -> String {
        format!("{}/{number}", self.unique)
    }
}

impl InventoryService {
    pub(crate) async fn record_fact(&self, fact: StockFact) -> Result<(), StockRefusal> {
        let location = self.space.get::<Location>(&Location::key_of(&fact.location)).await.map_err(fault)?;
        if location.is_none() {
            return Err(StockRefusal::UnknownLocation(fact.location));
        }
        if fact.lines.is_empty() {
            return Err(StockRefusal::Invalid("it has no lines".into()));
        }
        let most = MOST;
        if let Some(line) =
            fact.lines.iter().find(|line| line.delta == 0 || !(-most..=most).contains(&line.delta))
        {
            let what = format!("{} by {}: a line moves 1 to {most} units in or out", line.sku, line.delta);
            return Err(StockRefusal::Invalid(what));
        }
        let happened = Happened {
            unique: format!("fact/{}", fact.external_id),
            location: &fact.location,
            reason: fact.reason,
            reference: fact.external_id.as_str(),
            at: fact.at,
            meta: &fact.meta,
            change: counting::moved,
            ended: &[],
        };
        if !self.is_new_or_same(&happened, &fact.lines).await.map_err(fault)? {
            return Err(StockRefusal::Invalid(format!(
                "{} was already used with other data",
                fact.external_id
            )));
        }
        self.record_movement(happened, &fact.lines).await.map_err(|e| StockRefusal::Fault(fault(e)))
    }

    /// Whether nothing was recorded under this name, or only what is asked for now.
    async fn is_new_or_same(
        &self,
        happened: &Happened<'_>,
        lines: &[MovementLine],
    ) -> Result<bool, StoreError> {
        let parts: Vec<_> = lines.chunks(LINES).collect();
        let keys: Vec<_> = (0..=parts.len()).map(|number| Movement::key_of(&happened.part(number))).collect();
        let found = self.space.get_many::<Movement>(&keys).await?;
        Ok(found.iter().enumerate().all(|(number, found)| {
            let same = |m: &Movement| m.location == *happened.location && m.reason == happened.reason;
            let Some(movement) = found else { return true };
            parts.get(number).is_some_and(|lines| movement.lines == **lines && same(movement))
        }))
    }

    /// Records a movement, in parts of [`LINES`]; a part that is there already is left alone, so a call that was cut
    /// off is finished by making it again.
    pub(crate) async fn record_movement(
        &self,
        happened: Happened<'_>,
        lines: &[MovementLine],
    ) -> Result<(), StoreError> {
        let (happened, this) = (&happened, self);
        for (number, part) in lines.chunks(LINES).enumerate() {
            self.space
                .transact(|tx| async move { this.record_part(&tx, happened, number, part).await })
                .await?;
        }
        // Once more with what is true after the commit: of several movements at once none may have seen the others.
        for part in lines.chunks(TASKS) {
            let short = self.miscounted(happened.location, part, |_| 0).await?;
            if !short.is_empty() {
                let short = &short;
                self.space.transact(|tx| async move { this.raise(&tx, short, happened.meta).await }).await?;
            }
        }
        Ok(())
    }

    /// Records one part in the caller's transaction, unless it is there already. The tally is read beside it: that a
    /// SKU went below zero together with other movements of this moment is seen by its next movement.
    pub(crate) async fn record_part(
        &self,
        tx: &Tx,
        happened: &Happened<'_>,
        number: usize,
        part: &[MovementLine],
    ) -> Result<(), StoreError> {
        let unique = happened.part(number);
        if part.is_empty() || tx.get::<Movement>(&Movement::key_of(&unique)).await?.is_some() {
            return Ok(());
        }
        let movement = Movement {
            id: self.ids.next(),
            unique,
            location: happened.location.clone(),
            reason: happened.reason,
            lines: part.to_vec(),
            reference: happened.reference.to_owned(),
            at: happened.at,
        };
        tx.put(&movement)?;
        for line in part {
            tx.add(stock_key(&line.sku, happened.location), (happened.change)(line.delta))?;
        }
        if number == 0 {
            free(tx, happened.ended)?;
        }
        let event = StockMoved::from(movement);
        tx.emit(envelope(&event, happened.meta, &self.ids, &FixedClock::at(happened.at))?)?;
        let moved = |sku: &Sku| part.iter().filter(|line| line.sku == *sku).map(|line| line.delta).sum();
        let mut short = self.miscounted(happened.location, part, moved).await?;
        short.truncate(TASKS);
        self.raise(tx, &short, happened.meta).await
    }

    /// Tracked SKUs of these lines that have less than nothing on hand when `moved` is added.
    async fn miscounted(
        &self,
        location: &LocationKey,
        lines: &[MovementLine],
        moved: impl Fn(&Sku) -> i64 + Send,
    ) -> Result<Vec<StockLevel>, StoreError> {
        let out: BTreeSet<&Sku> = lines.iter().filter(|line| line.delta < 0).map(|line| &line.sku).collect();
        let skus: Vec<Sku> = out.into_iter().cloned().collect();
        if skus.is_empty() {
            return Ok(vec![]);
        }
        let levels = self.levels(&skus, std::slice::from_ref(location)).await?;
        let policies = self.policies(&skus).await?;
        let after = levels
            .into_iter()
            .map(|level| StockLevel { on_hand: level.on_hand + moved(&level.sku), ..level });
        let short = after.zip(policies).filter(|(level, policy)| policy.tracked && level.on_hand < 0);
        Ok(short.map(|(level, _)| level).collect())
    }

    /// Somebody should look at these. A task that is open already is the same task.
    async fn raise(&self, tx: &Tx, short: &[StockLevel], meta: &EventMeta) -> Result<(), StoreError> {
        for level in short {
            let open = tx.get::<CountTask>(&CountTask::key_of(&level.sku, &level.location)).await?;
            if open.is_some_and(|task| task.settled_at.is_none()) {
                continue;
            }
            let task = CountTask {
                id: self.ids.next(),
                sku: level.sku.clone(),
                location: level.location.clone(),
                on_hand: level.on_hand,
                raised_at: self.space.clock().now(),
                settled_at: None,
            };
            tx.put(&task)?;
            let event = CountTaskRaised {
                count_task_id: task.id,
                location: task.location,
                sku: task.sku,
                on_hand: task.on_hand,
            };
            self.emit(tx, &event, meta)?;
        }
        Ok(())
    }
}

/// Allocated units are free again.
pub(crate) fn free(tx: &Tx, allocations: &[Allocation]) -> Result<(), StoreError> {
    allocations.iter().try_for_each(|a| {
        tx.add(stock_key(&a.sku, &a.location), counting::recount(a, Counted::Allocated, Counted::Free))
    })
}
