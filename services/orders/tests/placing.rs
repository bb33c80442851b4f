//! Orders are made once, whatever their length and whoever calls how often.

mod room;

use emporia_contracts::{
    catalog::SelectedOption,
    orders::{LineKind, OrderLinesPlaced, OrderMode, OrderPlaced, OrderRefusal, Orders, PlaceOrder},
};
use room::{NOW, Room, contact, money};
use std::{collections::BTreeSet, sync::Arc};

fn fact(room: &Room, external: &str, rows: &[room::Row<'_>]) -> PlaceOrder {
    PlaceOrder {
        mode: OrderMode::Fact,
        external_id: Some(external.parse().unwrap()),
        tenders: vec![],
        fulfilled_from: Some("shop".parse().unwrap()),
        allocations: vec![],
        ..room.request(rows)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_placed_64_times_at_once_under_one_id_is_one_order() {
    let room = Arc::new(Room::open().await);
    let request = room.request(&[("MUG", 2, 2000)]);
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (room, request) = (room.clone(), request.clone());
            tokio::spawn(async move { room.orders.place(request).await.unwrap() })
        })
        .collect();
    let mut seen = BTreeSet::new();
    for caller in callers {
        let placed = caller.await.unwrap();
        seen.insert((placed.order.to_string(), placed.number));
    }
    assert_eq!(seen.len(), 1);
    assert_eq!(room.told::<OrderPlaced>().await.len(), 1);
    let mut other = request.clone();
    other.snapshot.lines[0].quantity = 3.try_into().unwrap();
    assert!(matches!(room.orders.place(other).await, Err(OrderRefusal::Reused(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reported_order_is_known_by_its_external_id_in_its_channel() {
    let room = Arc::new(Room::open().await);
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let room = room.clone();
            // The same fact under a new id of ours each time.
            tokio::spawn(async move {
                room.orders.place(fact(&room, "573585", &[("MUG", 1, 500)])).await.unwrap()
            })
        })
        .collect();
    let mut seen = BTreeSet::new();
    for caller in callers {
        seen.insert(caller.await.unwrap().order.to_string());
    }
    assert_eq!((seen.len(), room.told::<OrderPlaced>().await.len()), (1, 1));
    let other = fact(&room, "573585", &[("MUG", 2, 500)]);
    assert!(matches!(room.orders.place(other).await, Err(OrderRefusal::Reused(id)) if id == "573585"));
    let elsewhere =
        PlaceOrder { channel: "us".parse().unwrap(), ..fact(&room, "573585", &[("MUG", 1, 500)]) };
    assert!(!room.orders.place(elsewhere).await.unwrap().replayed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_are_unique_among_64_placers_at_once_and_after_a_restart() {
    let room = Arc::new(Room::open().await);
    let placers: Vec<_> = (0..64)
        .map(|_| {
            let room = room.clone();
            tokio::spawn(async move {
                let mut numbers = vec![];
                for _ in 0..4 {
                    numbers.push(room.orders.place(room.request(&[("MUG", 1, 500)])).await.unwrap().number);
                }
                numbers
            })
        })
        .collect();
    let mut numbers = BTreeSet::new();
    for placer in placers {
        numbers.extend(placer.await.unwrap());
    }
    assert_eq!(numbers.len(), 256);
    let room = Arc::into_inner(room).unwrap().restart().await;
    for _ in 0..4 {
        assert!(numbers.insert(room.orders.place(room.request(&[("MUG", 1, 500)])).await.unwrap().number));
    }
}

#[tokio::test]
async fn an_order_of_1114_long_lines_is_one_order_and_every_event_and_document_fits() {
    let room = Room::open().await;
    let person = room.vault.new_person().unwrap();
    let lines: Vec<_> = (0..1_114)
        .map(|n| {
            let mut line = room.line(LineKind::Goods, (&format!("85123A-{n:04}"), 3, 765), "EUR");
            line.title =
                "Hängender Teelichthalter ‹Weißes Herz› mit Glaseinsatz, handbemalt, Geschenkset ".repeat(5);
            line.image_url =
                Some(format!("https://images.example.com/products/{}/{n}.webp", "x".repeat(120)));
            line.options = (0..4)
                .map(|o| SelectedOption {
                    name: format!("Option number {o}"),
                    value: "a rather long value".into(),
                })
                .collect();
            line
        })
        .collect();
    let mut request = room.request_of(lines, 499, "EUR");
    request.person = Some(person);
    request.contact = Some(room.vault.seal(person, &contact()).unwrap());
    let placed = room.orders.place(request.clone()).await.unwrap();
    let order = room.order(placed.order).await;
    let kept = room.orders.lines(&order).await.unwrap();
    assert!(kept.iter().map(|l| &l.priced).eq(&request.snapshot.lines));
    let first = room.told::<OrderPlaced>().await.remove(0);
    let more = room.told::<OrderLinesPlaced>().await;
    let told: Vec<_> =
        first.snapshot.lines.iter().chain(more.iter().flat_map(|m| &m.lines)).cloned().collect();
    assert_eq!(told, request.snapshot.lines);
    assert_eq!(first.further_lines + first.snapshot.lines.len(), 1_114);
    let mut offset = first.snapshot.lines.len();
    for part in &more {
        assert_eq!(part.offset, offset);
        offset += part.lines.len();
    }
    // The whole of it can also be shipped and taken back.
    let fulfilment = room.plan(placed.order, None, None).await;
    room.ship(placed.order, &fulfilment).await;
    assert_eq!(room.told::<emporia_contracts::orders::OrderClosed>().await.len(), 1);
    let largest = room.events().await.iter().map(|e| e.detail.data.get().len()).max().unwrap();
    assert!(largest < 330_000, "{largest} bytes");
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let room = Room::open().await;
    let good = || room.request(&[("MUG", 2, 2000)]);
    let wrong = |change: fn(&mut PlaceOrder)| {
        let mut request = good();
        change(&mut request);
        request
    };
    let cases = [
        wrong(|r| r.snapshot.lines.clear()),
        wrong(|r| r.tenders[0].amount = money(1999, "EUR")),
        wrong(|r| r.tenders[0].amount = money(2000, "USD")),
        wrong(|r| r.tenders.clear()),
        wrong(|r| {
            let mut more = r.tenders[0].clone();
            more.amount = money(-500, "EUR");
            r.tenders[0].amount = money(2500, "EUR");
            r.tenders.push(more);
        }),
        wrong(|r| r.snapshot.lines.push(r.snapshot.lines[0].clone())),
        wrong(|r| r.snapshot.lines[0].title = "x".repeat(2_000)),
        wrong(|r| {
            let (line, ids) =
                (r.snapshot.lines[0].clone(), emporia_id::Ids::random(Arc::new(emporia_id::SystemClock)));
            r.snapshot.lines.extend(
                (0..1_500).map(|_| emporia_contracts::orders::PricedLine { id: ids.next(), ..line.clone() }),
            );
        }),
    ];
    for (n, request) in cases.into_iter().enumerate() {
        let refused = room.orders.place(request).await;
        assert!(matches!(refused, Err(OrderRefusal::Invalid(_))), "case {n}: {refused:?}");
    }
    assert!(room.events().await.is_empty());
}

#[tokio::test]
async fn a_reported_order_is_paid_and_delivered_as_reported() {
    let room = Room::open().await;
    let order = room.place(&fact(&room, "till-1", &[("MUG", 2, 2000)])).await;
    let order = room.order(order).await;
    assert!(order.outstanding().unwrap().is_zero());
    assert_eq!((order.lines[0].units.delivered, order.placed_at), (2, NOW.parse().unwrap()));
}

#[tokio::test]
async fn a_person_gets_all_of_his_orders_and_after_erasure_the_facts_stay() {
    use emporia_contracts::customers::PersonalData;
    let room = Room::open().await;
    let person = room.vault.new_person().unwrap();
    for n in 0..3 {
        let mut request = room.request(&[("MUG", 1, 500 + n)]);
        request.person = Some(person);
        request.contact = Some(room.vault.seal(person, &contact()).unwrap());
        room.place(&request).await;
    }
    room.place(&room.request(&[("OTHER", 1, 1)])).await;
    let export = room.orders.export(person).await.unwrap();
    assert_eq!(export.as_array().unwrap().len(), 3);
    assert_eq!(export[0]["contact"]["email"], "ann@example.com");
    assert_eq!(export[0]["lines"][0]["sku"], "MUG");
    room.vault.destroy(person, NOW.parse().unwrap()).unwrap();
    room.orders.erase(person).await.unwrap();
    let export = room.orders.export(person).await.unwrap();
    assert_eq!((export.as_array().unwrap().len(), &export[0]["contact"]), (3, &serde_json::Value::Null));
}
