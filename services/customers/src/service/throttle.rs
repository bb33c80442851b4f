//! How often a password may be tried.

use emporia_id::SharedClock;
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::DashMapStateStore,
};
use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

/// After so many attempts those that are long past are forgotten.
const TIDY_AFTER: u32 = 1024;

type Limiter = RateLimiter<String, DashMapStateStore<String>, Ticks, NoOpMiddleware<Nanos>>;

/// A number of attempts per key and minute. It is kept in memory: a restart forgives.
pub(crate) struct Throttle {
    limiter: Limiter,
    attempts: AtomicU32,
}

impl Throttle {
    pub(crate) fn new(per_minute: NonZeroU32, clock: SharedClock) -> Self {
        let limiter =
            RateLimiter::new(Quota::per_minute(per_minute), DashMapStateStore::default(), Ticks(clock));
        Self { limiter, attempts: AtomicU32::new(0) }
    }

    pub(crate) fn admits(&self, key: &str) -> bool {
        if self.attempts.fetch_add(1, Ordering::Relaxed) % TIDY_AFTER == TIDY_AFTER - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(&key.to_owned()).is_ok()
    }
}

/// Our clock as the limiter wants it.
#[derive(Clone)]
struct Ticks(SharedClock);

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(u64::try_from(self.0.now().as_nanosecond()).unwrap_or(0))
    }
}
