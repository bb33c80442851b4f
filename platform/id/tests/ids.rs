use emporia_id::{Clock, FixedClock, IdError, Ids, typed_id};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;

typed_id!(
    /// A thing.
    ThingId, "thg"
);

fn at(second: i64) -> Arc<FixedClock> {
    Arc::new(FixedClock::at(Timestamp::from_second(second).unwrap()))
}

#[test]
fn ids_sort_by_the_order_in_which_they_were_made_even_when_the_clock_stands_or_goes_back() {
    let clock = at(1_700_000_000);
    let ids = Ids::seeded(clock.clone(), 7);
    let mut made: Vec<ThingId> = (0..1000).map(|_| ids.next()).collect();
    clock.advance(SignedDuration::from_secs(-60));
    made.extend((0..1000).map(|_| ids.next::<ThingId>()));
    clock.advance(SignedDuration::from_secs(120));
    made.extend((0..1000).map(|_| ids.next::<ThingId>()));
    assert!(made.windows(2).all(|w| w[0] < w[1]));
    assert!(made.windows(2).all(|w| w[0].to_string() < w[1].to_string()));
    assert!(made.iter().all(|id| id.uuid().get_version_num() == 7));
    assert_eq!(clock.now().as_second(), 1_700_000_060);
}

#[test]
fn one_seed_gives_one_sequence() {
    let make = |seed| {
        (0..10)
            .map(|_| 0)
            .scan(Ids::seeded(at(5), seed), |ids, _| Some(ids.next::<ThingId>()))
            .collect::<Vec<_>>()
    };
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
}

#[test]
fn an_id_of_another_kind_or_with_bad_digits_is_refused_by_name() {
    let ok = Ids::seeded(at(9), 1).next::<ThingId>().to_string();
    assert!(matches!(ok.replace("thg", "ord").parse::<ThingId>(), Err(IdError::Prefix { .. })));
    for bad in [
        "thg_",
        "thg_123",
        &ok.to_uppercase().replace("THG", "thg"),
        &format!("{ok}0"),
        &format!("thg_8{}", &ok[5..]),
        &ok.replace("thg_0", "thg_é"),
    ] {
        assert!(matches!(bad.parse::<ThingId>(), Err(IdError::Digits { .. })), "{bad}");
    }
    assert!(
        serde_json::from_str::<ThingId>("\"nonsense\"")
            .unwrap_err()
            .to_string()
            .contains("begins with \"thg_\"")
    );
}

proptest! {
    #[test]
    fn text_and_back_is_the_same(value: u128) {
        let id = ThingId::from(uuid::Uuid::from_u128(value));
        prop_assert_eq!(id.to_string().parse::<ThingId>().unwrap(), id);
        prop_assert_eq!(serde_json::from_str::<ThingId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = text.parse::<ThingId>();
    }
}
