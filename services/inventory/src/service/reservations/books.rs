//! What reservations count as, for whoever compares it with the tallies.

use crate::{
    model::{Counted, Reservation, ReservationState as State},
    service::InventoryService,
};
use emporia_contracts::{
    ids::{OrderId, ReservationId},
    inventory::Allocation,
};
use emporia_store::{Key, StoreError};
use jiff::Timestamp;

/// A reservation, and what its units count as now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedStock {
    /// The reservation.
    pub id: ReservationId,
    /// For whom it was made: `checkout/…`.
    pub holder: String,
    /// The order that it belongs to, once it does.
    pub order: Option<OrderId>,
    /// Until when it is held.
    pub until: Timestamp,
    /// Units that count as reserved.
    pub reserved: Vec<Allocation>,
    /// Units that count as allocated, or did before their order was shipped or cancelled.
    pub allocated: Vec<Allocation>,
}

impl InventoryService {
    /// Reservations that are still remembered, in the order of their keys: the next `limit` after one of them.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn reserved_stock(
        &self,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, ReservedStock)>, StoreError> {
        let mut all = Vec::with_capacity(limit);
        for (key, found) in self.space.scan::<Reservation>(after, limit).await? {
            all.push((key, self.counted(found.value).await?));
        }
        Ok(all)
    }

    async fn counted(&self, of: Reservation) -> Result<ReservedStock, StoreError> {
        let (mut reserved, mut allocated) = (vec![], vec![]);
        for part in self.parts(&of).await? {
            match part.counted {
                Counted::Reserved => reserved.extend(part.allocations),
                Counted::Allocated => allocated.extend(part.allocations),
                Counted::Free => {}
            }
        }
        let order = match of.state {
            State::Reserving | State::Undoing | State::Held | State::Releasing { .. } => {
                reserved.extend(of.allocations);
                None
            }
            State::Committing { order } | State::Committed { order } => {
                allocated.extend(of.allocations);
                Some(order)
            }
            State::Released { .. } => None,
        };
        let Reservation { id, holder, until, .. } = of;
        Ok(ReservedStock { id, holder, order, until, reserved, allocated })
    }
}
