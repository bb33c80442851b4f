//! Who may see and do what.

mod room;

use emporia_contracts::{Principal, orders::FulfilmentCreated};
use room::{Room, context, guest, operator};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const ORDER: &str = "query($id: ID!) { order(id: $id) { id number timeline { event actor } } }";
const ENTITY: &str = "query($id: ID!) { _entities(representations: [{ __typename: \"Order\", id: $id }]) { ... on Order { number } } }";

#[tokio::test]
async fn an_order_is_seen_by_its_owner_and_by_operators_and_by_nobody_else() {
    let room = Room::open().await;
    let order = room.place(&room.request(&[("MUG", 1, 500)])).await;
    let (id, number) = (order.to_string(), room.order(order).await.number);
    let customer = context(Principal::Customer(room.ids.next()), None);
    let clerk = context(
        Principal::Operator { id: room.ids.next(), scopes: ["catalog:write".to_owned()].into() },
        None,
    );
    for stranger in [guest("bob"), context(Principal::Anonymous, None), customer, clerk] {
        let seen = room.ask(stranger.clone(), ORDER, json!({ "id": id })).await;
        assert_eq!(seen["data"], json!({ "order": null }), "{stranger:?}");
        assert_eq!(
            room.ask(stranger.clone(), ENTITY, json!({ "id": id })).await["data"]["_entities"][0],
            Value::Null
        );
        let by_number = "query($n: String!) { orderByNumber(number: $n) { id } }";
        assert_eq!(
            room.ask(stranger, by_number, json!({ "n": number })).await["data"]["orderByNumber"],
            Value::Null
        );
    }
    for friend in [guest("ann"), operator()] {
        assert_eq!(
            room.ask(friend.clone(), ORDER, json!({ "id": id })).await["data"]["order"]["number"],
            number
        );
        assert_eq!(
            room.ask(friend, ENTITY, json!({ "id": id })).await["data"]["_entities"][0]["number"],
            number
        );
    }
    let mine = "{ myOrders { edges { node { id } } } }";
    assert_eq!(
        room.ask(guest("ann"), mine, json!({})).await["data"]["myOrders"]["edges"][0]["node"]["id"],
        id
    );
    assert_eq!(room.ask(guest("bob"), mine, json!({})).await["data"]["myOrders"]["edges"], json!([]));
    let nobody = room.ask(context(Principal::Anonymous, None), mine, json!({})).await;
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    for wrong in ["", "crt_01jdf3x2n5e8qv0000000000ab", "1 OR 1=1"] {
        let answer = room.ask(guest("ann"), ORDER, json!({ "id": wrong })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn a_page_of_orders_with_their_parts_takes_as_many_reads_as_one_order() {
    let room = Room::open().await;
    let page = "{ myOrders(first: 50) { nodes { number fulfilments { state lines { quantity } } returns { at } } } }";
    let mut reads = vec![];
    for orders in 1..=6 {
        let order = room.place(&room.request(&[("MUG", 1, 500)])).await;
        let parcel = room.plan(order, None, None).await;
        room.ship(order, &parcel).await;
        let line = room.order(order).await.lines[0].priced.id.to_string();
        let back = json!({ "externalId": format!("R-{orders}"), "orderId": order.to_string(), "location": "shop",
            "lines": [{ "orderLineId": line, "sku": "MUG", "quantity": 1, "condition": "RESTOCK" }] });
        assert_eq!(room.operate("recordReturn", back).await["userErrors"], json!([]));
        room.reads.store(0, Ordering::Relaxed);
        let seen = room.ask(guest("ann"), page, json!({})).await;
        reads.push(room.reads.load(Ordering::Relaxed));
        let nodes = seen["data"]["myOrders"]["nodes"].as_array().unwrap_or_else(|| panic!("{seen}"));
        let whole = |node: &Value| {
            node["fulfilments"][0]["state"] == "DELIVERED" && node["returns"].as_array().unwrap().len() == 1
        };
        assert!(nodes.len() == orders && nodes.iter().all(whole), "{seen}");
    }
    assert_eq!(reads, [3; 6], "the page, its fulfilments, its returns");
}

#[tokio::test]
async fn another_customers_orders_are_refused_and_names_of_staff_need_a_scope() {
    let room = Room::open().await;
    let (ann, bob) = (room.ids.next(), room.ids.next());
    let of = "query($id: ID!) { _entities(representations: [{ __typename: \"Customer\", id: $id }]) { ... on Customer { orders { edges { node { id } } } } } }";
    let id = json!({ "id": emporia_contracts::ids::CustomerId::to_string(&ann) });
    let other = room.ask(context(Principal::Customer(bob), None), of, id.clone()).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert!(room.ask(context(Principal::Customer(ann), None), of, id).await["errors"].is_null());
    let sdl = room.graph.sdl();
    let entry = &sdl[sdl.find("type OrderTimelineEntry").unwrap()..];
    assert!(
        entry[..entry.find('}').unwrap()]
            .contains("actor: String! @requiresScopes(scopes: [[\"orders:read\"]])")
    );
}

#[tokio::test]
async fn a_key_gives_the_first_fulfilment_again_and_refuses_another_input() {
    let room = Room::open().await;
    let order = room.place(&room.request(&[("MUG", 3, 3000)])).await;
    let line = room.order(order).await.lines[0].priced.id.to_string();
    let input = json!({ "orderId": order.to_string(), "idempotencyKey": "k", "lines": [{ "orderLineId": line, "quantity": 1 }] });
    let first = room.operate("createFulfilment", input.clone()).await;
    let again = room.operate("createFulfilment", input.clone()).await;
    assert_eq!(first["fulfilment"], again["fulfilment"]);
    assert_eq!(room.told::<FulfilmentCreated>().await.len(), 1);
    let mut other = input;
    other["lines"][0]["quantity"] = json!(2);
    let reused = room.operate("createFulfilment", other).await;
    assert_eq!(reused["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_version_that_is_not_the_newest_is_refused_and_changes_nothing() {
    let room = Room::open().await;
    let order = room.place(&room.request(&[("MUG", 3, 3000)])).await;
    let version = room.orders.get(order).await.unwrap().unwrap().version.to_string();
    let id = order.to_string();
    room.plan(
        order,
        None,
        Some(
            json!([{ "orderLineId": room.order(order).await.lines[0].priced.id.to_string(), "quantity": 1 }]),
        ),
    )
    .await;
    let stale = room
        .operate("cancelOrder", json!({ "orderId": id, "reason": "r", "expectedVersion": version }))
        .await;
    assert_eq!(stale["userErrors"][0]["code"], "VERSION_CONFLICT");
    let version = room.orders.get(order).await.unwrap().unwrap().version.to_string();
    let fresh = room
        .operate("cancelOrder", json!({ "orderId": id, "reason": "r", "expectedVersion": version }))
        .await;
    assert_eq!(fresh["userErrors"], json!([]));
}

#[tokio::test]
async fn hostile_quantities_ids_and_texts_are_told_apart_and_change_nothing() {
    let room = Room::open().await;
    let order = room.place(&room.request(&[("MUG", 3, 3000)])).await;
    let before = room.order(order).await;
    let (id, line) = (order.to_string(), before.lines[0].priced.id.to_string());
    let other_line: emporia_contracts::ids::OrderLineId = room.ids.next();
    for quantity in [0, -1, i32::MIN, i32::MAX, 4] {
        let lines = json!([{ "orderLineId": line, "quantity": quantity }]);
        for name in ["createFulfilment", "cancelOrder"] {
            let mut input = json!({ "orderId": id, "lines": lines });
            if name == "cancelOrder" {
                input["reason"] = json!("r");
            }
            let refused = room.operate(name, input).await;
            assert_eq!(refused["userErrors"][0]["code"], "STATE_NOT_ALLOWED", "{name} {quantity}: {refused}");
        }
    }
    let unknown =
        json!({ "orderId": id, "lines": [{ "orderLineId": other_line.to_string(), "quantity": 1 }] });
    assert_eq!(room.operate("createFulfilment", unknown).await["userErrors"][0]["code"], "STATE_NOT_ALLOWED");
    // The same line twice is summed, and together too many.
    let twice = json!({ "orderId": id, "lines": [{ "orderLineId": line, "quantity": 2 }, { "orderLineId": line, "quantity": 2 }] });
    assert_eq!(room.operate("createFulfilment", twice).await["userErrors"][0]["code"], "STATE_NOT_ALLOWED");
    let nobodys: emporia_contracts::ids::OrderId = room.ids.next();
    let none = room.operate("cancelOrder", json!({ "orderId": nobodys.to_string(), "reason": "r" })).await;
    assert_eq!(none["extensions"]["code"], "NOT_FOUND");
    for reason in ["", " ", "\u{7}", &"x".repeat(201)] {
        let refused = room.operate("cancelOrder", json!({ "orderId": id, "reason": reason })).await;
        assert_eq!(refused["extensions"]["code"], "BAD_USER_INPUT");
    }
    assert_eq!(room.order(order).await, before);
}
