//! Holding stock, allocating it, giving it back: one part or many, all or none.

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
    ids::ReservationId,
    inventory::{
        Allocation, CommitRefusal, CommitReservation, ReleaseReservation, ReservationCommitted, ReservationReleased,
        Reserve, ReserveRefusal, Reserved, StockReserved,
    },
    values::Sku,
};
use emporia_events::EventMeta;
use emporia_store::{Children, Query, StoreError, Tx};

/// Allocations in one part: with document and event they fit one transaction.
const PART: usize = 90;
/// Plans tried before a basket that others keep taking from is told to come again.
const PLANS: usize = 25;

impl InventoryService {
    pub(crate) async fn hold(&self, request: Reserve) -> Result<Reserved, ReserveRefusal> {
        if request.pool.is_empty() || request.demand.is_empty() {
            return Err(Fault::permanent("inventory", "a reservation needs a demand and a pool of locations").into());
        }
        let demand = sourcing::sum(&request.demand);
        let skus: Vec<Sku> = demand.keys().cloned().collect();
        for _ in 0..PLANS {
            if let Some(known) = self.known(&request).await? {
                return Ok(known);
            }
            let levels = self.promises(&skus, &request.pool).await.map_err(fault)?;
            let allocations = match sourcing::plan(&demand, &request.pool, &levels) {
                Plan::Full(allocations) => allocations,
                Plan::Short(shortages) => return Err(ReserveRefusal::Short(shortages)),
            };
            match self.hold_as_planned(&request, &allocations).await {
                Ok(()) => {
                    return Ok(Reserved { reservation: request.reservation, allocations, until: request.until });
                }
                // Somebody was quicker: plan again with what is left now.
                Err(StoreError::BelowFloor { .. } | StoreError::AlreadyExists { .. }) => {}
                Err(error) => return Err(fault(error).into()),
            }
        }
        Err(Fault::transient("inventory", "this stock is in great demand: try again").into())
    }

    /// The answer to a call that was made before.
    async fn known(&self, request: &Reserve) -> Result<Option<Reserved>, ReserveRefusal> {
        let found = self.space.get::<Reservation>(&Reservation::key_of(request.reservation)).await.map_err(fault)?;
        let Some(found) = found else { return Ok(None) };
        let same = found.demand == request.demand || found.demand.is_empty();
        match found.state {
            State::Held | State::Committing { .. } | State::Committed { .. } if same => {
                let allocations = self.allocations(&found).await.map_err(fault)?;
                Ok(Some(Reserved { reservation: found.id, allocations, until: found.until }))
            }
            // Cut off half-way: undo what was taken, then begin anew.
            State::Reserving if same => {
                self.undo(&found).await.map_err(fault)?;
                Ok(None)
            }
            State::Releasing { .. } | State::Released { .. } => Err(ReserveRefusal::Ended(request.reservation)),
            _ => {
                let what = format!("reservation {} was used for another demand", request.reservation);
                Err(Fault::permanent("inventory", what).into())
            }
        }
    }

    async fn hold_as_planned(&self, request: &Reserve, allocations: &[Allocation]) -> Result<(), StoreError> {
        let mut rest = allocations.chunks(PART);
        let parts = rest.len();
        let first = rest.next().unwrap_or_default();
        let (this, whole) = (self, allocations);
        let alone = parts <= 1;
        let reservation = Reservation {
            id: request.reservation,
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
                    let held = Reservation { state: State::Held, ..this.expect(&tx, reservation.id).await? };
                    tx.put(&held)?;
                    this.tell_held(&tx, request, whole)
                })
                .await?;
        }
        Ok(())
    }

    async fn hold_part(&self, of: &Reservation, number: usize, allocations: &[Allocation]) -> Result<(), StoreError> {
        let this = self;
        self.space
            .transact(|tx| async move {
                // Guards against a sweep that undoes the reservation meanwhile.
                if this.expect(&tx, of.id).await?.state != State::Reserving {
                    return Err(StoreError::AlreadyExists { key: Box::new(Reservation::key_of(of.id)) });
                }
                let part = ReservationPart {
                    reservation: of.id,
                    number,
                    allocations: allocations.to_vec(),
                    counted: Counted::Reserved,
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

    async fn expect(&self, tx: &Tx, id: ReservationId) -> Result<Reservation, StoreError> {
        let gone = || StoreError::Unavailable { detail: format!("reservation {id} was taken away meanwhile") };
        Ok(tx.get::<Reservation>(&Reservation::key_of(id)).await?.ok_or_else(gone)?.value)
    }

    async fn parts(&self, of: &Reservation) -> Result<Vec<ReservationPart>, StoreError> {
        if of.parts <= 1 {
            return Ok(vec![]);
        }
        let children = Children::of(of.id.to_string()).limit(1000);
        Ok(self.space.children::<ReservationPart>(children).await?.into_values())
    }

    async fn allocations(&self, of: &Reservation) -> Result<Vec<Allocation>, StoreError> {
        let parts = self.parts(of).await?;
        Ok(of.allocations.iter().cloned().chain(parts.into_iter().flat_map(|p| p.allocations)).collect())
    }

    /// Takes a half-made reservation away, part by part, its own document last.
    async fn undo(&self, of: &Reservation) -> Result<(), StoreError> {
        self.recount_parts(of, Counted::Free).await?;
        let key = Reservation::key_of(of.id);
        let key = &key;
        self.space
            .transact(|tx| async move {
                match tx.get::<Reservation>(key).await? {
                    Some(found) if found.state == State::Reserving => {
                        recount(&tx, &found.allocations, Counted::Reserved, Counted::Free)?;
                        tx.delete(key)
                    }
                    _ => Ok(()),
                }
            })
            .await
    }

    /// Counts every further part as `to`. Parts that count so already are left alone; freed ones are taken away.
    async fn recount_parts(&self, of: &Reservation, to: Counted) -> Result<(), StoreError> {
        for part in self.parts(of).await? {
            let key = ReservationPart::key_of(part.reservation, part.number);
            let key = &key;
            self.space
                .transact(|tx| async move {
                    let Some(part) = tx.get::<ReservationPart>(key).await?.filter(|p| p.counted != to) else {
                        return Ok(());
                    };
                    recount(&tx, &part.allocations, part.counted, to)?;
                    match to {
                        Counted::Free => tx.delete(key),
                        _ => tx.put(&ReservationPart { counted: to, ..part.value }),
                    }
                })
                .await?;
        }
        Ok(())
    }

    pub(crate) async fn allocate(&self, request: CommitReservation) -> Result<Vec<Allocation>, CommitRefusal> {
        let failed = |error: StoreError| CommitRefusal::Fault(fault(error));
        let (request, this) = (&request, self);
        // First step: from here on it belongs to the order and cannot expire.
        let found = self
            .space
            .transact(|tx| async move {
                let key = Reservation::key_of(request.reservation);
                let Some(found) = tx.get::<Reservation>(&key).await? else { return Ok::<_, StoreError>(None) };
                let now = this.space.clock().now();
                match &found.state {
                    State::Held if now < found.until => {}
                    State::Committing { order } | State::Committed { order } if *order == request.order => {
                        return Ok(Some(found.value));
                    }
                    _ => return Ok(None),
                }
                let alone = found.parts <= 1;
                let order = request.order;
                let state = if alone { State::Committed { order } } else { State::Committing { order } };
                let committed = Reservation { state, ..found.value };
                tx.put(&committed)?;
                recount(&tx, &committed.allocations, Counted::Reserved, Counted::Allocated)?;
                if alone {
                    this.tell_committed(&tx, &committed, committed.allocations.clone(), &request.meta)?;
                }
                Ok(Some(committed))
            })
            .await
            .map_err(failed)?;
        let Some(found) = found else { return Err(CommitRefusal::NotHeld(request.reservation)) };
        self.finish_commit(&found, &request.meta).await.map_err(failed)
    }

    async fn finish_commit(&self, found: &Reservation, meta: &EventMeta) -> Result<Vec<Allocation>, StoreError> {
        let allocations = self.allocations(found).await?;
        if let State::Committing { order } = found.state {
            self.recount_parts(found, Counted::Allocated).await?;
            let (this, all) = (self, &allocations);
            self.space
                .transact(|tx| async move {
                    let found = this.expect(&tx, found.id).await?;
                    if matches!(found.state, State::Committing { .. }) {
                        let committed = Reservation { state: State::Committed { order }, ..found };
                        tx.put(&committed)?;
                        this.tell_committed(&tx, &committed, all.clone(), meta)?;
                    }
                    Ok::<_, StoreError>(())
                })
                .await?;
        }
        Ok(allocations)
    }

    fn tell_committed(
        &self,
        tx: &Tx,
        of: &Reservation,
        allocations: Vec<Allocation>,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        match of.state {
            State::Committed { order } => {
                let event = ReservationCommitted { reservation_id: of.id, order_id: order, allocations };
                self.emit(tx, &event, meta)
            }
            _ => Ok(()),
        }
    }

    pub(crate) async fn give_back(&self, request: ReleaseReservation) -> Result<(), StoreError> {
        let (request, this) = (&request, self);
        let found = self
            .space
            .transact(|tx| async move {
                let key = Reservation::key_of(request.reservation);
                let reason = request.reason.clone();
                let Some(found) = tx.get::<Reservation>(&key).await? else {
                    // A tombstone: a `reserve` of this id that is still on its way must not succeed any more.
                    let tombstone = Reservation {
                        id: request.reservation,
                        holder: String::new(),
                        until: this.space.clock().now(),
                        state: State::Released { reason },
                        parts: 0,
                        allocations: vec![],
                        demand: vec![],
                    };
                    tx.insert(&tombstone)?;
                    return Ok(None);
                };
                match found.state {
                    State::Held | State::Reserving => {}
                    State::Releasing { .. } => return Ok(Some(found.value)),
                    _ => return Ok::<_, StoreError>(None),
                }
                let releasing = Reservation { state: State::Releasing { reason }, ..found.value };
                tx.put(&releasing)?;
                Ok(Some(releasing))
            })
            .await?;
        match found {
            Some(found) => self.finish_release(&found, &request.meta).await,
            None => Ok(()),
        }
    }

    async fn finish_release(&self, found: &Reservation, meta: &EventMeta) -> Result<(), StoreError> {
        let allocations = self.allocations(found).await?;
        self.recount_parts(found, Counted::Free).await?;
        let (this, all) = (self, &allocations);
        self.space
            .transact(|tx| async move {
                let found = this.expect(&tx, found.id).await?;
                let State::Releasing { reason } = found.state.clone() else { return Ok(()) };
                recount(&tx, &found.allocations, Counted::Reserved, Counted::Free)?;
                let event = ReservationReleased {
                    reservation_id: found.id,
                    reason: reason.clone(),
                    allocations: all.clone(),
                };
                tx.put(&Reservation { state: State::Released { reason }, ..found })?;
                this.emit(&tx, &event, meta)
            })
            .await
    }

    /// Gives back what is held past its time, and finishes what a crash cut off. Returns how many reservations it
    /// dealt with; call it again while that is not zero.
    ///
    /// # Errors
    /// What the store reports; what was done until then stays done.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.space.clock().now();
        let due = Query::index("reservations_due").to(emporia_store::IndexKey::new().time(now)).limit(100);
        let due = self.space.query::<Reservation>(due).await?.into_values();
        let meta = emporia_contracts::context::system_meta("inventory-sweep", self.ids.next_uuid().to_string(), None);
        for found in &due {
            match &found.state {
                State::Reserving => self.undo(found).await?,
                State::Committing { .. } => drop(self.finish_commit(found, &meta).await?),
                State::Releasing { .. } => self.finish_release(found, &meta).await?,
                State::Held => {
                    let request =
                        ReleaseReservation { reservation: found.id, reason: "expired".into(), meta: meta.clone() };
                    self.give_back(request).await?;
                }
                State::Committed { .. } | State::Released { .. } => {}
            }
        }
        Ok(due.len())
    }
}

/// Units of these allocations, counted as `from`, now count as `to`. Several of one row are summed by the store.
fn recount(tx: &Tx, allocations: &[Allocation], from: Counted, to: Counted) -> Result<(), StoreError> {
    allocations
        .iter()
        .try_for_each(|a| tx.add(stock_key(&a.sku, &a.location), counting::recount(a, from, to)))
}
