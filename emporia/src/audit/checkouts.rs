//! Checkouts: each that is completed has its order, each that ended otherwise holds nothing.

use super::{AuditError, Books, Check, each};
use emporia_checkout::{Checkout, CheckoutState};
use emporia_contracts::orders::OrderMode;
use emporia_store::Store;
use std::collections::HashMap;

/// Which checkouts are between the shopper's word and its result.
pub(super) async fn under_way(store: &Store, books: &mut Books) -> Result<Check, AuditError> {
    let mut check = Check::new("purchases", "no purchase that is under way waits for an operator");
    each::<Checkout>(&store.space("checkout")?, async |checkout| {
        if checkout.state.under_way() || !checkout.undo.is_done() {
            check.examined += 1;
            check.under_way += 1;
            books.under_way.insert(checkout.id);
            let stuck = checkout.trouble.as_ref().filter(|trouble| trouble.is_stuck());
            check.expect(stuck.is_none(), || {
                let why = stuck.map_or("", |trouble| &trouble.reason);
                format!("{} is stuck: {why}", checkout.id)
            });
        }
        Ok(())
    })
    .await?;
    Ok(check)
}

pub(super) async fn check(store: &Store, books: &Books) -> Result<Check, AuditError> {
    let mut check = Check::new("checkouts", "a completed checkout is one order; any other holds no money");
    let mut made: HashMap<_, u32> = HashMap::new();
    for (order, entry) in &books.orders {
        if let Some(checkout) = entry.checkout {
            let orders = made.entry(checkout).or_default();
            *orders += 1;
            check.expect(*orders == 1, || format!("{checkout} made {orders} orders"));
        } else {
            check.expect(entry.mode == OrderMode::Fact, || format!("order {order} was made by no checkout"));
        }
    }
    each::<Checkout>(&store.space("checkout")?, async |checkout| {
        check.examined += 1;
        let id = checkout.id;
        if books.under_way.contains(&id) {
            check.under_way += 1;
            return Ok(());
        }
        if checkout.state != CheckoutState::Completed {
            check.expect(!made.contains_key(&id), || {
                format!("{id} is {} and has an order", checkout.state.name())
            });
            let held = |t: &emporia_checkout::Tender| {
                books.payments.get(&t.payment).map_or(0, |p| p.held + p.captured - p.refunded)
            };
            let held: i64 = checkout.tenders.iter().map(held).sum();
            check
                .expect(held == 0, || format!("{id} is {} and {held} is held for it", checkout.state.name()));
            return Ok(());
        }
        let order = checkout.order.and_then(|order| books.orders.get(&order));
        let same = order.is_some_and(|order| {
            order.checkout == Some(id) && Some(&order.number) == checkout.order_number.as_ref()
        });
        check.expect(same, || format!("{id} is completed, and its order is not there or is another's"));
        Ok(())
    })
    .await?;
    Ok(check)
}
