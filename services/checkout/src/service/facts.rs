//! Orders that already happened: validated, never refused for stock or price.

use crate::service::CheckoutService;
use emporia_contracts::{
    Fault,
    catalog::VariantsRequest,
    checkout::{FactLine, FactRefusal, OrderFact},
    orders::{
        Difference, DifferenceKind, LineKind, OrderMode, OrderRefusal, PlaceOrder, PlacedOrder, PricedLine,
        PricedSnapshot,
    },
    pricing::PriceRequest,
    tax::LineTax,
    values::{Sku, TaxCategory},
};
use emporia_money::{Money, Rate, Rounding, UnitPrice};
use std::collections::HashMap;

/// Differences of lines that are recorded: further ones tell an operator nothing new, and have to fit the order.
const MOST_LINES: usize = 20;
/// The tax of a line whose source reports none.
const NOT_REPORTED: &str = "not reported";

impl CheckoutService {
    pub(crate) async fn record_fact(&self, fact: OrderFact) -> Result<PlacedOrder, FactRefusal> {
        let invalid = |what: String| FactRefusal::Invalid(what);
        let channel = self.deps.channels.channel(fact.channel.clone()).await?;
        let channel = channel.ok_or_else(|| invalid(format!("there is no channel {}", fact.channel)))?;
        let category: TaxCategory =
            "not-reported".parse().map_err(|e| FactRefusal::Fault(Fault::permanent("checkout", e)))?;
        let mut goods: Vec<Sku> =
            fact.lines.iter().filter(|l| l.kind == LineKind::Goods).map(|l| l.sku.clone()).collect();
        goods.sort_unstable();
        goods.dedup();
        let request = VariantsRequest {
            skus: goods.clone(),
            channel: channel.key.clone(),
            locale: channel.default_locale.clone(),
        };
        let prices = PriceRequest { skus: goods.clone(), channel: channel.key.clone(), at: fact.placed_at };
        let (known, prices) =
            futures_util::try_join!(self.deps.catalog.variants(request), self.deps.pricing.prices(prices))?;
        let prices: HashMap<Sku, UnitPrice> =
            goods.iter().cloned().zip(prices).filter_map(|(sku, p)| Some((sku, p?.unit))).collect();
        let products: HashMap<Sku, _> =
            goods.into_iter().zip(known).filter_map(|(sku, v)| Some((sku, v?.product_id))).collect();
        let line = |l: &FactLine| -> Result<PricedLine, FactRefusal> {
            if l.unit_price.currency() != channel.currency {
                let (got, want) = (l.unit_price.currency(), channel.currency);
                return Err(invalid(format!("line {}: {got} is not the channel's currency {want}", l.sku)));
            }
            let amount = l.unit_price.times(l.quantity.units(), channel.rounding.mode);
            let amount = amount.map_err(|e| invalid(format!("line {}: {e}", l.sku)))?;
            if amount.is_negative() && l.kind != LineKind::Discount {
                return Err(invalid(format!("line {}: only discounts have a negative amount", l.sku)));
            }
            Ok(PricedLine {
                id: self.ids.next(),
                kind: l.kind,
                sku: l.sku.clone(),
                product_id: products.get(&l.sku).copied(),
                title: l.title.clone(),
                options: vec![],
                image_url: None,
                quantity: l.quantity,
                unit_price: l.unit_price,
                amount,
                tax_category: category.clone(),
                tax: LineTax {
                    net: amount,
                    tax: Money::zero(channel.currency),
                    gross: amount,
                    rate: Rate::ZERO,
                    name: NOT_REPORTED.into(),
                },
            })
        };
        let lines = fact.lines.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let rates = NOT_REPORTED.to_owned();
        let snapshot =
            PricedSnapshot::new(channel.currency, channel.price_kind, lines, None, rates, fact.placed_at)
                .map_err(|e| invalid(e.to_string()))?;
        let differences = differences(&fact, &snapshot, &prices, channel.rounding.mode);
        let place = PlaceOrder {
            order: self.ids.next(),
            mode: OrderMode::Fact,
            external_id: Some(fact.external_id.clone()),
            channel: fact.channel,
            number_prefix: channel.order_prefix.clone(),
            owner: fact.customer.map(emporia_contracts::Owner::Customer),
            customer: fact.customer,
            person: fact.person,
            contact: None,
            locale: channel.default_locale.to_string(),
            country: fact.country,
            snapshot,
            tenders: fact.tenders,
            allocations: vec![],
            reservation: None,
            checkout: None,
            cart: None,
            placed_at: fact.placed_at,
            fulfilled_from: fact.fulfilled_from,
            differences,
            meta: fact.meta,
        };
        match self.deps.orders.place(place).await {
            Ok(placed) => Ok(placed),
            Err(OrderRefusal::Fault(fault)) => Err(fault.into()),
            Err(OrderRefusal::Reused(_)) => Err(FactRefusal::Reused(fact.external_id)),
            Err(refusal) => Err(FactRefusal::Invalid(refusal.to_string())),
        }
    }
}

/// Where a fact is not what we calculate: it is recorded, never refused. Without a price of ours for a line there is
/// nothing to compare; amounts that cannot be summed were refused before.
fn differences(
    fact: &OrderFact,
    snapshot: &PricedSnapshot,
    prices: &HashMap<Sku, UnitPrice>,
    rounding: Rounding,
) -> Vec<Difference> {
    let line = |line: &PricedLine| {
        let calculated = prices.get(&line.sku)?.times(line.quantity.units(), rounding).ok()?;
        let (kind, sku, given) = (DifferenceKind::Line, Some(line.sku.clone()), line.amount);
        Some(Difference { kind, sku, given, calculated })
    };
    let calculated = snapshot.totals.total;
    let whole = |kind, given| Difference { kind, sku: None, given, calculated };
    let tendered = Money::sum(snapshot.currency, fact.tenders.iter().map(|t| t.amount)).ok();
    let tendered = tendered.filter(|_| !fact.tenders.is_empty());
    let differs = |d: &Difference| d.given != d.calculated;
    let goods = snapshot.lines.iter().filter(|line| line.kind == LineKind::Goods);
    let lines = goods.filter_map(line).filter(differs).take(MOST_LINES);
    let total = fact.total.map(|given| whole(DifferenceKind::Total, given));
    let tenders = tendered.map(|given| whole(DifferenceKind::Tenders, given));
    lines.chain(total.into_iter().chain(tenders).filter(differs)).collect()
}
