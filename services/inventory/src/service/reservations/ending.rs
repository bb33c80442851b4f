//! The end of a reservation: it becomes an order's, or is given back.

use super::recount;
use crate::{
    model::{Counted, Reservation, ReservationState as State},
    service::{InventoryService, fault},
};
use emporia_contracts::inventory::{
    Allocation, CommitRefusal, CommitReservation, ReleaseReservation, ReservationCommitted,
    ReservationReleased,
};
use emporia_events::EventMeta;
use emporia_store::{Query, StoreError, Tx};

impl InventoryService {
    pub(crate) async fn allocate(
        &self,
        request: CommitReservation,
    ) -> Result<Vec<Allocation>, CommitRefusal> {
        let failed = |error: StoreError| CommitRefusal::Fault(fault(error));
        let (request, this) = (&request, self);
        // First step: from here on it belongs to the order and cannot expire.
        let found = self
            .space
            .transact(|tx| async move {
                let key = Reservation::key_of(request.reservation);
                let Some(found) = tx.get::<Reservation>(&key).await? else {
                    return Ok::<_, StoreError>(None);
                };
                let now = this.space.clock().now();
                match &found.state {
                    State::Held if now < found.until => {}
                    // Ended for everybody, also for a caller whose clock is behind: what took its place must not be
                    // committed beside it.
                    State::Held => {
                        let reason = "expired".to_owned();
                        let releasing = Reservation { state: State::Releasing { reason }, ..found.value };
                        tx.put(&releasing)?;
                        return Ok(Some(releasing));
                    }
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
        let found = match found {
            Some(found) if !matches!(found.state, State::Releasing { .. }) => found,
            ended => {
                if let Some(ended) = ended {
                    self.finish_release(&ended, &request.meta).await.map_err(failed)?;
                }
                return Err(CommitRefusal::NotHeld(request.reservation));
            }
        };
        self.finish_commit(&found, &request.meta).await.map_err(failed)
    }

    pub(super) async fn finish_commit(
        &self,
        found: &Reservation,
        meta: &EventMeta,
    ) -> Result<Vec<Allocation>, StoreError> {
        let allocations = self.allocations(found).await?;
        if let State::Committing { order } = found.state {
            self.recount_parts(found, Counted::Allocated).await?;
            let (this, all) = (self, &allocations);
            self.space
                .transact(|tx| async move {
                    if this.stands(&tx, found).await? {
                        let committed = Reservation { state: State::Committed { order }, ..found.clone() };
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
        loop {
            match self.begin_release(&request).await? {
                None => return Ok(()),
                // Nobody was told of it, so there is nothing to give back: it is undone, and the id buried.
                Some(found) if matches!(found.state, State::Reserving | State::Undoing) => {
                    let _turn = self.turns.of(found.id).await;
                    self.undo(&found).await?;
                }
                Some(found) => return self.finish_release(&found, &request.meta).await,
            }
        }
    }

    async fn begin_release(&self, request: &ReleaseReservation) -> Result<Option<Reservation>, StoreError> {
        let this = self;
        self.space
            .transact(|tx| async move {
                let reason = request.reason.clone();
                let Some(found) = tx.get::<Reservation>(&Reservation::key_of(request.reservation)).await?
                else {
                    // A tombstone: a `reserve` of this id that is still on its way must not succeed any more.
                    tx.put(&Reservation {
                        id: request.reservation,
                        attempt: this.ids.next_uuid(),
                        holder: String::new(),
                        until: this.space.clock().now(),
                        state: State::Released { reason },
                        parts: 0,
                        allocations: vec![],
                        demand: vec![],
                    })?;
                    return Ok(None);
                };
                match found.state {
                    State::Held => {
                        let releasing = Reservation { state: State::Releasing { reason }, ..found.value };
                        tx.put(&releasing)?;
                        Ok(Some(releasing))
                    }
                    State::Reserving | State::Undoing | State::Releasing { .. } => Ok(Some(found.value)),
                    State::Committing { .. } | State::Committed { .. } | State::Released { .. } => Ok(None),
                }
            })
            .await
    }

    pub(super) async fn finish_release(
        &self,
        found: &Reservation,
        meta: &EventMeta,
    ) -> Result<(), StoreError> {
        let allocations = self.allocations(found).await?;
        self.recount_parts(found, Counted::Free).await?;
        let (this, all) = (self, &allocations);
        self.space
            .transact(|tx| async move {
                let State::Releasing { reason } = found.state.clone() else { return Ok(()) };
                if !this.stands(&tx, found).await? {
                    return Ok(());
                }
                recount(&tx, &found.allocations, Counted::Reserved, Counted::Free)?;
                let event = ReservationReleased {
                    reservation_id: found.id,
                    reason: reason.clone(),
                    allocations: all.clone(),
                };
                tx.put(&Reservation { state: State::Released { reason }, ..found.clone() })?;
                this.emit(&tx, &event, meta)
            })
            .await
    }

    /// Gives back what is held past its time, and finishes what a crash cut off. Returns how many reservations it
    /// dealt with; call it again while that is not zero. One that cannot be dealt with now does not keep the others
    /// waiting: it is logged and stays due.
    ///
    /// # Errors
    /// What the store reports when it cannot say what is due.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.space.clock().now();
        let due = Query::index("reservations_due").to(emporia_store::IndexKey::new().time(now)).limit(100);
        let due = self.space.query::<Reservation>(due).await?.into_values();
        let meta = emporia_contracts::context::system_meta(
            "inventory-sweep",
            self.ids.next_uuid().to_string(),
            None,
        );
        let mut done = 0;
        for found in &due {
            match self.end(found, &meta).await {
                Ok(()) => done += 1,
                Err(error) => {
                    tracing::warn!(reservation = %found.id, %error, "a due reservation stays as it is")
                }
            }
        }
        Ok(done)
    }

    async fn end(&self, due: &Reservation, meta: &EventMeta) -> Result<(), StoreError> {
        match &due.state {
            State::Reserving | State::Undoing => self.undo(due).await,
            State::Committing { .. } => self.finish_commit(due, meta).await.map(drop),
            State::Releasing { .. } => self.finish_release(due, meta).await,
            State::Held => {
                let (reservation, reason) = (due.id, "expired".to_owned());
                self.give_back(ReleaseReservation { reservation, reason, meta: meta.clone() }).await
            }
            State::Committed { .. } | State::Released { .. } => Ok(()),
        }
    }
}
