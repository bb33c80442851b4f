//! Which checkouts this process is driving right now.
//!
//! A payment that is decided while its checkout is being driven is news to nobody: the driver has asked for it itself.
//! It only spares work: two drivers at once, in one process or in two, give one result.

use emporia_contracts::ids::CheckoutId;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

#[derive(Clone, Default)]
pub(crate) struct Driving(Arc<Mutex<HashMap<CheckoutId, Drivers>>>);

#[derive(Default)]
struct Drivers {
    many: usize,
    /// A payment was decided since the last look.
    news: bool,
}

/// Somebody drives a checkout as long as he holds this.
pub(crate) struct Driver {
    all: Driving,
    checkout: CheckoutId,
}

impl Driving {
    pub(crate) fn begin(&self, checkout: CheckoutId) -> Driver {
        self.0.lock().entry(checkout).or_default().many += 1;
        Driver { all: self.clone(), checkout }
    }

    /// Leaves word that a payment was decided; false if nobody is there to take it.
    pub(crate) fn tell(&self, checkout: CheckoutId) -> bool {
        self.0.lock().get_mut(&checkout).map(|drivers| drivers.news = true).is_some()
    }
}

impl Driver {
    /// Whether a payment was decided meanwhile. Whoever hears of it looks again before he leaves.
    pub(crate) fn news(&self) -> bool {
        self.all.0.lock().get_mut(&self.checkout).is_some_and(|drivers| std::mem::take(&mut drivers.news))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut all = self.all.0.lock();
        if let Some(drivers) = all.get_mut(&self.checkout) {
            drivers.many -= 1;
            if drivers.many == 0 {
                all.remove(&self.checkout);
            }
        }
    }
}
