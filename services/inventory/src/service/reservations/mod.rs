//! Holding stock, allocating it, giving it back: one part or many, all or none.

mod books;
mod ending;
mod holding;

pub use books::ReservedStock;

use crate::{
    commands::counting,
    model::{Counted, Reservation, ReservationPart, ReservationState as State, stock_key},
    service::InventoryService,
};
use emporia_contracts::{ids::ReservationId, inventory::Allocation};
use emporia_store::{StoreError, Tx};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use tokio::sync::{Mutex, MutexGuard};

/// Allocations in one part: with document and event they fit one transaction.
const PART: usize = 90;

/// Turns of calls that make the same reservation in several parts at once. Only politeness rests on them, so that they
/// do not undo each other; what is counted is guarded by the documents.
#[derive(Clone)]
pub(super) struct Turns(Arc<[Mutex<()>]>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..64).map(|_| Mutex::default()).collect())
    }
}

impl Turns {
    async fn of(&self, id: ReservationId) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        // The remainder is below the number of turns, which is far below any usize.
        let turn = self.0.get((hasher.finish() % self.0.len() as u64) as usize)?;
        Some(turn.lock().await)
    }
}

impl InventoryService {
    /// Whether a reservation is still as the caller knows it: the same attempt in the same state. Guarded by the
    /// transaction, so that its parts only change together with it.
    async fn stands(&self, tx: &Tx, known: &Reservation) -> Result<bool, StoreError> {
        let found = tx.get::<Reservation>(&Reservation::key_of(known.id)).await?;
        Ok(found.is_some_and(|f| f.attempt == known.attempt && f.state == known.state))
    }

    async fn parts(&self, of: &Reservation) -> Result<Vec<ReservationPart>, StoreError> {
        if of.parts <= 1 {
            return Ok(vec![]);
        }
        let keys: Vec<_> = (1..of.parts).map(|number| ReservationPart::key_of(of.id, number)).collect();
        let found = self.space.get_many::<ReservationPart>(&keys).await?;
        Ok(found.into_iter().flatten().map(|part| part.value).collect())
    }

    async fn allocations(&self, of: &Reservation) -> Result<Vec<Allocation>, StoreError> {
        let parts = self.parts(of).await?;
        Ok(of.allocations.iter().cloned().chain(parts.into_iter().flat_map(|p| p.allocations)).collect())
    }

    /// Counts every further part as `to`, while the reservation stands. Parts that count so already are left alone;
    /// those of an attempt that is undone are taken away.
    async fn recount_parts(&self, of: &Reservation, to: Counted) -> Result<(), StoreError> {
        for part in self.parts(of).await? {
            let key = ReservationPart::key_of(part.reservation, part.number);
            let (key, this) = (&key, self);
            self.space
                .transact(|tx| async move {
                    if !this.stands(&tx, of).await? {
                        return Ok(());
                    }
                    let Some(part) = tx.get::<ReservationPart>(key).await?.filter(|p| p.counted != to) else {
                        return Ok(());
                    };
                    recount(&tx, &part.allocations, part.counted, to)?;
                    match of.state {
                        State::Undoing => tx.delete(key),
                        _ => tx.put(&ReservationPart { counted: to, ..part.value }),
                    }
                })
                .await?;
        }
        Ok(())
    }
}

/// Units of these allocations, counted as `from`, now count as `to`. Several of one row are summed by the store.
fn recount(tx: &Tx, allocations: &[Allocation], from: Counted, to: Counted) -> Result<(), StoreError> {
    allocations
        .iter()
        .try_for_each(|a| tx.add(stock_key(&a.sku, &a.location), counting::recount(a, from, to)))
}
