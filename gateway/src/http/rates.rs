//! How often somebody may ask: a token bucket for each address and for each known caller.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::sync::Cache;

use crate::config::{Rate, RateLimits};

/// Buckets that are remembered. When more ask, those that asked longest ago are forgotten: they are full, mostly.
const BUCKETS: u64 = 100_000;

/// The buckets of a server.
pub(crate) struct Rates {
    addresses: Option<Buckets<IpAddr>>,
    callers: Option<Buckets<Arc<str>>>,
}

impl Rates {
    pub(crate) fn new(config: &RateLimits) -> Self {
        Self {
            addresses: config.per_address.filter(|_| config.enabled).map(Buckets::new),
            callers: config.per_caller.filter(|_| config.enabled).map(Buckets::new),
        }
    }

    /// Takes tokens for an address, one for each operation; the error is how long to wait.
    pub(crate) fn address(&self, client: Option<IpAddr>, operations: usize) -> Result<(), Duration> {
        match (&self.addresses, client) {
            (Some(buckets), Some(client)) if operations > 0 => buckets.take(network_of(client), operations),
            _ => Ok(()),
        }
    }

    /// Takes tokens for a known caller, one for each operation; the error is how long to wait.
    pub(crate) fn caller(&self, key: Option<&Arc<str>>, operations: usize) -> Result<(), Duration> {
        match (&self.callers, key) {
            (Some(buckets), Some(key)) => buckets.take(key.clone(), operations),
            _ => Ok(()),
        }
    }
}

/// A subscriber of IPv6 has a whole /64: it is one client.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// Token buckets in the form of GCRA: one number a bucket, the moment at which it is full again.
struct Buckets<K> {
    full_at: Cache<K, Arc<AtomicU64>>,
    since: Instant,
    /// Nanoseconds until the next token.
    gap: u64,
    /// Nanoseconds until an empty bucket is full.
    depth: u64,
}

impl<K: Hash + Eq + Send + Sync + 'static> Buckets<K> {
    fn new(rate: Rate) -> Self {
        let gap = 1_000_000_000 / u64::from(rate.per_second.get());
        let depth = gap * u64::from(rate.burst.get());
        let full_at =
            Cache::builder().max_capacity(BUCKETS).time_to_idle(Duration::from_nanos(depth)).build();
        Self { full_at, since: Instant::now(), gap, depth }
    }

    fn take(&self, key: K, tokens: usize) -> Result<(), Duration> {
        let bucket = self.full_at.get_with(key, Arc::default);
        let now = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // More than a bucket holds can never be had: then a full one is emptied.
        let cost = self.gap.saturating_mul(tokens as u64).min(self.depth);
        let taken = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let full_at = full_at.max(now) + cost;
            (full_at - now <= self.depth).then_some(full_at)
        });
        taken.map(drop).map_err(|full_at| Duration::from_nanos(full_at.max(now) + cost - now - self.depth))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn rates() -> Rates {
        let rate = |n| NonZeroU32::new(n).unwrap();
        Rates::new(&RateLimits {
            enabled: true,
            per_address: Some(Rate { per_second: rate(1), burst: rate(3) }),
            per_caller: Some(Rate { per_second: rate(1_000), burst: rate(2) }),
        })
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_says_how_long_to_wait() {
        let rates = rates();
        let ask = |address: &str| rates.address(Some(address.parse().unwrap()), 1);
        for _ in 0..3 {
            assert!(ask("192.0.2.1").is_ok());
        }
        let wait = ask("192.0.2.1").unwrap_err();
        assert!(wait > Duration::from_millis(500) && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(ask("192.0.2.2").is_ok());
    }

    #[test]
    fn a_bucket_fills_again_and_a_batch_takes_a_token_for_each_operation() {
        let rates = rates();
        let key: Arc<str> = "key/1".into();
        assert!(rates.caller(Some(&key), 2).is_ok());
        let wait = rates.caller(Some(&key), 2).unwrap_err();
        std::thread::sleep(wait);
        assert!(rates.caller(Some(&key), 1_000_000).is_ok(), "a full bucket is emptied");
        assert!(rates.caller(None, 5).is_ok());
    }

    #[test]
    fn the_addresses_of_one_subscriber_share_a_bucket() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
