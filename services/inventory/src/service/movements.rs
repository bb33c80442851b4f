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
use emporia_events::EventMeta;
use emporia_store::{StoreError, TallyChange};
use jiff::Timestamp;

/// Lines in one movement: with its document and event they fit one transaction.
const LINES: usize = 90;

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
            let recorded = self
                .space
                .transact(|tx| async move {
                    let id = this.ids.next();
                    let movement = Movement {
                        id,
                        unique: format!("{}/{number}", happened.unique),
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
                        movement_id: id,
                        location: movement.location,
                        reason: movement.reason,
                        lines: movement.lines,
                        reference: movement.reference,
                    };
                    this.emit(&tx, &event, happened.meta)
                })
                .await;
            match recorded {
                Ok(()) | Err(StoreError::AlreadyExists { .. }) => {}
                Err(error) => return Err(error),
            }
            // After a crash between the two the movement is recorded again, which ends here again.
            if part.iter().any(|line| line.delta < 0) {
                self.raise_count_tasks(happened.location, part, happened.meta).await?;
            }
        }
        Ok(())
    }

    /// A tracked SKU with less than nothing on hand is a miscount: somebody should look.
    async fn raise_count_tasks(
        &self,
        location: &LocationKey,
        lines: &[MovementLine],
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        let skus: Vec<Sku> = lines.iter().filter(|line| line.delta < 0).map(|line| line.sku.clone()).collect();
        let levels = self.levels(&skus, std::slice::from_ref(location)).await?;
        let policies = self.policies(&skus).await?;
        for (level, _) in levels.into_iter().zip(policies).filter(|(l, p)| p.tracked && l.on_hand < 0) {
            let (level, this) = (&level, self);
            self.space
                .transact(|tx| async move {
                    let key = CountTask::key_of(&level.sku, &level.location);
                    let open = tx.get::<CountTask>(&key).await?;
                    if open.is_some_and(|task| task.settled_at.is_none()) {
                        return Ok(());
                    }
                    let task = CountTask {
                        id: this.ids.next(),
                        sku: level.sku.clone(),
                        location: level.location.clone(),
                        on_hand: level.on_hand,
                        raised_at: this.space.clock().now(),
                        settled_at: None,
                    };
                    tx.put(&task)?;
                    let event = CountTaskRaised {
                        count_task_id: task.id,
                        location: task.location,
                        sku: task.sku,
                        on_hand: task.on_hand,
                    };
                    this.emit(&tx, &event, meta)
                })
                .await?;
        }
        Ok(())
    }
}
