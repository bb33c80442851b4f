//! Payments: each order has exactly one outcome of each of its payments, and each payment that holds money an order.

use super::{AuditError, Books, Check, OrderEntry, PaymentEntry, each};
use emporia_contracts::{ids::CheckoutId, orders::OrderMode, payments::PaymentState};
use emporia_payments::{EntryKind, Payment};
use emporia_store::Store;

pub(super) async fn check(store: &Store, books: &mut Books) -> Result<Check, AuditError> {
    let mut check = Check::new(
        "payments",
        "money that is held or taken belongs to one order, within its bounds; none is stuck",
    );
    each::<Payment>(&store.space("payments")?, async |payment| {
        check.examined += 1;
        let sum = |kind| payment.sum(kind);
        let (authorised, void) = (sum(EntryKind::Authorisation), sum(EntryKind::Void));
        let (captured, refunded) = (sum(EntryKind::Capture), sum(EntryKind::Refund));
        let id = payment.id;
        let bounded =
            captured + void <= authorised && refunded <= captured && authorised <= payment.amount.minor();
        check.expect(bounded, || {
            format!("{id}: {authorised} authorised, {captured} captured, {void} void, {refunded} refunded")
        });
        let keys = payment.entries.iter().map(|e| (e.kind as u8, &e.key));
        let once = keys.collect::<std::collections::HashSet<_>>().len() == payment.entries.len();
        check.expect(once, || format!("{id}: an operation is entered twice"));
        let over =
            matches!(payment.state, PaymentState::Failed | PaymentState::Voided | PaymentState::Expired);
        let held = if over { 0 } else { authorised - captured - void };
        let open = payment.wants();
        let for_checkout =
            payment.reference.parse().is_ok_and(|id: CheckoutId| books.under_way.contains(&id));
        let stuck = payment.trouble.as_ref().filter(|trouble| trouble.is_stuck());
        check.expect(stuck.is_none(), || {
            format!("{id} waits for an operator: {}", stuck.map_or("", |trouble| &trouble.reason))
        });
        if open || for_checkout {
            check.under_way += 1;
        } else {
            let owned = payment.order.map(|order| books.orders.get(&order));
            match owned {
                Some(Some(order)) => check.expect(order.payments.iter().any(|(p, _)| *p == id), || {
                    format!("{id} names order {}, which is not paid by it", order.number)
                }),
                Some(None) => check.expect(false, || format!("{id} names an order that is not there")),
                None => check.expect(held == 0 && captured == refunded, || {
                    format!("{id} holds {held} and took {captured}, and no order has it")
                }),
            }
        }
        if payment.order.is_some() || for_checkout {
            books.payments.insert(id, PaymentEntry { held, captured, refunded, open });
        }
        Ok(())
    })
    .await?;
    Ok(check)
}

/// The other way round: what each order says of its payments.
pub(super) fn check_orders(books: &Books) -> Check {
    let mut check =
        Check::new("paid", "each order's payments hold or took its total, and its ledger says the same");
    for order in books.orders.values() {
        check.examined += 1;
        match paid(order, books) {
            Ok(true) => {}
            Ok(false) => check.under_way += 1,
            Err(why) => check.expect(false, || format!("{}: {why}", order.number)),
        }
    }
    check
}

/// Whether an order is paid as it says; false while something is under way.
fn paid(order: &OrderEntry, books: &Books) -> Result<bool, String> {
    let under_way = order.checkout.is_some_and(|checkout| books.under_way.contains(&checkout));
    let (mut captured, mut refunded, mut secured) = (0, 0, 0);
    let mut open = under_way || books.behind;
    for (id, asked) in &order.payments {
        let Some(payment) = books.payments.get(id) else {
            if open {
                continue;
            }
            return Err(format!("its payment {id} is not there, or is not its own"));
        };
        open |= payment.open;
        captured += payment.captured;
        refunded += payment.refunded;
        secured += payment.held + payment.captured;
        if !payment.open && !books.behind && payment.captured != *asked {
            return Err(format!("{} was taken by {id}, {asked} was asked of it", payment.captured));
        }
    }
    if open {
        return Ok(false);
    }
    if (captured, refunded) != (order.captured, order.refunded) {
        let (said, given) = (order.captured, order.refunded);
        return Err(format!(
            "its ledger says {said} taken and {given} given back, its payments {captured} and {refunded}"
        ));
    }
    // What is cancelled is not held any more; nothing is ever held or taken beyond the total.
    let total = order.total.minor();
    if order.mode == OrderMode::Request && (secured > total || secured == 0 && total > 0 && !order.cancelled)
    {
        return Err(format!("{secured} of its {total} is held or taken"));
    }
    Ok(true)
}
