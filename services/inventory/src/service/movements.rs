//! What happened to stock: entries of the ledger, whatever the tally says.

use crate::{
    commands::counting,
    model::{CountTask, Location, Movement, stock_key},
    service::{InventoryService, fault},
};
use emporia_contracts::{
    inventory::{CountTaskRaised, MovementLine, MovementReason, StockFact, StockMoved, StockRefusal},
    values::{LocationKey, Sku},
};
use emporia_events::{EventMeta, envelope};
use emporia_id::FixedClock;
use emporia_store::{StoreError, TallyChange, Tx};
use jiff::Timestamp;

/// Lines in one movement: with its document, event and count tasks they fit one transaction.
pub(crate) const LINES: usize = 60;
/// Count tasks that one movement raises; the SKUs beyond are found by their next movement.
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
        let happened = Happened {
            unique: format!("fact/{}", fact.external_id),
            location: &fact.location,
            reason: fact.reason,
            reference: fact.external_id.as_str(),
            at: fact.at,
            meta: &fact.meta,
            change: counting::moved,
        };
        self.record_movement(happened, &fact.lines).await.map_err(|e| StockRefusal::Fault(fault(e)))
    }

    /// Records a movement, in parts of [`LINES`]; a part that is there already is left alone, so a call that was cut
    /// off is finished by making it again.
    pub(crate) async fn record_movement(&self, happened: Happened<'_>, lines: &[MovementLine]) -> Result<(), StoreError> {
        let (happened, this) = (&happened, self);
        for (number, part) in lines.chunks(LINES).enumerate() {
            self.space.transact(|tx| async move { this.record_part(&tx, happened, number, part).await }).await?;
        }
        Ok(())
    }

    /// Records one part in the caller's transaction, unless it is there already.
    pub(crate) async fn record_part(
        &self,
        tx: &Tx,
        happened: &Happened<'_>,
        number: usize,
        part: &[MovementLine],
    ) -> Result<(), StoreError> {
        let unique = format!("{}/{number}", happened.unique);
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
        tx.insert(&movement)?;
        for line in part {
            tx.add(stock_key(&line.sku, happened.location), (happened.change)(line.delta))?;
        }
        let event = StockMoved {
            movement_id: movement.id,
            location: movement.location,
            reason: movement.reason,
            lines: movement.lines,
            reference: movement.reference,
        };
        tx.emit(envelope(&event, happened.meta, &self.ids, &FixedClock::at(happened.at))?)?;
        self.raise_count_tasks(tx, happened, part).await
    }

    /// A tracked SKU with less than nothing on hand is a miscount: somebody should look. The tally is read beside the
    /// transaction, which does not lock it; a task too many or too late is settled by the same count.
    async fn raise_count_tasks(&self, tx: &Tx, happened: &Happened<'_>, part: &[MovementLine]) -> Result<(), StoreError> {
        let out: Vec<&MovementLine> = part.iter().filter(|line| line.delta < 0).collect();
        let skus: Vec<Sku> = out.iter().map(|line| line.sku.clone()).collect();
        let levels = self.levels(&skus, std::slice::from_ref(happened.location)).await?;
        let policies = self.policies(&skus).await?;
        let short = out.iter().zip(levels).zip(policies).filter(|((line, level), policy)| {
            policy.tracked && level.on_hand + line.delta < 0
        });
        for ((line, level), _) in short.take(TASKS) {
            let key = CountTask::key_of(&level.sku, &level.location);
            let open = tx.get::<CountTask>(&key).await?;
            if open.is_some_and(|task| task.settled_at.is_none()) {
                continue;
            }
            let task = CountTask {
                id: self.ids.next(),
                sku: level.sku,
                location: level.location,
                on_hand: level.on_hand + line.delta,
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
            self.emit(tx, &event, happened.meta)?;
        }
        Ok(())
    }
}
