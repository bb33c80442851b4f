//! Defining rates and assessing with them, on a real store.

use emporia_contracts::{
    channels::{PriceKind, RoundingPlace, RoundingPolicy},
    context::system_meta,
    tax::{AssessTax, Tax, TaxRefusal, TaxableLine},
    values::Quantity,
};
use emporia_events::EventMeta;
use emporia_id::Ids;
use emporia_money::{Money, Rounding};
use emporia_store::{Position, Store};
use emporia_tax::{RateRefusal, TaxError, TaxRate, TaxService, space};
use emporia_teststore::Place;
use jiff::Timestamp;
use std::sync::Arc;

async fn open(place: &Place) -> (Store, TaxService) {
    let store = place.open(Arc::new(emporia_id::SystemClock), vec![space()]).await;
    let ids = Ids::seeded(Arc::new(emporia_id::SystemClock), 7);
    let service = TaxService::new(store.space("tax").unwrap(), ids).await.unwrap();
    (store, service)
}

fn meta() -> EventMeta {
    system_meta("test", "test", None)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn rate(category: &str, rate: &str, from: Option<&str>, until: Option<&str>) -> TaxRate {
    TaxRate {
        country: "DE".parse().unwrap(),
        category: category.parse().unwrap(),
        name: format!("DE {category}"),
        rate: rate.parse().unwrap(),
        valid_from: from.map(at),
        valid_until: until.map(at),
    }
}

fn request(category: &str, moment: &str) -> AssessTax {
    AssessTax {
        country: "DE".parse().unwrap(),
        at: at(moment),
        kind: PriceKind::Gross,
        rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
        lines: vec![TaxableLine {
            category: category.parse().unwrap(),
            quantity: Quantity::ONE,
            amount: Money::new(11_900, "EUR".parse().unwrap()),
        }],
    }
}

async fn events(store: &Store) -> usize {
    store.read_log(&store.log_of("tax"), Position::default(), 1000, None).await.unwrap().records.len()
}

const JULY: &str = "2020-07-01T00:00:00Z";
const JANUARY: &str = "2021-01-01T00:00:00Z";

#[tokio::test]
async fn the_rate_of_the_moment_is_taken_and_the_first_moment_of_the_next_is_the_next_ones() {
    let place = Place::new();
    let (_store, tax) = open(&place).await;
    let history = vec![
        rate("standard", "0.19", None, Some(JULY)),
        rate("standard", "0.16", Some(JULY), Some(JANUARY)),
        rate("standard", "0.19", Some(JANUARY), None),
        rate("zero", "0", None, None),
    ];
    assert_eq!(tax.define_rates(history, meta()).await.unwrap(), 4);
    for (moment, minor) in
        [("2020-06-30T23:59:59.999Z", 1900), (JULY, 1641), ("2020-12-31T23:59:59Z", 1641), (JANUARY, 1900)]
    {
        let assessed = tax.assess(request("standard", moment)).await.unwrap();
        let line = &assessed.lines[0];
        assert_eq!((line.tax.minor(), line.gross.minor()), (minor, 11_900), "at {moment}");
        assert_eq!(line.net.plus(line.tax).unwrap(), line.gross);
        assert_eq!(line.name, "DE standard");
    }
    let zero = tax.assess(request("zero", JULY)).await.unwrap();
    assert_eq!((zero.lines[0].tax.minor(), zero.lines[0].net.minor()), (0, 11_900));
    let refused = tax.assess(request("reduced", JULY)).await.unwrap_err();
    let (country, category) = ("DE".parse().unwrap(), "reduced".parse().unwrap());
    assert_eq!(refused, TaxRefusal::NoRate { country, category });
}

#[tokio::test]
async fn defining_again_changes_nothing_and_overlaps_are_refused() {
    let place = Place::new();
    let (store, tax) = open(&place).await;
    let bounded = rate("standard", "0.16", Some(JULY), Some(JANUARY));
    tax.define_rate(bounded.clone(), meta()).await.unwrap();
    let version = tax.rates_version();
    tax.define_rate(bounded.clone(), meta()).await.unwrap();
    assert_eq!((events(&store).await, tax.rates_version()), (1, version.clone()));
    let inside = "2020-08-01T00:00:00Z";
    for overlapping in [
        rate("standard", "0.19", None, None),
        rate("standard", "0.19", Some(inside), None),
        rate("standard", "0.19", None, Some(inside)),
        rate("standard", "0.19", Some(inside), Some("2020-08-02T00:00:00Z")),
    ] {
        let refused = tax.define_rate(overlapping, meta()).await.unwrap_err();
        assert!(matches!(refused, TaxError::Refused(RateRefusal::Overlap { .. })), "{refused}");
    }
    let backwards =
        tax.define_rate(rate("standard", "0.1", Some(JANUARY), Some(JULY)), meta()).await.unwrap_err();
    assert!(matches!(backwards, TaxError::Refused(RateRefusal::EmptyWindow)));
    for name in ["", "  ", "tab\there", &"x".repeat(81)] {
        let named = TaxRate { name: name.to_owned(), ..rate("other", "0.1", None, None) };
        assert!(matches!(tax.define_rate(named, meta()).await, Err(TaxError::Refused(RateRefusal::Name))));
    }
    assert_eq!(tax.rates_version(), version, "a refusal changes nothing");
    // The same beginning corrects the rate that is there.
    tax.define_rate(rate("standard", "0.165", Some(JULY), None), meta()).await.unwrap();
    assert_eq!(tax.rates(None).len(), 1);
    assert_ne!(tax.rates_version(), version);
}

#[tokio::test]
async fn of_many_that_define_overlapping_rates_at_once_one_wins() {
    let place = Place::new();
    let (_store, tax) = open(&place).await;
    let tasks: Vec<_> = (0..64)
        .map(|day| {
            let tax = tax.clone();
            let from = at(JULY).checked_add(jiff::SignedDuration::from_hours(day)).unwrap();
            let rate = TaxRate { valid_from: Some(from), ..rate("standard", "0.19", None, None) };
            tokio::spawn(async move { tax.define_rate(rate, meta()).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    assert_eq!((won, tax.rates(None).len()), (1, 1));
}

#[tokio::test]
async fn rates_and_their_version_outlive_a_restart_and_answers_need_no_store() {
    let place = Place::new();
    let (store, tax) = open(&place).await;
    let many: Vec<_> = (0..120).map(|i| rate(&format!("class-{i}"), "0.07", None, None)).collect();
    assert_eq!(tax.define_rates(many, meta()).await.unwrap(), 120);
    let version = tax.rates_version();
    store.close().await;
    drop((store, tax));
    let (store, tax) = open(&place).await;
    assert_eq!((tax.rates(None).len(), tax.rates_version()), (120, version.clone()));
    store.close().await;
    let assessed = tax.assess(request("class-99", JULY)).await.unwrap();
    assert_eq!(assessed.rates_version, version);
}
