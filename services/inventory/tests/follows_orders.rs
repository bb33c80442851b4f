//! What orders do to stock, told once or many times.

mod room;

use emporia_contracts::{
    channels::PriceKind,
    ids::OrderId,
    inventory::{Allocation, Inventory, StockMoved},
    orders::{
        FulfilmentShipped, LineKind, LineUnits, OrderLinesCancelled, OrderLinesPlaced, OrderMode,
        OrderPlaced, PricedLine, PricedSnapshot, ReturnCondition, ReturnRecorded, ReturnedLine,
    },
    tax::LineTax,
    values::Quantity,
};
use emporia_money::{Money, UnitPrice};
use room::{NOW, Room, at, each, many, sku};

fn units(n: i64) -> Quantity {
    Quantity::new(n).unwrap()
}

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn line(room: &Room, name: &str, quantity: i64, kind: LineKind) -> PricedLine {
    let amount = euros(100 * quantity);
    PricedLine {
        id: room.ids.next(),
        kind,
        sku: sku(name),
        product_id: None,
        title: name.into(),
        options: vec![],
        image_url: None,
        quantity: units(quantity),
        unit_price: UnitPrice::parse("1", "EUR".parse().unwrap()).unwrap(),
        amount,
        tax_category: "standard".parse().unwrap(),
        tax: LineTax {
            name: "none".into(),
            rate: "0".parse().unwrap(),
            net: amount,
            tax: euros(0),
            gross: amount,
        },
    }
}

fn placed(order: OrderId, lines: Vec<PricedLine>, further_lines: usize, from: Option<&str>) -> OrderPlaced {
    let currency = "EUR".parse().unwrap();
    let at_ = NOW.parse().unwrap();
    OrderPlaced {
        order_id: order,
        number: "E-1".into(),
        mode: OrderMode::Fact,
        external_id: None,
        channel: "eu".parse().unwrap(),
        customer_id: None,
        person_id: None,
        contact: None,
        locale: "en".into(),
        country: "DE".parse().unwrap(),
        snapshot: PricedSnapshot::new(currency, PriceKind::Gross, lines, None, String::new(), at_).unwrap(),
        further_lines,
        tenders: vec![],
        allocations: vec![],
        reservation_id: None,
        checkout_id: None,
        cart_id: None,
        placed_at: at_,
        fulfilled_from: from.map(at),
        captures: vec![],
    }
}

fn shipped(
    room: &Room,
    order: OrderId,
    rows: &[(&str, i64)],
    allocated_at: Option<&str>,
) -> FulfilmentShipped {
    FulfilmentShipped {
        order_id: order,
        number: "E-1".into(),
        fulfilment_id: room.ids.next(),
        location: at("lyon"),
        lines: rows
            .iter()
            .map(|(name, n)| LineUnits { line_id: room.ids.next(), sku: sku(name), quantity: units(*n) })
            .collect(),
        carrier: None,
        tracking_number: None,
        void_payments: vec![],
        captures: vec![],
        allocations: allocated_at.map_or(vec![], |location| {
            rows.iter()
                .map(|(name, n)| Allocation { sku: sku(name), location: at(location), quantity: units(*n) })
                .collect()
        }),
    }
}

fn cancelled(order: OrderId, rows: &[(&str, i64)]) -> OrderLinesCancelled {
    OrderLinesCancelled {
        order_id: order,
        number: "E-1".into(),
        lines: vec![],
        allocations: rows
            .iter()
            .map(|(name, n)| Allocation { sku: sku(name), location: at("lyon"), quantity: units(*n) })
            .collect(),
        amount: euros(0),
        reason: "changed my mind".into(),
        void_payments: vec![],
    }
}

fn returned(room: &Room, rows: &[(&str, i64, ReturnCondition)]) -> ReturnRecorded {
    ReturnRecorded {
        return_id: room.ids.next(),
        external_id: "R-1".parse().unwrap(),
        order_id: None,
        channel: "eu".parse().unwrap(),
        customer_id: None,
        location: at("lyon"),
        lines: rows
            .iter()
            .map(|(name, n, condition)| ReturnedLine {
                order_line_id: None,
                sku: sku(name),
                quantity: units(*n),
                condition: *condition,
                refund: euros(0),
            })
            .collect(),
        refunds: vec![],
        at: NOW.parse().unwrap(),
    }
}

#[tokio::test]
async fn each_event_of_an_order_moves_stock_once_under_redelivery_and_rewind() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    room.receive("lyon", &[("MUG", 20)]).await;
    let held = room.stock.reserve({
        let mut wish = room.wish(&[("MUG", 5)]);
        wish.pool = vec![at("lyon")];
        wish
    });
    let held = held.await.unwrap();
    let order = room.ids.next();
    room.commit(held.reservation, order).await.unwrap();
    let sent = shipped(&room, order, &[("MUG", 3)], Some("lyon"));
    room.says(&sent).await;
    // The producer may have told it twice, too.
    room.says(&sent).await;
    room.says(&cancelled(order, &[("MUG", 2)])).await;
    let back = [("MUG", 1, ReturnCondition::Restock), ("MUG", 1, ReturnCondition::Damaged)];
    room.says(&returned(&room, &[back[0], back[1], ("MUG", 1, ReturnCondition::NoGoods)])).await;
    room.says(&placed(room.ids.next(), vec![line(&room, "MUG", 4, LineKind::Goods)], 0, Some("lyon"))).await;
    room.says(&placed(room.ids.next(), vec![line(&room, "MUG", 4, LineKind::Goods)], 0, None)).await;
    consumer.caught_up().await.unwrap();
    let expected = async |room: &Room| {
        let level = room.level("MUG", "lyon").await;
        // 20 − 3 shipped + 2 came back − 4 sold at the till.
        assert_eq!((level.on_hand, level.allocated, level.damaged, level.reserved), (15, 0, 1, 0));
        assert_eq!(level.available, 14);
    };
    expected(&room).await;
    room.rewind(&consumer).await;
    room.rewind(&consumer).await;
    expected(&room).await;
    assert!(consumer.poison(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_order_of_1114_lines_leaves_stock_line_by_line_once() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let names = many(1_114);
    room.receive("lyon", &each(&names, 1)).await;
    let order = room.ids.next();
    let lines: Vec<_> = names.iter().map(|name| line(&room, name, 1, LineKind::Goods)).collect();
    let lines_of = |chunk: &[PricedLine], offset| OrderLinesPlaced {
        order_id: order,
        number: "E-1".into(),
        lines: chunk.to_vec(),
        placed_at: NOW.parse().unwrap(),
        fulfilled_from: Some(at("lyon")),
        offset,
    };
    room.says(&placed(order, lines[..300].to_vec(), 814, Some("lyon"))).await;
    for (n, chunk) in lines[300..].chunks(300).enumerate() {
        room.says(&lines_of(chunk, 300 * (n + 1))).await;
    }
    consumer.caught_up().await.unwrap();
    room.rewind(&consumer).await;
    let skus: Vec<_> = names.iter().map(|n| sku(n)).collect();
    let levels = room.stock.levels(&skus, &[at("lyon")]).await.unwrap();
    assert!(levels.iter().all(|l| (l.on_hand, l.available) == (0, 0)));
    room.audit(&skus).await;
    assert!(consumer.poison(None, 10).await.unwrap().is_empty());
    let sales: usize = room
        .told::<StockMoved>()
        .await
        .iter()
        .filter(|m| m.reference.starts_with("order"))
        .map(|m| m.lines.len())
        .sum();
    assert_eq!(sales, 1_114);
}

#[tokio::test]
async fn long_shipments_cancellations_and_returns_are_not_set_aside() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let names = many(200);
    room.receive("lyon", &each(&names, 10)).await;
    let held = room.reserve(&each(&names, 4)).await.unwrap();
    let order = room.ids.next();
    room.commit(held.reservation, order).await.unwrap();
    room.says(&shipped(&room, order, &each(&names, 3), Some("lyon"))).await;
    room.says(&cancelled(order, &each(&names, 1))).await;
    // Both conditions just below what one movement may have.
    for count in [60, 100] {
        let back: Vec<_> = names[..count]
            .iter()
            .flat_map(|n| {
                [(n.as_str(), 1, ReturnCondition::Restock), (n.as_str(), 1, ReturnCondition::Damaged)]
            })
            .collect();
        room.says(&returned(&room, &back)).await;
    }
    consumer.caught_up().await.unwrap();
    assert!(consumer.poison(None, 10).await.unwrap().is_empty());
    room.rewind(&consumer).await;
    for (name, on_hand, damaged) in [("L0000", 11, 2), ("L0080", 9, 1), ("L0199", 7, 0)] {
        let level = room.level(name, "lyon").await;
        assert_eq!((level.on_hand, level.damaged, level.allocated), (on_hand, damaged, 0), "{name}");
        assert_eq!(level.available, on_hand - damaged);
    }
}

#[tokio::test]
async fn goods_that_leave_from_another_location_than_planned_free_what_was_allocated_there() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    room.receive("lyon", &[("MUG", 5)]).await;
    room.receive("berlin", &[("MUG", 5)]).await;
    let held = room.reserve(&[("MUG", 3)]).await.unwrap();
    assert!(held.allocations.iter().all(|a| a.location == at("berlin")));
    let order = room.ids.next();
    room.commit(held.reservation, order).await.unwrap();
    room.says(&shipped(&room, order, &[("MUG", 2)], Some("berlin"))).await;
    // Goods that nobody had allocated: an order reported by a marketplace.
    room.says(&shipped(&room, room.ids.next(), &[("MUG", 1)], None)).await;
    consumer.caught_up().await.unwrap();
    room.rewind(&consumer).await;
    let (berlin, lyon) = (room.level("MUG", "berlin").await, room.level("MUG", "lyon").await);
    assert_eq!((berlin.on_hand, berlin.allocated, berlin.available), (5, 1, 4));
    assert_eq!((lyon.on_hand, lyon.allocated, lyon.available), (2, 0, 2));
}

#[tokio::test]
async fn charges_services_and_postage_are_not_taken_from_stock_and_a_negative_shelf_raises_a_task() {
    let room = Room::open().await;
    let consumer = room.follow().await;
    let lines = vec![
        line(&room, "MUG", 2, LineKind::Goods),
        line(&room, "POST", 1, LineKind::Delivery),
        line(&room, "SETUP", 1, LineKind::Service),
        line(&room, "FEE", 1, LineKind::Charge),
    ];
    room.says(&placed(room.ids.next(), lines, 0, Some("shop"))).await;
    consumer.caught_up().await.unwrap();
    assert_eq!(room.level("MUG", "shop").await.on_hand, -2);
    for other in ["POST", "SETUP", "FEE"] {
        assert_eq!(room.level(other, "shop").await.on_hand, 0);
    }
    let tasks = room.stock.open_count_tasks(10).await.unwrap();
    assert_eq!(tasks.iter().map(|t| t.sku.as_str()).collect::<Vec<_>>(), ["MUG"]);
}
