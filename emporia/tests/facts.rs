//! Orders that already happened: what is reported stands, and where we calculate otherwise is told.

use emporia_contracts::{
    checkout::{Checkout, FactLine, OrderFact},
    context::system_meta,
    orders::{LineKind, OrderTender, TenderKind},
};
use emporia_money::{Money, UnitPrice};
use emporia_testkit::Emporia;
use serde_json::{Value, json};

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn line(sku: &str, quantity: i64, price: &str) -> FactLine {
    FactLine {
        kind: LineKind::Goods,
        sku: sku.parse().unwrap(),
        title: sku.to_owned(),
        quantity: quantity.try_into().unwrap(),
        unit_price: UnitPrice::parse(price, "EUR".parse().unwrap()).unwrap(),
    }
}

/// What operators see of it.
async fn differences(
    shop: &Emporia,
    external_id: &str,
    total: Option<i64>,
    paid: &[i64],
    lines: Vec<FactLine>,
) -> Value {
    let fact = OrderFact {
        external_id: external_id.parse().unwrap(),
        channel: "eu".parse().unwrap(),
        customer: None,
        person: None,
        country: "DE".parse().unwrap(),
        lines,
        total: total.map(euros),
        tenders: paid
            .iter()
            .map(|minor| OrderTender {
                kind: TenderKind::Cash,
                amount: euros(*minor),
                payment_id: None,
                label: "Cash".into(),
            })
            .collect(),
        fulfilled_from: Some("store".parse().unwrap()),
        placed_at: shop.platform.store.clock().now(),
        meta: system_meta("test", "test", None),
    };
    let placed = shop.platform.checkout.record(fact).await.unwrap();
    let query = "query($id: ID!) { order(id: $id) { totals { total { amount } } differences { kind sku given { amount } calculated { amount } } } }";
    let staff = shop.operator(&["analyst"]).await;
    staff.data(query, json!({"id": placed.order})).await["order"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_order_is_never_refused_for_its_prices_and_differences_are_recorded() {
    let shop = Emporia::small().await;
    let order = differences(
        &shop,
        "till-1",
        Some(2000),
        &[1000, 500],
        vec![line("MUG", 2, "7.00"), line("BOOK", 1, "12.00"), line("UNKNOWN", 1, "1.00")],
    )
    .await;
    assert_eq!(order["totals"]["total"]["amount"], "27.00", "what was reported stands");
    let of = |kind, sku, given, calculated| json!({"kind": kind, "sku": sku, "given": {"amount": given}, "calculated": {"amount": calculated}});
    assert_eq!(
        order["differences"],
        json!([
            of("LINE", json!("MUG"), "14.00", "15.00"),
            of("TOTAL", Value::Null, "20.00", "27.00"),
            of("TENDERS", Value::Null, "15.00", "27.00"),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_what_we_calculate_has_no_differences() {
    let shop = Emporia::small().await;
    let order = differences(&shop, "till-2", Some(1500), &[1500], vec![line("MUG", 2, "7.50")]).await;
    assert_eq!(order["differences"], json!([]));
}
