use crate::{
    commands::{LINES_AT_ONCE, shares::over_payments},
    model::{FurtherLines, LINES_PER_DOCUMENT, LedgerKind, Order, OrderLine, Units, external_key},
    service::{OrdersService, fault},
};
use emporia_contracts::orders::{
    LINES_PER_EVENT, LineKind, OrderLinesPlaced, OrderMode, OrderPlaced, OrderRefusal, OrderTender,
    PlaceOrder, PlacedOrder,
};
use emporia_money::{Money, MoneyError};
use emporia_store::{Query, StoreError, Tx};
use emporia_subgraph::fingerprint;
use serde::Serialize;
use std::collections::BTreeSet;

/// Bytes that a line may have as JSON, so that documents and events of many stay within their limits.
const LINE_BYTES: usize = 2_000;
/// Bytes that all lines may have: they are written twice, in documents and events, in one transaction of 4 MB.
const LINES_BYTES: usize = 1_700_000;
/// Bytes that all allocations may have: they are in one document and one event.
const ALLOCATIONS_BYTES: usize = 120_000;

impl OrdersService {
    pub(crate) async fn place_order(&self, request: PlaceOrder) -> Result<PlacedOrder, OrderRefusal> {
        check(&request)?;
        let store = |error: StoreError| OrderRefusal::Fault(fault(error));
        let print = fingerprint(&(
            &request.channel,
            &request.external_id,
            &request.customer,
            &request.snapshot.totals,
            request.snapshot.lines.iter().map(|l| (&l.sku, l.quantity, l.unit_price)).collect::<Vec<_>>(),
        ));
        if let Some(known) = self.known(&request).await.map_err(store)? {
            return replay(known, &print);
        }
        let number = self.numbers.next(&request.number_prefix).await.map_err(store)?;
        let (order, further) = build(&request, number.clone(), print.clone())?;
        let (this, order, further, request) = (self, &order, &further, &request);
        let placed = self
            .space
            .transact(|tx| async move {
                tx.insert(order)?;
                further.iter().try_for_each(|lines| tx.insert(lines))?;
                this.tell_placed(&tx, request, order)
            })
            .await;
        match placed {
            Ok(()) => Ok(PlacedOrder { order: request.order, number, replayed: false }),
            // Another call with the same id was quicker.
            Err(error @ (StoreError::AlreadyExists { .. } | StoreError::Duplicate { .. })) => {
                match self.known(request).await.map_err(store)? {
                    Some(known) => replay(known, &print),
                    None => Err(store(error)),
                }
            }
            Err(error) => Err(store(error)),
        }
    }

    async fn known(&self, request: &PlaceOrder) -> Result<Option<Order>, StoreError> {
        if let Some(found) = self.space.get::<Order>(&Order::key_of(request.order)).await? {
            return Ok(Some(found.value));
        }
        let Some(external) = &request.external_id else { return Ok(None) };
        let query =
            Query::index("order_external_id").prefix(external_key(&request.channel, external)).limit(1);
        Ok(self.space.query::<Order>(query).await?.into_values().pop())
    }

    fn tell_placed(&self, tx: &Tx, request: &PlaceOrder, order: &Order) -> Result<(), StoreError> {
        let number = order.number.as_str();
        let mut snapshot = request.snapshot.clone();
        let further = snapshot.lines.split_off(snapshot.lines.len().min(LINES_PER_EVENT));
        let event = OrderPlaced {
            order_id: request.order,
            number: number.to_owned(),
            mode: request.mode,
            external_id: request.external_id.clone(),
            channel: request.channel.clone(),
            customer_id: request.customer,
            person_id: request.person,
            contact: request.contact.clone(),
            locale: request.locale.clone(),
            country: request.country.clone(),
            snapshot,
            further_lines: further.len(),
            tenders: request.tenders.clone(),
            allocations: request.allocations.clone(),
            reservation_id: request.reservation,
            checkout_id: request.checkout,
            cart_id: request.cart,
            placed_at: request.placed_at,
            fulfilled_from: request.fulfilled_from.clone(),
            captures: order.captures.clone(),
        };
        self.emit_at(tx, &event, &request.meta, request.placed_at)?;
        for (part, lines) in further.chunks(LINES_PER_EVENT).enumerate() {
            let event = OrderLinesPlaced {
                order_id: request.order,
                number: number.to_owned(),
                lines: lines.to_vec(),
                placed_at: request.placed_at,
                fulfilled_from: request.fulfilled_from.clone(),
                offset: (part + 1) * LINES_PER_EVENT,
            };
            self.emit_at(tx, &event, &request.meta, request.placed_at)?;
        }
        Ok(())
    }
}

fn replay(known: Order, print: &str) -> Result<PlacedOrder, OrderRefusal> {
    if known.fingerprint != print {
        return Err(OrderRefusal::Reused(
            known.external_id.map_or_else(|| known.id.to_string(), |e| e.to_string()),
        ));
    }
    Ok(PlacedOrder { order: known.id, number: known.number, replayed: true })
}

fn check(request: &PlaceOrder) -> Result<(), OrderRefusal> {
    let invalid = |what: String| Err(OrderRefusal::Invalid(what));
    let (lines, totals) = (&request.snapshot.lines, &request.snapshot.totals);
    if lines.is_empty() {
        return invalid("it has no lines".into());
    }
    if lines.len() > LINES_AT_ONCE {
        return invalid(format!("it has {} lines, at most {LINES_AT_ONCE} are possible", lines.len()));
    }
    if lines.iter().map(|l| l.id).collect::<BTreeSet<_>>().len() < lines.len() {
        return invalid("two lines have the same id".into());
    }
    let mut all = 0;
    for line in lines {
        let bytes = json_bytes(line);
        if bytes > LINE_BYTES {
            return invalid(format!(
                "line {} has {bytes} bytes, at most {LINE_BYTES} are possible",
                line.sku
            ));
        }
        all += bytes;
    }
    if all > LINES_BYTES || json_bytes(&request.allocations) > ALLOCATIONS_BYTES {
        return invalid("its lines and allocations are too long for one order".into());
    }
    let negative = |t: &OrderTender| t.amount.is_negative();
    if request.mode == OrderMode::Request && request.tenders.iter().any(negative) {
        return invalid("a tender cannot be negative".into());
    }
    let tendered = Money::sum(request.snapshot.currency, request.tenders.iter().map(|t| t.amount));
    match tendered {
        Err(error) => invalid(error.to_string()),
        Ok(sum) if request.mode == OrderMode::Request && sum != totals.total => {
            invalid(format!("the tenders sum to {sum}, {} are to be paid", totals.total))
        }
        Ok(_) => Ok(()),
    }
}

/// Length as JSON; what cannot be written has none, and is refused by the store.
fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

fn build(
    request: &PlaceOrder,
    number: String,
    print: String,
) -> Result<(Order, Vec<FurtherLines>), OrderRefusal> {
    // Services and vouchers are rendered with the order: nothing has to leave first.
    let ships = request.snapshot.lines.iter().any(|line| line.kind == LineKind::Goods);
    let left = request.fulfilled_from.is_some() || !ships;
    let line = |priced: &emporia_contracts::orders::PricedLine| {
        let units = if left { priced.quantity.units() } else { 0 };
        let charged = if left { priced.tax.gross.minor() } else { 0 };
        let units = Units { planned: units, shipped: units, delivered: units, charged, ..Units::default() };
        OrderLine { priced: priced.clone(), units }
    };
    let snapshot = &request.snapshot;
    let mut lines: Vec<OrderLine> = snapshot.lines.iter().map(line).collect();
    let rest = lines.split_off(lines.len().min(LINES_PER_DOCUMENT));
    let further = rest
        .chunks(LINES_PER_DOCUMENT)
        .zip(1..)
        .map(|(lines, number)| FurtherLines { order: request.order, number, lines: lines.to_vec() })
        .collect();
    let mut order = Order {
        id: request.order,
        number,
        mode: request.mode,
        external_id: request.external_id.clone(),
        fingerprint: print,
        channel: request.channel.clone(),
        owner: request.owner.clone(),
        customer: request.customer,
        person: request.person,
        contact: request.contact.clone(),
        locale: request.locale.clone(),
        country: request.country.clone(),
        currency: snapshot.currency,
        price_kind: snapshot.kind,
        totals: snapshot.totals.clone(),
        delivery: snapshot.delivery.clone(),
        rates_version: snapshot.rates_version.clone(),
        line_count: snapshot.lines.len(),
        lines,
        tenders: request.tenders.clone(),
        allocations: request.allocations.clone(),
        reservation: request.reservation,
        checkout: request.checkout,
        cart: request.cart,
        placed_at: request.placed_at,
        fulfilled_from: request.fulfilled_from.clone(),
        delivery_captured: left,
        captures: vec![],
        refunds: vec![],
        differences: request.differences.clone(),
        fulfilments: Some(vec![]),
        returns: Some(vec![]),
        ledger: vec![],
        timeline: vec![],
        revision: 0,
    };
    let (at, total) = (request.placed_at, order.totals.total);
    order.enter(LedgerKind::Charge, total, "order".into(), at);
    let invalid = |e: MoneyError| OrderRefusal::Invalid(e.to_string());
    // What a fact reports as paid was paid.
    if left && request.mode == OrderMode::Request {
        over_payments(total, &order.tenders, &mut order.captures).map_err(invalid)?;
    }
    settle_outside(&mut order, request).map_err(invalid)?;
    let text = format!("Placed for {total}");
    order.note(at, "OrderPlaced", &request.meta.actor, text);
    Ok((order, further))
}

/// What is no payment of ours was paid elsewhere, as told; a reported order without tenders in full.
fn settle_outside(order: &mut Order, request: &PlaceOrder) -> Result<(), MoneyError> {
    let zero = Money::zero(order.currency);
    let at = request.placed_at;
    if request.mode == OrderMode::Fact && request.tenders.is_empty() {
        let paid = zero.minus(order.totals.total)?;
        order.enter(LedgerKind::Settlement, paid, "outside".into(), at);
    }
    for (number, tender) in request.tenders.iter().enumerate().filter(|(_, t)| t.payment_id.is_none()) {
        let paid = zero.minus(tender.amount)?;
        order.enter(LedgerKind::Settlement, paid, format!("tender/{number}"), at);
    }
    Ok(())
}
