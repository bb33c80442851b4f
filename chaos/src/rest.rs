//! Everything is whole again: the shop comes to rest, and its books are compared.

use crate::{people::Seen, proxy::Weather, world::World};
use emporia::{
    audit::{self, Report},
    serve,
};
use emporia_contracts::ids::PaymentId;
use emporia_id::{Clock, SystemClock};
use emporia_payments::Payment;
use emporia_testpay::api::EntryType;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

/// Documents that are read at once.
const PAGE: usize = 500;
/// How long the shop may take until nothing is under way.
const LONGEST: Duration = Duration::from_secs(240);

/// The machine's clock, so many minutes ahead: what waits for its time has not to be waited for.
#[derive(Default)]
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_mins(self.0.load(Ordering::Relaxed))
    }
}

/// Prints what the audit says; whether all is well.
pub(crate) async fn audited(world: &World, seen: &Seen) -> bool {
    world.kill_shop();
    world.to_provider.becomes(Weather::Fair);
    if let Some(proxy) = &world.to_database {
        proxy.becomes(Weather::Fair);
    }
    let begun = Instant::now();
    let clock = Arc::new(Ahead::default());
    // Where the shop's clock had jumped to.
    clock.0.store(62, Ordering::Relaxed);
    let parts = world.parts(clock.clone());
    let provider = parts.provider.clone();
    let (platform, tasks) = serve::open(parts).await.unwrap();
    let opened = begun.elapsed();
    let report = loop {
        for _ in 0..3 {
            tasks.caught_up().await.unwrap();
            platform.payments.sweep().await.unwrap();
            platform.checkout.recover().await.unwrap();
        }
        tasks.caught_up().await.unwrap();
        let report = audit::run(&platform.store, Some(provider.as_ref())).await.unwrap();
        let under_way: u64 = report.checks.iter().map(|check| check.under_way).sum();
        if under_way == 0 && report.differences() == 0 || begun.elapsed() > LONGEST {
            break report;
        }
        // Whatever waits for its time: ten minutes later it is due.
        clock.0.fetch_add(10, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    println!(
        "started again in {:.1} s, at rest after {:.1} s",
        opened.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    println!("{report}");
    let mut fine = settled(&report);
    restless(&platform).await;
    let mut lost = vec![];
    let confirmed = seen.orders.lock().clone();
    for (id, number) in confirmed {
        let order = platform.orders.get(id.parse().unwrap()).await.unwrap();
        if order.is_none_or(|order| order.number != number) {
            lost.push(number);
        }
    }
    if !lost.is_empty() {
        println!("confirmed and not there: {lost:?}");
        fine = false;
    }
    let strange = strangers(world, &platform).await;
    if !strange.is_empty() {
        println!("money at the provider that belongs to no payment of ours: {strange:?}");
        fine = false;
    }
    tasks.stop().await;
    platform.store.close().await;
    println!("{}", if fine { "All is well." } else { "NOT all is well." });
    fine
}

fn settled(report: &Report) -> bool {
    let under_way: u64 = report.checks.iter().map(|check| check.under_way).sum();
    if under_way > 0 {
        println!("{under_way} things did not come to rest");
    }
    report.differences() == 0 && under_way == 0
}

/// Prints payments that something is still to be done about.
async fn restless(platform: &emporia::platform::Platform) {
    let space = platform.store.space("payments").unwrap();
    let mut after = None;
    loop {
        let page = space.scan::<Payment>(after.as_ref(), PAGE).await.unwrap();
        for (_, payment) in page.iter().filter(|(_, payment)| payment.wants()) {
            println!("not at rest: {:?}", payment.value);
        }
        if page.len() < PAGE {
            return;
        }
        after = page.last().map(|(key, _)| key.clone());
    }
}

/// Payments of the provider's ledger that we do not know.
async fn strangers(world: &World, platform: &emporia::platform::Platform) -> BTreeSet<String> {
    let mut strange = BTreeSet::new();
    for entry in world.provider().whole_ledger().await.unwrap() {
        if entry.kind == EntryType::Authorise {
            let known = match entry.reference.parse::<PaymentId>() {
                Ok(id) => platform.payments.get(id).await.unwrap().is_some(),
                Err(_) => false,
            };
            if !known {
                strange.insert(entry.reference);
            }
        }
    }
    strange
}
