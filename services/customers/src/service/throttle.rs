//! How often a password or code may be tried.

use emporia_id::SharedClock;
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::DashMapStateStore,
};
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::atomic::{AtomicU32, Ordering},
};

/// After so many attempts those that are long past are forgotten.
const TIDY_AFTER: u32 = 1024;

type Limiter = RateLimiter<String, DashMapStateStore<String>, Ticks, NoOpMiddleware<Nanos>>;

/// A number of attempts per key and time. It is kept in memory: a restart forgives.
pub(crate) struct Throttle {
    limiter: Limiter,
    attempts: AtomicU32,
}

impl Throttle {
    pub(crate) fn new(quota: Quota, clock: SharedClock) -> Self {
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), Ticks(clock));
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

/// What attempts of a network address are counted under: with IPv6, whoever has one address has the 2^64 of its network.
pub(crate) fn network(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            format!("{}/64", Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)))
        }
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
