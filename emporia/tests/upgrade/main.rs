//! An older release's data goes on: nothing of it is lost, and nothing of it stands still.
//!
//! `foundation.tar.gz` was written by the first release (commit 348b2cd, 2026-11-24T20:32Z) with the testkit's keys, and left by
//! `kill -9`: an order, a cart, a checkout that is ready to be paid, a customer, and three purchases that were cut off, one
//! while it was paid, one when it was paid, one when its stock was allocated. `foundation.json` says what is in it.

use emporia::{audit, platform::Engine};
use emporia_id::FixedClock;
use emporia_store_sqlite::{Durability, Layout};
use emporia_testkit::{Emporia, Setup, until};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::{path::Path, process::Command, sync::Arc};
use tempfile::TempDir;

/// A minute after it was killed.
const NOW: &str = "2026-11-24T20:34:00Z";

fn text<'a>(known: &'a Value, pointer: &str) -> &'a str {
    known.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {known:#}"))
}

/// The shop, on the present release, and what was in it.
async fn kept(directory: &TempDir, clock: &Arc<FixedClock>) -> (Emporia, Value) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade");
    let archive = here.join("foundation.tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(directory.path()).status();
    assert!(unpacked.unwrap().success());
    let known = serde_json::from_slice(&std::fs::read(here.join("foundation.json")).unwrap()).unwrap();
    let engine = Engine::Sqlite { layout: Layout::Shared, durability: Durability::None };
    let setup = Setup {
        directory: Some(directory.path().to_owned()),
        engine: Some(engine),
        clock: Some(clock.clone()),
        ..Setup::default()
    };
    (Emporia::with(setup).await, known)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_the_first_release_goes_on_where_it_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(NOW.parse().unwrap()));
    let (shop, known) = kept(&directory, &clock).await;
    let data = async |query: &str, variables: Value, guest: &str| {
        shop.data(query, variables, &[("emporia-guest", guest)]).await
    };

    // What was finished is there.
    let order = "query($number: String!) { orderByNumber(number: $number) { number lines { sku } } }";
    let found = data(order, json!({"number": text(&known, "/order")}), text(&known, "/buyer")).await;
    assert_eq!(found["orderByNumber"]["number"], known["order"], "{found:#}");

    // What was begun goes on.
    let add = "mutation($cart: ID!) { addCartLines(input: {cartId: $cart, lines: [{sku: \"MUG\", quantity: 1}]}) \
               { cart { units } userErrors { code } } }";
    let added = data(add, json!({"cart": text(&known, "/cart")}), text(&known, "/browser")).await;
    assert_eq!(added["addCartLines"]["cart"]["units"], 2, "{added:#}");
    let complete = "mutation($id: ID!) { completeCheckout(input: {checkoutId: $id}) \
                    { order { number } userErrors { code message } } }";
    let bought = data(complete, json!({"id": text(&known, "/checkout")}), text(&known, "/ready")).await;
    text(&bought, "/completeCheckout/order/number");

    // A customer signs in with the password of then.
    let sign_in = "mutation { signIn(input: {email: \"customer@example.com\", password: \"a long enough password\"}) \
                   { accessToken } }";
    text(&shop.data(sign_in, json!({}), &[]).await, "/signIn/accessToken");

    // Purchases that were cut off are finished though nobody asks.
    let state = "query($id: ID!) { checkout(id: $id) { state } }";
    for cut in known["cut"].as_array().unwrap() {
        until(async || {
            clock.advance(SignedDuration::from_secs(15));
            shop.platform.payments.sweep().await.unwrap();
            shop.platform.checkout.recover().await.unwrap();
            let now = data(state, json!({"id": text(cut, "/checkout")}), text(cut, "/guest")).await;
            (now["checkout"]["state"] == "COMPLETED").then_some(())
        })
        .await;
    }

    // And the books of all rooms agree, also with the provider's.
    shop.caught_up().await;
    let report = audit::run(&shop.platform.store, Some(&shop.as_provider())).await.unwrap();
    assert_eq!(report.differences(), 0, "{report}");
}
