//! Setting and finding prices, on a real store.

mod room;

use emporia_contracts::pricing::Pricing;
use emporia_contracts::{
    pricing::{Price, PriceRequest},
    values::{ChannelKey, Sku},
};
use emporia_pricing::{Expected, PriceRefusal, PriceSetting, PriceSource, SetPrice};
use jiff::Timestamp;
use room::{Room, meta, price, sku, windowed};
use std::sync::Arc;

const MONDAY: &str = "2026-11-23T00:00:00Z";
const FRIDAY: &str = "2026-11-27T00:00:00Z";
const SUNDAY: &str = "2026-11-29T00:00:00Z";

#[tokio::test]
async fn a_window_overrides_the_base_price_while_it_holds() {
    let room = Room::open().await;
    let set = vec![
        price("eu", "SHIRT", "19.99"),
        SetPrice {
            compare_at: Some(room::unit("19.99", "EUR")),
            ..windowed("eu", "SHIRT", "14.99", Some(FRIDAY), Some(SUNDAY))
        },
        windowed("eu", "SHIRT", "24.99", Some("2027-01-01T00:00:00Z"), None),
    ];
    assert!(room.set(set).await.iter().all(Result::is_ok));
    for (at, expected, until) in [
        (MONDAY, "19.99", Some(FRIDAY)),
        ("2026-11-26T23:59:59.999999999Z", "19.99", Some(FRIDAY)),
        (FRIDAY, "14.99", Some(SUNDAY)),
        (SUNDAY, "19.99", Some("2027-01-01T00:00:00Z")),
        ("2027-06-01T00:00:00Z", "24.99", None),
    ] {
        let found = room.at("eu", "SHIRT", at).unwrap();
        assert_eq!(found.unit.to_decimal_string(), expected, "at {at}");
        assert_eq!(found.valid_until, until.map(|text| text.parse().unwrap()), "at {at}");
        assert_eq!(found.compare_at.is_some(), expected == "14.99");
    }
    assert_eq!(room.at("us", "SHIRT", MONDAY), None, "another channel");
    assert_eq!(room.at("nowhere", "SHIRT", MONDAY), None, "no channel");
    assert_eq!(room.at("eu", "shirt", MONDAY), None, "another SKU");
}

#[tokio::test]
async fn every_rule_refuses_and_leaves_the_rest_alone() {
    let room = Room::open().await;
    let outcome = room
        .set(vec![
            price("eu", "A", "10"),
            SetPrice { unit: room::unit("10", "USD"), ..price("eu", "B", "1") },
            price("eu", "C", "-0.01"),
            price("eu", "D", "0"),
            SetPrice { compare_at: Some(room::unit("5", "EUR")), ..price("eu", "E", "5") },
            windowed("eu", "F", "5", Some(SUNDAY), Some(FRIDAY)),
            windowed("eu", "G", "5", Some(MONDAY), Some(SUNDAY)),
            windowed("eu", "G", "5", Some(FRIDAY), None),
            windowed("eu", "G", "5", None, Some(FRIDAY)),
            windowed("eu", "G", "6", None, Some(MONDAY)),
            price("mars", "H", "5"),
            price("jp", "I", "1299"),
        ])
        .await;
    use PriceRefusal::*;
    let refused = |place: usize| outcome[place].clone().unwrap_err();
    assert!(matches!(refused(1), Currency { .. }));
    assert_eq!((refused(2), refused(4), refused(5)), (Negative, CompareAt, EmptyWindow));
    let monday: Timestamp = MONDAY.parse().unwrap();
    assert_eq!((refused(7), refused(8)), (Overlap(Some(monday)), Overlap(Some(monday))));
    assert!(matches!(refused(10), UnknownChannel(_)));
    for accepted in [0, 3, 6, 9, 11] {
        assert_eq!(outcome[accepted], Ok(PriceSetting::Set { previous: None }), "item {accepted}");
    }
    assert_eq!(room.events().await, 5, "one event per price that was set");
    assert_eq!(room.at("eu", "D", MONDAY).unwrap().unit.to_decimal_string(), "0.00", "free is a price");
    assert_eq!(room.at("jp", "I", MONDAY).unwrap().unit.to_decimal_string(), "1299");
    assert_eq!(room.at("eu", "C", MONDAY), None);
}

#[tokio::test]
async fn the_same_again_writes_and_tells_nothing_and_a_new_end_moves_the_end() {
    let room = Room::open().await;
    let set = vec![price("eu", "A", "10.00"), windowed("eu", "A", "8", Some(FRIDAY), None)];
    room.set(set.clone()).await;
    assert!(room.set(set).await.iter().all(|o| *o == Ok(PriceSetting::Unchanged)));
    assert!(room.set(vec![price("eu", "A", "10")]).await[0] == Ok(PriceSetting::Unchanged), "10 is 10.00");
    assert_eq!(room.events().await, 2);
    let ended = room.set(vec![windowed("eu", "A", "8", Some(FRIDAY), Some(SUNDAY))]).await;
    assert_eq!(ended, [Ok(PriceSetting::Set { previous: Some(room::unit("8", "EUR")) })]);
    assert_eq!(room.at("eu", "A", SUNDAY).unwrap().unit.to_decimal_string(), "10.00");
}

#[tokio::test]
async fn compare_and_set_lets_one_of_many_through() {
    let room = Room::open().await;
    room.set(vec![price("eu", "A", "10")]).await;
    let tasks: Vec<_> = (0..64)
        .map(|cents| {
            let pricing = room.pricing.clone();
            let expected = Expected::Price(room::unit("10", "EUR"));
            let wanted = SetPrice { expected, ..price("eu", "A", &format!("9.{cents:02}")) };
            tokio::spawn(async move { pricing.set_prices(vec![wanted], meta()).await.unwrap().remove(0) })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(refusal) => assert!(matches!(refusal, PriceRefusal::Unexpected(Some(_))), "{refusal}"),
        }
    }
    assert_eq!(won, 1);
    let first = SetPrice { expected: Expected::Nothing, ..price("eu", "B", "1") };
    assert!(room.set(vec![first.clone()]).await[0].is_ok());
    assert_eq!(
        room.set(vec![first]).await[0],
        Ok(PriceSetting::Unchanged),
        "a repeated request is no conflict"
    );
    let second = SetPrice { expected: Expected::Nothing, ..price("eu", "B", "2") };
    assert!(room.set(vec![second]).await[0].is_err());
}

#[tokio::test]
async fn prices_of_many_skus_are_found_without_the_store_and_after_a_restart() {
    let room = Room::open().await;
    let all: Vec<SetPrice> =
        (0..2_500).map(|i| price("eu", &format!("SKU-{i}"), &format!("{i}.5"))).collect();
    assert!(room.set(all).await.iter().all(Result::is_ok));
    let room = room.restart().await;
    room.store.close().await;
    let skus: Vec<Sku> = (0..10_000).map(|i| sku(&format!("SKU-{i}"))).collect();
    let request = PriceRequest { skus, channel: "eu".parse().unwrap(), at: MONDAY.parse().unwrap() };
    let found = room.pricing.prices(request).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 2_500);
    assert_eq!(found[2_499].as_ref().unwrap().unit.to_decimal_string(), "2499.50");
}

#[tokio::test]
async fn of_two_prices_in_one_request_the_later_stands_also_in_memory() {
    let room = Room::open().await;
    let many: Vec<SetPrice> = (1..=200).map(|i| price("eu", "A", &format!("{i}"))).collect();
    room.set(many).await;
    assert_eq!(room.at("eu", "A", MONDAY).unwrap().unit.to_decimal_string(), "200.00");
}

#[tokio::test]
async fn windows_that_ended_long_ago_make_room_for_new_ones() {
    let room = Room::open().await;
    let day = |n: i32| format!("{}-01-01T00:00:00Z", 2030 + n);
    let outcome = room
        .set((0..201).map(|n| windowed("eu", "A", "5", Some(&day(n)), Some(&day(n + 1)))).collect())
        .await;
    assert!(outcome[..200].iter().all(Result::is_ok));
    assert_eq!(outcome[200], Err(PriceRefusal::TooMany));
    room.clock.set(day(150).parse().unwrap());
    let next = room.set(vec![windowed("eu", "A", "5", Some(&day(200)), Some(&day(201)))]).await;
    assert!(next[0].is_ok());
    assert_eq!(room.at("eu", "A", &day(0)), None, "what ended long ago is gone");
    assert!(room.at("eu", "A", &day(149)).is_some(), "what ended lately is kept");
}

struct Half;

impl PriceSource for Half {
    fn price(&self, channel: &ChannelKey, sku: &Sku, _: Timestamp) -> Option<Price> {
        (sku.as_str() == "VIP" && channel.as_str() == "eu").then(|| Price {
            sku: sku.clone(),
            unit: room::unit("1", "EUR"),
            kind: emporia_contracts::channels::PriceKind::Gross,
            compare_at: None,
            valid_until: None,
        })
    }
}

#[tokio::test]
async fn another_source_is_asked_before_the_table() {
    let room = Room::open().await;
    room.set(vec![price("eu", "VIP", "2"), price("eu", "OTHER", "3")]).await;
    let pricing = room.pricing.clone().with_source(Arc::new(Half));
    let found =
        pricing.prices_at(&"eu".parse().unwrap(), &[sku("VIP"), sku("OTHER")], MONDAY.parse().unwrap());
    let units: Vec<_> = found.iter().flatten().map(|p| p.unit.to_decimal_string()).collect();
    assert_eq!(units, ["1.00", "3.00"]);
}
