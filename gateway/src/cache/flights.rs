//! Equal questions at the same time are answered once.

use std::{collections::HashMap, future::Future, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::shelf::Key;
use crate::response::Response;

/// A question, and how many purges there were when it was asked: who asks after a change does not get an answer that
/// was begun before it.
type Flight = (Key, u64);
type Cell = Arc<OnceCell<Response>>;

/// The questions that are being answered.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<Flight, Cell>>);

impl Flights {
    /// The answer of `work`, or of whoever began on the same before; `true` if it was this one. When who began gives
    /// up, the next one who waits takes over.
    pub(crate) async fn join(
        &self,
        flight: Flight,
        work: impl Future<Output = Response>,
    ) -> (Response, bool) {
        let seat = Seat { flights: self, flight, cell: self.0.lock().entry(flight).or_default().clone() };
        let mut mine = false;
        let work = async {
            mine = true;
            work.await
        };
        let response = seat.cell.get_or_init(|| work).await.clone();
        (response, mine)
    }
}

/// The last to leave takes the flight off the board.
struct Seat<'f> {
    flights: &'f Flights,
    flight: Flight,
    cell: Cell,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock();
        let landed = self.cell.initialized();
        // One count is the board's, one is ours.
        let last = Arc::strong_count(&self.cell) <= 2;
        if (landed || last) && flights.get(&self.flight).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell)) {
            flights.remove(&self.flight);
        }
    }
}
