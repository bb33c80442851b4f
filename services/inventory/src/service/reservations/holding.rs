//! Holding stock: plan, take, and take back what was begun and cannot be had whole.

use super::{PART, recount};
use crate::{
    commands::{
        counting,
        sourcing::{self, Plan},
    },
    model::{Counted, Reservation, ReservationPart, ReservationState as State, stock_key},
    service::{InventoryService, fault},
};
use emporia_contracts::{
    Fault,
    inventory::{Allocation, Reserve, ReserveRefusal, Reserved, StockReserved},
    values::Sku,
};
use emporia_store::{StoreError, Tx};

/// Plans tried before a basket that others keep taking from is told to come again.
const PLANS: usize = 25;

impl InventoryService {
    pub(crate) async fn hold(&self, request: Reserve) -> Result<Reserved, ReserveRefusal> {
        if request.pool.is_empty() || request.demand.is_empty() {
            return Err(Fault::permanent(
                "inventory",
                "a reservation needs a demand and a pool of locations",
            )
            .into());
        }
        let demand = sourcing::sum(&request.demand);
        let skus: Vec<Sku> = demand.keys().cloned().collect();
        for _ in 0..PLANS {
            if let Some(known) = self.known(&request).await? {
                return Ok(known);
            }
            if request.until <= self.space.clock().now() {
                return Err(ReserveRefusal::Ended(request.reservation));
            }
            let levels = self.promises(&skus, &request.pool).await.map_err(fault)?;
            let allocations = match sourcing::plan(&demand, &request.pool, &levels) {
                Plan::Full(allocations) => allocations,
                // What is missing may be what another call of the same id has just taken.
                Plan::Short(shortages) => {
                    return self.known(&request).await?.ok_or(ReserveRefusal::Short(shortages));
                }
            };
            match self.hold_as_planned(&request, &allocations).await {
                Ok(()) => {
                    return Ok(Reserved {
                        reservation: request.reservation,
                        allocations,
                        until: request.until,
                    });
                }
                // Somebody was quicker: plan again with what is left now.
                Err(StoreError::BelowFloor { .. } | StoreError::AlreadyExists { .. }) => {}
                Err(error) => return Err(fault(error).into()),
            }
        }
        Err(Fault::transient("inventory", "this stock is in great demand: try again").into())
    }

    /// The answer to a call that was made before. One that was cut off half-way is undone, to begin anew.
    async fn known(&self, request: &Reserve) -> Result<Option<Reserved>, ReserveRefusal> {
        loop {
            let key = Reservation::key_of(request.reservation);
            let Some(found) = self.space.get::<Reservation>(&key).await.map_err(fault)? else {
                return Ok(None);
            };
            match found.state {
                State::Releasing { .. } | State::Released { .. } => {
                    return Err(ReserveRefusal::Ended(request.reservation));
                }
                _ if found.demand != request.demand => {
                    let what = format!("reservation {} was used for another demand", request.reservation);
                    return Err(Fault::permanent("inventory", what).into());
                }
                State::Held if found.until <= self.space.clock().now() => {
                    return Err(ReserveRefusal::Ended(request.reservation));
                }
                State::Held | State::Committing { .. } | State::Committed { .. } => {
                    let allocations = self.allocations(&found).await.map_err(fault)?;
                    return Ok(Some(Reserved { reservation: found.id, allocations, until: found.until }));
                }
                State::Reserving | State::Undoing => {
                    // Another call of this process may be at it: it goes first.
                    let _turn = self.turns.of(found.id).await;
                    self.undo(&found).await.map_err(fault)?;
                }
            }
        }
    }

    async fn hold_as_planned(&self, request: &Reserve, allocations: &[Allocation]) -> Result<(), StoreError> {
        let mut rest = allocations.chunks(PART);
        let parts = rest.len();
        let first = rest.next().unwrap_or_default();
        let (this, whole) = (self, allocations);
        let alone = parts <= 1;
        let _turn = if alone { None } else { Some(self.turns.of(request.reservation).await) };
        let reservation = Reservation {
            id: request.reservation,
            attempt: self.ids.next_uuid(),
            holder: request.holder.clone(),
            until: request.until,
            state: if alone { State::Held } else { State::Reserving },
            parts,
            allocations: first.to_vec(),
            demand: request.demand.clone(),
        };
        let reservation = &reservation;
        self.space
            .transact(|tx| async move {
                tx.insert(reservation)?;
                this.take(&tx, &reservation.allocations).await?;
                if alone { this.tell_held(&tx, request, whole) } else { Ok(()) }
            })
            .await?;
        for (number, part) in (1..).zip(rest) {
            if let Err(error) = self.hold_part(reservation, number, part).await {
                self.undo(reservation).await?;
                return Err(error);
            }
        }
        if !alone {
            self.space
                .transact(|tx| async move {
                    if !this.stands(&tx, reservation).await? {
                        return Err(taken_away(reservation));
                    }
                    tx.put(&Reservation { state: State::Held, ..reservation.clone() })?;
                    this.tell_held(&tx, request, whole)
                })
                .await?;
        }
        Ok(())
    }

    async fn hold_part(
        &self,
        of: &Reservation,
        number: usize,
        allocations: &[Allocation],
    ) -> Result<(), StoreError> {
        let this = self;
        self.space
            .transact(|tx| async move {
                // Guards against a release or sweep that takes the reservation away meanwhile.
                if !this.stands(&tx, of).await? {
                    return Err(taken_away(of));
                }
                let part = ReservationPart {
                    reservation: of.id,
                    number,
                    allocations: allocations.to_vec(),
                    counted: Counted::Reserved,
                    until: Some(of.until),
                };
                tx.insert(&part)?;
                this.take(&tx, allocations).await
            })
            .await
    }

    async fn take(&self, tx: &Tx, allocations: &[Allocation]) -> Result<(), StoreError> {
        let skus: Vec<Sku> = allocations.iter().map(|a| a.sku.clone()).collect();
        for (allocation, policy) in allocations.iter().zip(self.policies(&skus).await?) {
            tx.add(stock_key(&allocation.sku, &allocation.location), counting::hold(allocation, &policy))?;
        }
        Ok(())
    }

    fn tell_held(&self, tx: &Tx, request: &Reserve, allocations: &[Allocation]) -> Result<(), StoreError> {
        let event = StockReserved {
            reservation_id: request.reservation,
            holder: request.holder.clone(),
            allocations: allocations.to_vec(),
            until: request.until,
        };
        self.emit(tx, &event, &request.meta)
    }

    /// Takes a half-made attempt away, part by part, its own document last. Does nothing when the reservation has gone
    /// on, or is another attempt's by now.
    pub(super) async fn undo(&self, of: &Reservation) -> Result<(), StoreError> {
        let undoing = Reservation { state: State::Undoing, ..of.clone() };
        let (undoing, this) = (&undoing, self);
        let begun = self
            .space
            .transact(|tx| async move {
                let found = tx.get::<Reservation>(&Reservation::key_of(undoing.id)).await?;
                Ok::<_, StoreError>(match found.filter(|f| f.attempt == undoing.attempt) {
                    Some(found) if found.state == State::Reserving => tx.put(undoing).map(|()| true)?,
                    Some(found) => found.state == State::Undoing,
                    None => false,
                })
            })
            .await?;
        if !begun {
            return Ok(());
        }
        self.recount_parts(undoing, Counted::Free).await?;
        self.space
            .transact(|tx| async move {
                if this.stands(&tx, undoing).await? {
                    recount(&tx, &undoing.allocations, Counted::Reserved, Counted::Free)?;
                    tx.delete(&Reservation::key_of(undoing.id))?;
                }
                Ok(())
            })
            .await
    }
}

fn taken_away(of: &Reservation) -> StoreError {
    StoreError::AlreadyExists { key: Box::new(Reservation::key_of(of.id)) }
}
