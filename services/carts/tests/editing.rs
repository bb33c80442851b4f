//! What may be put into a cart, by whom, and how often.

mod room;

use emporia_contracts::{Principal, carts::CartLinesChanged};
use room::{Room, content, context, guest, lines};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn many_lines_are_added_changed_and_removed_in_one_call_each() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    let added = room.add(&ann, &cart, &[("B", 2), ("A", 3), ("C", 1), ("B", 1)]).await;
    assert_eq!(added["cart"]["units"], 8);
    let of = |sku: &str| {
        let lines = added["cart"]["lines"].as_array().unwrap();
        lines.iter().find(|l| l["sku"] == sku).unwrap()["id"].clone()
    };
    let changes = json!([{ "lineId": of("A"), "quantity": 9 }, { "lineId": of("C"), "quantity": 2 }]);
    room.change(&ann, "updateCartLines", json!({ "cartId": cart, "lines": changes })).await;
    room.change(&ann, "removeCartLines", json!({ "cartId": cart, "lineIds": [of("B")] })).await;
    assert_eq!(room.content(&ann, &cart).await.unwrap(), content(&[("A", 9), ("C", 2)]));
    let told = room.told::<CartLinesChanged>().await;
    assert_eq!(told.iter().map(|t| t.units).collect::<Vec<_>>(), [1, 8, 14, 11]);
    // All or nothing: one unknown line spoils the call.
    let unknown: emporia_contracts::ids::CartLineId = room.ids.next();
    let changes =
        json!([{ "lineId": of("A"), "quantity": 1 }, { "lineId": unknown.to_string(), "quantity": 1 }]);
    let refused = room.change(&ann, "updateCartLines", json!({ "cartId": cart, "lines": changes })).await;
    assert_eq!(refused["userErrors"], json!([{ "code": "NOT_FOUND", "field": ["lines"] }]));
    assert_eq!(room.content(&ann, &cart).await.unwrap(), content(&[("A", 9), ("C", 2)]));
}

#[tokio::test]
async fn hostile_quantities_and_skus_get_clear_errors_and_change_nothing() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    for wrong in [0, -1, 1_000_000_000, i64::from(i32::MIN), 1_000_000] {
        assert_eq!(room.add(&ann, &cart, &[("A", wrong)]).await["error"], "BAD_USER_INPUT", "{wrong}");
    }
    for wrong in ["", "two words", "ä", &"x".repeat(65)] {
        assert_eq!(room.add(&ann, &cart, &[(wrong, 1)]).await["error"], "BAD_USER_INPUT", "{wrong}");
    }
    let missing = room.add(&ann, &cart, &[("B", 1), ("NONE", 1)]).await;
    assert_eq!(missing["userErrors"], json!([{ "code": "NOT_AVAILABLE", "field": ["lines", "1", "sku"] }]));
    room.shop.unpublished.lock().unwrap().insert("HIDDEN".into());
    assert_eq!(room.add(&ann, &cart, &[("HIDDEN", 1)]).await["userErrors"][0]["code"], "NOT_AVAILABLE");
    room.shop.prices.lock().unwrap().insert("FREE".into(), None);
    assert_eq!(room.add(&ann, &cart, &[("FREE", 1)]).await["userErrors"][0]["code"], "PRICE_MISSING");
    assert_eq!(room.add(&ann, &cart, &[("A", 999_999)]).await["userErrors"][0]["code"], "INVALID");
    for wrong in ["", "x", "ord_01jdf3x2n5e8qv0000000000ab"] {
        assert_eq!(room.add(&ann, wrong, &[("A", 1)]).await["error"], "BAD_USER_INPUT");
    }
    assert_eq!(room.content(&ann, &cart).await.unwrap(), content(&[("A", 1)]));
}

#[tokio::test]
async fn a_cart_has_at_most_500_lines() {
    let room = Room::open().await;
    let ann = guest("ann");
    let names: Vec<_> = (0..500).map(|n| format!("S{n}")).collect();
    let rows: Vec<_> = names.iter().map(|n| (n.as_str(), 1)).collect();
    let cart = room.cart(&ann, &rows).await;
    assert_eq!(room.add(&ann, &cart, &[("MORE", 1)]).await["userErrors"][0]["code"], "LIMIT_EXCEEDED");
    assert_eq!(room.add(&ann, &cart, &[("S7", 1)]).await["cart"]["units"], 501);
    let more: Vec<_> = rows.iter().copied().chain([("MORE", 1)]).collect();
    assert_eq!(
        room.change(&ann, "createCart", json!({ "lines": lines(&more) })).await["error"],
        "BAD_USER_INPUT"
    );
}

#[tokio::test]
async fn nobody_reads_or_changes_anothers_cart() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    let line = room.change(&ann, "addCartLines", json!({ "cartId": cart, "lines": [] })).await["cart"]["lines"][0]["id"].clone();
    let entity = "query($id: ID!) { _entities(representations: [{ __typename: \"Cart\", id: $id }]) { ... on Cart { id } } }";
    let scopes = ["orders:read", "catalog:write"].map(String::from).into();
    for stranger in [
        guest("bob"),
        context(Principal::Anonymous, None),
        context(Principal::Customer(room.ids.next()), None),
        context(Principal::Customer(room.ids.next()), Some("bob")),
        context(Principal::Operator { id: room.ids.next(), scopes }, None),
    ] {
        assert_eq!(room.content(&stranger, &cart).await, None);
        assert_eq!(
            room.ask(&stranger, entity, json!({ "id": cart })).await["data"]["_entities"][0],
            Value::Null
        );
        assert_eq!(
            room.ask(&stranger, "{ activeCart { id } }", json!({})).await["data"]["activeCart"],
            Value::Null
        );
        assert_eq!(room.add(&stranger, &cart, &[("A", 1)]).await["error"], "NOT_FOUND");
        let changes = json!({ "cartId": cart, "lines": [{ "lineId": line, "quantity": 5 }] });
        assert_eq!(room.change(&stranger, "updateCartLines", changes).await["error"], "NOT_FOUND");
        let removal = json!({ "cartId": cart, "lineIds": [line] });
        assert_eq!(room.change(&stranger, "removeCartLines", removal).await["error"], "NOT_FOUND");
        let merge = json!({ "guestCartId": cart });
        assert_eq!(room.change(&stranger, "mergeCart", merge).await["error"], "NOT_FOUND");
    }
    assert_eq!(room.content(&ann, &cart).await.unwrap(), content(&[("A", 1)]));
}

#[tokio::test]
async fn a_guest_without_a_token_is_given_one_that_opens_his_cart_only() {
    let room = Room::open().await;
    let nobody = context(Principal::Anonymous, None);
    let (first, second) = (
        room.change(&nobody, "createCart", json!({})).await,
        room.change(&nobody, "createCart", json!({})).await,
    );
    let token = first["guestToken"].as_str().unwrap();
    assert!(token.len() >= 43);
    assert_ne!(first["guestToken"], second["guestToken"]);
    assert!(room.content(&guest(token), first["cart"]["id"].as_str().unwrap()).await.is_some());
    assert!(room.content(&guest(token), second["cart"]["id"].as_str().unwrap()).await.is_none());
    assert_eq!(room.change(&guest(token), "createCart", json!({})).await["guestToken"], Value::Null);
    assert_eq!(
        room.change(&nobody, "createCart", json!({ "idempotencyKey": "k" })).await["error"],
        "BAD_USER_INPUT"
    );
}

#[tokio::test]
async fn a_key_is_one_guests_own_and_gives_the_first_result_even_when_the_shop_has_changed() {
    let room = Room::open().await;
    let (ann, bob) = (guest("ann"), guest("bob"));
    let make = json!({ "lines": lines(&[("A", 1)]), "idempotencyKey": "k" });
    let (hers, his) = (
        room.change(&ann, "createCart", make.clone()).await,
        room.change(&bob, "createCart", make.clone()).await,
    );
    assert_ne!(hers["cart"]["id"], his["cart"]["id"]);
    let add = json!({ "cartId": hers["cart"]["id"], "lines": lines(&[("A", 2)]), "idempotencyKey": "k" });
    let added = room.change(&ann, "addCartLines", add.clone()).await;
    room.shop.unpublished.lock().unwrap().insert("A".into());
    assert_eq!(room.change(&ann, "createCart", make.clone()).await["cart"], hers["cart"]);
    assert_eq!(room.change(&ann, "addCartLines", add).await["cart"], added["cart"]);
    assert_eq!(added["cart"]["units"], 3);
    let other = json!({ "lines": lines(&[("A", 2)]), "idempotencyKey": "k" });
    assert_eq!(room.change(&ann, "createCart", other).await["error"], "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_additions_at_once_lose_nothing() {
    let room = Arc::new(Room::open().await);
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    let tabs: Vec<_> = (0..64)
        .map(|n| {
            let (room, ann, cart) = (room.clone(), ann.clone(), cart.clone());
            tokio::spawn(async move { room.add(&ann, &cart, &[("A", 1), (&format!("S{n}"), 1)]).await })
        })
        .collect();
    for tab in tabs {
        assert_eq!(tab.await.unwrap()["userErrors"], json!([]));
    }
    let content = room.content(&ann, &cart).await.unwrap();
    assert_eq!((content["A"], content.len()), (65, 65));
}

#[tokio::test]
async fn a_revision_that_is_not_the_newest_is_refused() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    for (revision, refused) in [(7, true), (-1, true), (1, false), (1, true), (2, false)] {
        let input = json!({ "cartId": cart, "lines": lines(&[("A", 1)]), "expectedRevision": revision });
        let done = room.change(&ann, "addCartLines", input).await;
        assert_eq!(done["userErrors"][0]["code"] == "VERSION_CONFLICT", refused, "{revision}: {done}");
    }
}

#[tokio::test]
async fn a_shopper_is_told_of_other_prices_missing_goods_and_short_stock() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1), ("B", 1), ("C", 5), ("D", 1)]).await;
    let notices = async || {
        let text = "query($id: ID!) { cart(id: $id) { subtotal { amount } notices { code sku priceBefore { amount } priceNow { amount } wanted available } lines { id sku amount { amount } } } }";
        room.ask(&ann, text, json!({ "id": cart })).await["data"]["cart"].clone()
    };
    assert_eq!(notices().await["notices"], json!([]));
    room.shop.prices.lock().unwrap().insert("A".into(), Some("1.50"));
    room.shop.prices.lock().unwrap().insert("D".into(), None);
    room.shop.unpublished.lock().unwrap().insert("B".into());
    room.shop.stock.lock().unwrap().insert("C".into(), 3);
    let seen = notices().await;
    let told = |n: usize| seen["notices"][n].clone();
    let codes: Vec<_> = (0..4).map(|n| (told(n)["code"].clone(), told(n)["sku"].clone())).collect();
    let expected =
        [("PRICE_CHANGED", "A"), ("NOT_AVAILABLE", "B"), ("STOCK_SHORT", "C"), ("NOT_AVAILABLE", "D")];
    assert_eq!(codes, expected.map(|(code, sku)| (json!(code), json!(sku))));
    assert_eq!(
        (&told(0)["priceBefore"]["amount"], &told(0)["priceNow"]["amount"]),
        (&json!("1.00"), &json!("1.50"))
    );
    assert_eq!((&told(2)["wanted"], &told(2)["available"]), (&json!(5), &json!(3)));
    assert_eq!(seen["lines"].as_array().unwrap().len(), 4, "no line is dropped");
    assert_eq!(seen["subtotal"]["amount"], "6.50");
    // Having seen the new price and confirmed the line, he is not told again.
    let changes = json!({ "cartId": cart, "lines": [{ "lineId": seen["lines"][0]["id"], "quantity": 1 }] });
    room.change(&ann, "updateCartLines", changes).await;
    assert_ne!(notices().await["notices"][0]["code"], "PRICE_CHANGED");
}
