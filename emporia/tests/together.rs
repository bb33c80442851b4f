//! Two processes on one database do the same work at the same time, and each piece is done once.

use emporia::{audit, platform::Platform};
use emporia_contracts::checkout::CheckoutExpired;
use emporia_events::{Envelope, Position};
use emporia_id::FixedClock;
use emporia_store::Store;
use emporia_testkit::{Emporia, Setup};
use emporia_testpay::api::EntryType;
use futures_util::future::join_all;
use jiff::SignedDuration;
use std::{collections::HashMap, sync::Arc};

const CARD: &str = "4242424242424242";

/// A shop on PostgreSQL without tasks, and its rooms as a second process has them; none when the run is on SQLite.
async fn two() -> Option<(Emporia, Platform, Arc<FixedClock>)> {
    if std::env::var("EMPORIA_TEST_STORE").is_ok_and(|store| store.starts_with("postgres")) {
        let clock = Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let setup = Setup { clock: Some(clock.clone()), tasks: false, ..Setup::default() };
        let shop = Emporia::small_with(setup).await;
        let other = shop.beside().await;
        return Some((shop, other, clock));
    }
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    {
        println!("skipped: two processes need EMPORIA_TEST_STORE=postgres");
    }
    None
}

/// How often each subject had an event of this kind.
async fn told<P: emporia_events::EventPayload>(store: &Store) -> HashMap<String, usize> {
    let mut subjects = HashMap::new();
    for log in store.logs() {
        let mut at = Position::ZERO;
        loop {
            let batch = store.read_log(&log, at, 1000, Some(P::SOURCE)).await.unwrap();
            if batch.next == at {
                break;
            }
            at = batch.next;
            let events = batch.records.iter().map(|record| Envelope::from_record(record).unwrap());
            for event in events.filter(Envelope::is::<P>) {
                *subjects.entry(event.payload::<P>().unwrap().subject()).or_default() += 1;
            }
        }
    }
    subjects
}

#[tokio::test(flavor = "multi_thread")]
async fn checkouts_that_two_processes_expire_at_once_expire_once_and_give_back_once() {
    let Some((shop, other, clock)) = two().await else { return };
    let checkouts = join_all((0..24).map(async |_| {
        let guest = shop.guest().await;
        let checkout = guest.checkout(&guest.cart_with(&[("BOOK", 1)]).await, "DE").await;
        guest.deliver(&checkout).await;
        checkout
    }))
    .await;
    clock.advance(SignedDuration::from_hours(24 * 7));
    let sweeping = [&shop.platform, &other].map(async |rooms: &Platform| {
        for _ in 0..4 {
            rooms.checkout.recover().await.unwrap();
            rooms.inventory.sweep().await.unwrap();
            rooms.carts.sweep().await.unwrap();
        }
    });
    join_all(sweeping).await;
    let expired = told::<CheckoutExpired>(&shop.platform.store).await;
    assert_eq!(expired.len(), checkouts.len());
    assert!(expired.values().all(|times| *times == 1), "{expired:?}");
    assert_eq!(audit::run(&shop.platform.store, None).await.unwrap().differences(), 0);
    other.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_two_processes_carry_on_at_once_is_paid_once() {
    let Some((shop, other, clock)) = two().await else { return };
    let bought = join_all((0..8).map(async |_| {
        let guest = shop.guest().await;
        let checkout = guest.checkout(&guest.cart_with(&[("BOOK", 1)]).await, "DE").await;
        guest.deliver(&checkout).await;
        guest.pay_with(&checkout, CARD).await;
        let complete = guest.complete(&checkout);
        let recover = async {
            // What is under way is soon due for whoever finds it standing still.
            for _ in 0..10 {
                clock.advance(SignedDuration::from_secs(20));
                other.checkout.recover().await.unwrap();
                other.payments.sweep().await.unwrap();
            }
        };
        tokio::join!(complete, recover).0["order"]["number"].as_str().map(ToOwned::to_owned)
    }))
    .await;
    assert!(bought.iter().all(Option::is_some), "{bought:?}");
    let ledger = shop.provider.whole_ledger().await.unwrap();
    let authorised = ledger.iter().filter(|entry| entry.kind == EntryType::Authorise).count();
    assert_eq!(authorised, bought.len(), "{ledger:?}");
    other.store.close().await;
}
