//! The replay: every row at its own time, through the code of live orders in fact mode.

use crate::{
    import::{
        FinanceAdjustment,
        online_retail::{
            Class, Report, Row, RowError,
            catalogue::{Article, articles, customers, drafts, parsed, sku},
            class::{country, kind},
            report::Cell,
            returns::{Part, Purchases},
        },
    },
    platform::{Platform, Tasks},
};
use emporia_catalog::{DefineCategory, DefineProductType, Texts, Upserted};
use emporia_contracts::{
    channels::{ChannelFacts, PriceKind, RoundingPlace, RoundingPolicy},
    checkout::{Checkout as _, FactLine, OrderFact},
    context::system_meta,
    ids::{CustomerId, OrderId, OrderLineId},
    inventory::{Inventory as _, MovementLine, MovementReason, StockFact},
    orders::{LineKind, Orders as _, RecordReturn, ReturnCondition, ReturnLine},
    values::{ChannelKey, LocationKey, Quantity},
};
use emporia_events::EventMeta;
use emporia_inventory::{Location, LocationKind};
use emporia_money::{Currency, Money, Rounding, UnitPrice, allocate};
use emporia_pricing::{Expected, SetPrice};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    path::Path,
    sync::Arc,
};

/// Facts under way at once: enough to share the store's flushes.
const AT_ONCE: usize = 128;

/// Why the import stops. What is recorded until then stays; running it again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A room refuses.
    #[error("{what}: {why}")]
    Refused {
        /// Which invoice or article.
        what: String,
        /// Why.
        why: String,
    },
}

fn refused<E: Display>(what: &str) -> impl FnOnce(E) -> ImportError + '_ {
    move |why| ImportError::Refused { what: what.to_owned(), why: why.to_string() }
}

/// What does not change while the file is replayed.
struct Import<'a> {
    platform: &'a Platform,
    meta: EventMeta,
    channel: ChannelKey,
    location: LocationKey,
    currency: Currency,
    customers: HashMap<u32, CustomerId>,
}

/// Rows of one invoice, in the order of the file.
type Invoice<'a> = Vec<&'a Row>;

/// Imports the file. `progress` hears how many rows are done. Running it twice changes nothing.
///
/// # Errors
/// [`ImportError`] says what and where.
pub async fn run(
    platform: &Platform,
    file: &Path,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Report, ImportError> {
    let rows = super::read(file)?;
    let total = rows.len() as u64;
    let mut invoices: HashMap<Arc<str>, Invoice<'_>> = HashMap::new();
    for row in &rows {
        invoices.entry(row.invoice.clone()).or_default().push(row);
    }
    let mut invoices: Vec<Invoice<'_>> = invoices.into_values().collect();
    // An invoice's time is that of its first row; 43 have two.
    invoices.sort_by(|a, b| (a[0].at, &a[0].invoice).cmp(&(b[0].at, &b[0].invoice)));
    let ordered: Vec<&Row> = invoices.iter().flatten().copied().collect();

    let import = Import::prepare(platform, &ordered).await?;
    let tasks = Tasks::consumers(platform).await.map_err(refused("consumers"))?;
    let mut report = Report::default();
    let (mut purchases, mut placed) = (Purchases::default(), HashMap::new());
    let mut done = 0u64;
    let mut rest = invoices.as_slice();
    while let Some(first) = rest.first() {
        // A day at a time: a return of today may belong to a sale of today.
        let day = first[0].at.as_second().div_euclid(86_400);
        let end =
            rest.iter().position(|i| i[0].at.as_second().div_euclid(86_400) != day).unwrap_or(rest.len());
        let (today, later) = rest.split_at(end);
        import.day(today, &mut purchases, &mut placed, &mut report).await?;
        done += today.iter().map(|i| i.len() as u64).sum::<u64>();
        progress(done, total);
        rest = later;
    }
    for consumer in &tasks {
        consumer.caught_up().await.map_err(refused("consumers"))?;
    }
    for consumer in tasks {
        consumer.shutdown().await;
    }
    Ok(report)
}

impl<'a> Import<'a> {
    /// Makes channel, location, catalogue, prices, customers and opening stock.
    async fn prepare(platform: &'a Platform, rows: &[&Row]) -> Result<Self, ImportError> {
        let text = |what: &'static str| refused::<String>(what);
        let channel: ChannelKey = parsed("uk").map_err(text("channel"))?;
        let location: LocationKey = parsed("online-retail").map_err(text("location"))?;
        let currency: Currency = parsed("GBP").map_err(text("currency"))?;
        let meta = system_meta("import", "online-retail", Some(&channel));
        let facts = ChannelFacts {
            key: channel.clone(),
            name: "Online Retail (United Kingdom)".into(),
            currency,
            price_kind: PriceKind::Gross,
            default_locale: parsed("en").map_err(text("channel"))?,
            locales: vec![parsed("en").map_err(text("channel"))?],
            countries: vec![parsed("GB").map_err(text("channel"))?],
            rounding: RoundingPolicy { mode: Rounding::HalfEven, place: RoundingPlace::Line },
            stock_pool: vec![location.clone()],
            order_prefix: "UK".into(),
            time_zone: "Europe/London".into(),
        };
        platform.channels.define(facts, meta.clone()).await.map_err(refused("channel uk"))?;
        let place = Location {
            key: location.clone(),
            name: "Online Retail warehouse".into(),
            kind: LocationKind::Warehouse,
            country: parsed("GB").map_err(text("location"))?,
        };
        platform.inventory.define_location(place).await.map_err(refused("location"))?;
        let articles = articles(rows).map_err(text("articles"))?;
        let mut import = Self { platform, meta, channel, location, currency, customers: HashMap::new() };
        import.catalogue(&articles).await?;
        import.opening_stock(&articles, rows.first().map_or(Timestamp::UNIX_EPOCH, |row| row.at)).await?;
        let numbers = customers(rows);
        let external: Result<Vec<_>, String> =
            numbers.iter().map(|n| parsed(&format!("online-retail/{n}"))).collect();
        let external = external.map_err(text("customers"))?;
        let made = platform.customers.import(&external, &import.meta).await.map_err(refused("customers"))?;
        import.customers = numbers.into_iter().zip(made).collect();
        Ok(import)
    }

    async fn catalogue(&self, articles: &[Article]) -> Result<(), ImportError> {
        let (catalog, text) = (&self.platform.catalog, |what: &'static str| refused::<String>(what));
        let name = |en: &str| Ok(Texts::of(parsed("en")?, en));
        let giftware = DefineProductType {
            key: parsed("giftware").map_err(text("product type"))?,
            name: name("Giftware").map_err(text("product type"))?,
            attributes: vec![],
        };
        catalog.define_product_type(giftware, self.meta.clone()).await.map_err(refused("product type"))?;
        let category = DefineCategory {
            id: None,
            slug: parsed("giftware").map_err(text("category"))?,
            name: name("Giftware").map_err(text("category"))?,
            parent: None,
            position: 1_000,
        };
        catalog.define_category(category, self.meta.clone()).await.map_err(refused("category"))?;
        let drafts = drafts(articles, &self.channel).map_err(text("articles"))?;
        let upserted =
            catalog.upsert_products(drafts, self.meta.clone()).await.map_err(refused("articles"))?;
        for (article, upserted) in articles.iter().zip(upserted) {
            if let Upserted::Refused(refusal) = upserted {
                return Err(refused(article.sku.as_str())(refusal));
            }
        }
        let mut prices = vec![];
        for article in articles {
            prices.push(SetPrice {
                channel: self.channel.clone(),
                sku: article.sku.clone(),
                unit: UnitPrice::new(article.price, self.currency).map_err(refused(article.sku.as_str()))?,
                compare_at: None,
                valid_from: None,
                valid_until: None,
                expected: Expected::Anything,
            });
        }
        let set =
            self.platform.pricing.set_prices(prices, self.meta.clone()).await.map_err(refused("prices"))?;
        for (article, set) in articles.iter().zip(set) {
            set.map_err(refused(article.sku.as_str()))?;
        }
        Ok(())
    }

    async fn opening_stock(&self, articles: &[Article], first: Timestamp) -> Result<(), ImportError> {
        let line = |a: &Article| MovementLine { sku: a.sku.clone(), delta: a.opening };
        let lines: Vec<MovementLine> = articles.iter().filter(|a| a.opening > 0).map(line).collect();
        let mut facts = vec![];
        for (number, lines) in lines.chunks(60).enumerate() {
            facts.push(StockFact {
                external_id: parsed(&format!("online-retail/opening/{number}"))
                    .map_err(refused("opening stock"))?,
                location: self.location.clone(),
                reason: MovementReason::Receipt,
                lines: lines.to_vec(),
                at: first.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(first),
                meta: self.meta.clone(),
            });
        }
        let record = |fact| self.platform.inventory.record(fact);
        let recorded = stream::iter(facts).map(record).buffer_unordered(AT_ONCE).try_collect::<()>();
        recorded.await.map_err(refused("opening stock"))
    }

    async fn day(
        &self,
        invoices: &[Invoice<'_>],
        purchases: &mut Purchases,
        placed: &mut HashMap<Arc<str>, OrderId>,
        report: &mut Report,
    ) -> Result<(), ImportError> {
        for invoice in invoices {
            for (line, row) in self.order_lines(invoice).enumerate() {
                purchases.sold(row, line);
            }
        }
        let sales = invoices.iter().filter(|i| self.order_lines(i).next().is_some());
        let made: Vec<_> =
            stream::iter(sales).map(|i| self.order(i)).buffer_unordered(AT_ONCE).try_collect().await?;
        for (invoice, order, known) in made {
            placed.insert(invoice, order);
            *(if known { &mut report.orders_known } else { &mut report.orders }) += 1;
        }
        self.others(invoices, purchases, placed, report).await?;
        invoices.iter().flatten().try_for_each(|row| self.count(row, report))
    }

    /// Rows that make up the order of an invoice.
    fn order_lines<'r>(&self, invoice: &'r [&'r Row]) -> impl Iterator<Item = &'r Row> {
        let sold =
            |class| matches!(class, Class::Sale | Class::FreeLine | Class::Postage | Class::FeeOrService);
        invoice.iter().copied().filter(move |row| sold(Class::of(row)))
    }

    async fn order(&self, invoice: &Invoice<'_>) -> Result<(Arc<str>, OrderId, bool), ImportError> {
        let first = invoice[0];
        let number = &first.invoice;
        let mut lines = vec![];
        for row in self.order_lines(invoice) {
            lines.push(FactLine {
                kind: kind(&row.code),
                sku: sku(&row.code).map_err(refused(number))?,
                title: if row.description.is_empty() {
                    row.code.to_string()
                } else {
                    row.description.to_string()
                },
                quantity: Quantity::new(row.quantity).map_err(refused(number))?,
                unit_price: UnitPrice::new(row.price, self.currency).map_err(refused(number))?,
            });
        }
        let goods = lines.iter().any(|line| line.kind == LineKind::Goods);
        let fact = OrderFact {
            external_id: parsed(number).map_err(refused::<String>(number))?,
            channel: self.channel.clone(),
            customer: first.customer.and_then(|number| self.customers.get(&number).copied()),
            person: None,
            country: parsed(country(&first.country)).map_err(refused::<String>(number))?,
            lines,
            total: None,
            tenders: vec![],
            fulfilled_from: goods.then(|| self.location.clone()),
            placed_at: first.at,
            meta: self.meta.clone(),
        };
        let placed = self.platform.checkout.record(fact).await.map_err(refused(number))?;
        Ok((number.clone(), placed.order, placed.replayed))
    }

    /// Returns, write-offs and adjustments of a day.
    async fn others(
        &self,
        invoices: &[Invoice<'_>],
        purchases: &mut Purchases,
        placed: &HashMap<Arc<str>, OrderId>,
        report: &mut Report,
    ) -> Result<(), ImportError> {
        let mut lines: HashMap<OrderId, Vec<OrderLineId>> = HashMap::new();
        // Returns of one order one after the other, different orders at once.
        let mut queues: BTreeMap<String, Vec<RecordReturn>> = BTreeMap::new();
        for invoice in invoices {
            for request in self.returns(invoice, purchases, placed, &mut lines).await? {
                *(if request.order.is_some() {
                    &mut report.referenced_returns
                } else {
                    &mut report.blind_returns
                }) += 1;
                let queue =
                    request.order.map_or_else(|| request.external_id.to_string(), |order| order.to_string());
                queues.entry(queue).or_default().push(request);
            }
        }
        let run = |queue: Vec<RecordReturn>| async move {
            for request in queue {
                let what = request.external_id.to_string();
                self.platform.orders.record_return(request).await.map_err(refused(&what))?;
            }
            Ok::<_, ImportError>(())
        };
        stream::iter(queues.into_values()).map(run).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let write_offs = invoices.iter().map(|i| self.write_off(i));
        stream::iter(write_offs).buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    async fn returns(
        &self,
        invoice: &Invoice<'_>,
        purchases: &mut Purchases,
        placed: &HashMap<Arc<str>, OrderId>,
        known: &mut HashMap<OrderId, Vec<OrderLineId>>,
    ) -> Result<Vec<RecordReturn>, ImportError> {
        let mut by_order: BTreeMap<Option<Arc<str>>, Vec<ReturnLine>> = BTreeMap::new();
        let number = &invoice[0].invoice;
        for row in invoice {
            let (parts, condition) = match Class::of(row) {
                Class::Return => (purchases.returned(row), ReturnCondition::Restock),
                Class::Discount | Class::Reversal => {
                    (vec![Part { of: None, units: row.quantity.abs() }], ReturnCondition::NoGoods)
                }
                _ => continue,
            };
            let whole = self.amount(row).map_err(refused(number))?;
            let whole = Money::new(whole.minor().abs(), self.currency);
            let weights: Vec<i64> = parts.iter().map(|part| part.units).collect();
            let refunds = allocate(whole, &weights).map_err(refused(number))?;
            for (part, refund) in parts.into_iter().zip(refunds) {
                let order_line = match &part.of {
                    Some((bought, line)) => self.line(bought, *line, placed, known).await?,
                    None => None,
                };
                let invoice = part.of.filter(|_| order_line.is_some()).map(|(invoice, _)| invoice);
                by_order.entry(invoice).or_default().push(ReturnLine {
                    order_line,
                    sku: sku(&row.code).map_err(refused(number))?,
                    quantity: Quantity::new(part.units).map_err(refused(number))?,
                    condition,
                    refund: Some(refund),
                });
            }
        }
        let mut requests = vec![];
        for (of, lines) in by_order {
            let suffix = of.as_deref().unwrap_or("blind");
            // A customer's large return is split: each part fits one transaction.
            for (part, lines) in lines.chunks(80).enumerate() {
                let external = format!("{number}/{suffix}/{part}");
                requests.push(RecordReturn {
                    return_id: self.platform.ids.next(),
                    external_id: parsed(&external).map_err(refused::<String>(number))?,
                    order: of.as_ref().and_then(|invoice| placed.get(invoice).copied()),
                    channel: self.channel.clone(),
                    customer: invoice[0].customer.and_then(|number| self.customers.get(&number).copied()),
                    location: self.location.clone(),
                    lines: lines.to_vec(),
                    at: invoice[0].at,
                    meta: self.meta.clone(),
                });
            }
        }
        Ok(requests)
    }

    /// The line of an order by its place in the invoice.
    async fn line(
        &self,
        invoice: &Arc<str>,
        line: usize,
        placed: &HashMap<Arc<str>, OrderId>,
        known: &mut HashMap<OrderId, Vec<OrderLineId>>,
    ) -> Result<Option<OrderLineId>, ImportError> {
        let Some(order) = placed.get(invoice) else { return Ok(None) };
        if !known.contains_key(order) {
            let Some(found) = self.platform.orders.get(*order).await.map_err(refused(invoice))? else {
                return Ok(None);
            };
            let lines = self.platform.orders.lines(&found).await.map_err(refused(invoice))?;
            known.insert(*order, lines.into_iter().map(|l| l.priced.id).collect());
        }
        Ok(known.get(order).and_then(|lines| lines.get(line)).copied())
    }

    async fn write_off(&self, invoice: &Invoice<'_>) -> Result<(), ImportError> {
        let first = invoice[0];
        let number = &first.invoice;
        let mut lines = vec![];
        for row in invoice.iter().filter(|row| Class::of(row) == Class::WriteOff && row.quantity != 0) {
            lines.push(MovementLine { sku: sku(&row.code).map_err(refused(number))?, delta: row.quantity });
        }
        if !lines.is_empty() {
            let fact = StockFact {
                external_id: parsed(&format!("online-retail/{number}")).map_err(refused::<String>(number))?,
                location: self.location.clone(),
                reason: MovementReason::WriteOff,
                lines,
                at: first.at,
                meta: self.meta.clone(),
            };
            self.platform.inventory.record(fact).await.map_err(refused(number))?;
        }
        for row in invoice.iter().filter(|row| Class::of(row) == Class::FinanceAdjustment) {
            let adjustment = &FinanceAdjustment {
                external_id: parsed(number).map_err(refused::<String>(number))?,
                text: row.description.to_string(),
                amount: self.amount(row).map_err(refused(number))?,
                at: row.at,
            };
            let space = self.platform.store.space("import").map_err(refused(number))?;
            let written: Result<(), emporia_store::StoreError> =
                space.transact(|tx| async move { tx.overwrite(adjustment) }).await;
            written.map_err(refused(number))?;
        }
        Ok(())
    }

    /// A row's amount as it is recorded: rounded once.
    fn amount(&self, row: &Row) -> Result<Money, emporia_money::MoneyError> {
        UnitPrice::new(row.price, self.currency)?.times(row.quantity, Rounding::HalfEven)
    }

    fn count(&self, row: &Row, report: &mut Report) -> Result<(), ImportError> {
        let recorded = self.amount(row).map_err(refused(&row.invoice))?;
        let exact = row.price.checked_mul(row.quantity.into()).unwrap_or_default();
        let cell = Cell { rows: 1, units: row.quantity, exact, recorded: recorded.to_decimal() };
        report.count(Class::of(row), &row.at.to_string()[..7], &cell);
        Ok(())
    }
}
