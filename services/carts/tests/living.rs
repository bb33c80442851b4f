//! Merging, buying, abandoning: the life of a cart.

mod room;

use emporia_contracts::{
    Principal,
    carts::{
        CartAbandoned, CartExpired, CartMerged, CartOrdered, CartRefusal, CartRequest, Carts, ClaimCart,
        MarkOrdered, OpenCheckout, UnclaimCart,
    },
    ids::{CheckoutId, OrderId},
};
use room::{Room, channel, content, context, guest, id, meta};
use serde_json::{Value, json};

#[tokio::test]
async fn each_strategy_makes_one_cart_of_two_and_again_changes_nothing() {
    for (strategy, expected) in [
        (json!("MERGE_SUM"), content(&[("A", 5), ("B", 1), ("C", 1)])),
        (Value::Null, content(&[("A", 5), ("B", 1), ("C", 1)])),
        (json!("MERGE_MAX"), content(&[("A", 3), ("B", 1), ("C", 1)])),
        (json!("KEEP_GUEST"), content(&[("A", 3), ("B", 1)])),
        (json!("KEEP_ACCOUNT"), content(&[("A", 2), ("C", 1)])),
    ] {
        let room = Room::open().await;
        let customer = Principal::Customer(room.ids.next());
        let (ann, signed_in) = (guest("ann"), context(customer, Some("ann")));
        let hers = room.cart(&ann, &[("A", 3), ("B", 1)]).await;
        let account = room.cart(&signed_in, &[("A", 2), ("C", 1)]).await;
        let mut input = json!({ "guestCartId": hers });
        if !strategy.is_null() {
            input["strategy"] = strategy.clone();
        }
        for _ in 0..3 {
            let merged = room.change(&signed_in, "mergeCart", input.clone()).await;
            assert_eq!(merged["cart"]["id"], account, "{strategy}: {merged}");
            assert_eq!(room.content(&signed_in, &account).await.unwrap(), expected, "{strategy}");
        }
        assert_eq!(room.told::<CartMerged>().await.len(), 1);
        assert_eq!(room.add(&ann, &hers, &[("A", 1)]).await["userErrors"][0]["code"], "CART_NOT_ACTIVE");
    }
}

#[tokio::test]
async fn without_a_cart_of_his_own_the_guests_cart_becomes_the_customers() {
    let room = Room::open().await;
    let customer = Principal::Customer(room.ids.next());
    let signed_in = context(customer.clone(), Some("ann"));
    let hers = room.cart(&guest("ann"), &[("A", 3)]).await;
    for _ in 0..2 {
        assert_eq!(
            room.change(&signed_in, "mergeCart", json!({ "guestCartId": hers })).await["cart"]["id"],
            hers
        );
    }
    assert_eq!(room.content(&guest("ann"), &hers).await, None, "the old token opens it no more");
    assert!(room.content(&context(customer, None), &hers).await.is_some());
}

#[tokio::test]
async fn a_cart_is_never_merged_into_one_of_another_channel() {
    let room = Room::open().await;
    let mut signed_in = context(Principal::Customer(room.ids.next()), Some("ann"));
    let hers = room.cart(&guest("ann"), &[("A", 3)]).await;
    signed_in.channel = channel("us");
    let american = room.cart(&signed_in, &[("B", 1)]).await;
    let merged = room.change(&signed_in, "mergeCart", json!({ "guestCartId": hers })).await;
    assert_eq!(merged["cart"]["id"], hers);
    assert_eq!(room.content(&signed_in, &american).await.unwrap(), content(&[("B", 1)]));
}

#[tokio::test]
async fn while_a_checkout_buys_a_cart_nobody_edits_merges_or_claims_it() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    let (mine, other): (CheckoutId, CheckoutId) = (room.ids.next(), room.ids.next());
    let claim =
        |checkout, revision| room.carts.claim(ClaimCart { cart: id(&cart), checkout, attempt: 1, revision });
    let unclaim = |checkout| room.carts.unclaim(UnclaimCart { cart: id(&cart), checkout, attempt: 1 });
    room.carts.open_checkout(OpenCheckout { cart: id(&cart), checkout: mine, meta: meta() }).await.unwrap();
    assert!(matches!(claim(mine, 9).await, Err(CartRefusal::Changed { expected: 9, actual: 1, .. })));
    claim(mine, 1).await.unwrap();
    claim(mine, 1).await.unwrap();
    assert_eq!(claim(other, 1).await.unwrap_err(), CartRefusal::Claimed { cart: id(&cart), by: mine });
    assert_eq!(room.add(&ann, &cart, &[("A", 1)]).await["userErrors"][0]["code"], "CART_NOT_ACTIVE");
    let signed_in = context(Principal::Customer(room.ids.next()), Some("ann"));
    let merged = room.change(&signed_in, "mergeCart", json!({ "guestCartId": cart })).await;
    assert_eq!(merged["userErrors"][0]["code"], "CART_NOT_ACTIVE");
    // Time does not take it away, and another's giving up does not free it.
    room.pass(24 * 40);
    assert_eq!(room.carts.sweep().await.unwrap(), 0);
    unclaim(other).await.unwrap();
    assert!(claim(other, 1).await.is_err());
    for _ in 0..2 {
        unclaim(mine).await.unwrap();
    }
    assert_eq!(room.add(&ann, &cart, &[("A", 1)]).await["cart"]["units"], 2);
}

#[tokio::test]
async fn a_late_word_of_an_earlier_attempt_does_not_touch_a_later_claim() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    let checkout: CheckoutId = room.ids.next();
    let claim = |attempt| room.carts.claim(ClaimCart { cart: id(&cart), checkout, attempt, revision: 1 });
    let unclaim = |attempt| room.carts.unclaim(UnclaimCart { cart: id(&cart), checkout, attempt });
    claim(1).await.unwrap();
    claim(2).await.unwrap();
    assert!(matches!(claim(1).await, Err(CartRefusal::Claimed { .. })));
    unclaim(1).await.unwrap();
    assert_eq!(room.add(&ann, &cart, &[("A", 1)]).await["userErrors"][0]["code"], "CART_NOT_ACTIVE");
    unclaim(2).await.unwrap();
    assert_eq!(room.add(&ann, &cart, &[("A", 1)]).await["cart"]["units"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_checkouts_that_claim_a_cart_at_once_one_has_it() {
    let room = std::sync::Arc::new(Room::open().await);
    let cart = id(&room.cart(&guest("ann"), &[("A", 1)]).await);
    let claims: Vec<_> = (0..64)
        .map(|_| {
            let room = room.clone();
            tokio::spawn(async move {
                let checkout = room.ids.next();
                match room.carts.claim(ClaimCart { cart, checkout, attempt: 1, revision: 1 }).await {
                    Ok(()) => 1,
                    Err(CartRefusal::Claimed { .. }) => 0,
                    Err(error) => panic!("{error}"),
                }
            })
        })
        .collect();
    let mut won = 0;
    for claim in claims {
        won += claim.await.unwrap();
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_cart_becomes_one_order_once() {
    let room = Room::open().await;
    let ann = guest("ann");
    let cart = room.cart(&ann, &[("A", 1)]).await;
    let (order, other): (OrderId, OrderId) = (room.ids.next(), room.ids.next());
    let mark = |order| room.carts.mark_ordered(MarkOrdered { cart: id(&cart), order, meta: meta() });
    mark(order).await.unwrap();
    mark(order).await.unwrap();
    assert_eq!(mark(other).await.unwrap_err(), CartRefusal::Ordered { cart: id(&cart), order });
    assert_eq!(room.told::<CartOrdered>().await.len(), 1);
    assert_eq!(room.carts.cart(CartRequest { cart: id(&cart) }).await.unwrap().ordered, Some(order));
    assert_eq!(room.ask(&ann, "{ activeCart { id } }", json!({})).await["data"]["activeCart"], Value::Null);
    assert_eq!(room.add(&ann, &cart, &[("A", 1)]).await["userErrors"][0]["code"], "CART_NOT_ACTIVE");
    let none = MarkOrdered { cart: room.ids.next(), order, meta: meta() };
    assert!(matches!(room.carts.mark_ordered(none).await, Err(CartRefusal::NotFound(_))));
}

#[tokio::test]
async fn abandonment_is_told_once_until_the_shopper_comes_back_and_an_old_cart_ends_and_can_still_be_seen() {
    let room = Room::open().await;
    let ann = guest("ann");
    let (full, empty) = (room.cart(&ann, &[("A", 1)]).await, room.cart(&guest("bob"), &[]).await);
    room.pass(2);
    for _ in 0..3 {
        room.carts.sweep().await.unwrap();
    }
    let told = room.told::<CartAbandoned>().await;
    assert_eq!(told.iter().map(|t| t.cart_id).collect::<Vec<_>>(), [id(&full)]);
    room.add(&ann, &full, &[("A", 1)]).await;
    assert_eq!(room.carts.sweep().await.unwrap(), 0);
    room.pass(2);
    room.carts.sweep().await.unwrap();
    assert_eq!(room.told::<CartAbandoned>().await.len(), 2);
    room.pass(24 * 31);
    while room.carts.sweep().await.unwrap() > 0 {}
    let ended = room.told::<CartExpired>().await;
    assert_eq!(
        ended.iter().map(|e| e.cart_id).collect::<std::collections::BTreeSet<_>>(),
        [id(&full), id(&empty)].into()
    );
    assert_eq!(room.content(&ann, &full).await.unwrap(), content(&[("A", 2)]));
    assert_eq!(room.add(&ann, &full, &[("A", 1)]).await["userErrors"][0]["code"], "CART_NOT_ACTIVE");
}
