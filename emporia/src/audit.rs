//! Compares the books of all rooms with each other: what one room says of an order, a payment or a unit of stock, the
//! others have to say too. Reads only.

mod checkouts;
mod consumers;
mod events;
mod orders;
mod payments;
mod provider;
mod report;
mod stock;

pub use report::{Check, Report};

use emporia_contracts::{
    ids::{CheckoutId, OrderId, PaymentId},
    inventory::Allocation,
    orders::OrderMode,
    payments::PaymentProvider,
    values::{LocationKey, Sku},
};
use emporia_events::EventError;
use emporia_money::Money;
use emporia_store::{Document, Key, Space, Store, StoreError};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Documents that are read at once.
const PAGE: usize = 500;

/// Why the books cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event that is not in the form of its kind.
    #[error(transparent)]
    Event(#[from] EventError),
}

/// What the parts of an audit have to tell each other. It has one small entry per order and per payment.
#[derive(Default)]
struct Books {
    /// Orders as the log tells of them: how often each was placed, and with which total.
    placed: HashMap<OrderId, (u32, Money)>,
    /// Whether the beginning of a log is gone: then it cannot tell of everything.
    trimmed: bool,
    orders: HashMap<OrderId, OrderEntry>,
    /// Payments of orders, with the money that is held for or was taken by them.
    payments: HashMap<PaymentId, PaymentEntry>,
    /// Units that belong to orders and have not left.
    allocated: BTreeMap<(Sku, LocationKey), i64>,
    /// Checkouts between the shopper's word and its result.
    under_way: HashSet<CheckoutId>,
    /// Whether every consumer has followed everything: until then rooms may differ.
    behind: bool,
}

/// An order, as far as others are compared with it.
struct OrderEntry {
    number: String,
    mode: OrderMode,
    checkout: Option<CheckoutId>,
    total: Money,
    /// Every unit was given up.
    cancelled: bool,
    /// Its payments, with what was asked of each so far.
    payments: Vec<(PaymentId, i64)>,
    /// Σ of its ledger, in minor units: taken and given back.
    captured: i64,
    refunded: i64,
}

/// A payment, as far as others are compared with it. Amounts in minor units.
struct PaymentEntry {
    held: i64,
    captured: i64,
    refunded: i64,
    open: bool,
}

impl Books {
    fn allocate(&mut self, allocations: &[Allocation]) {
        for allocation in allocations {
            let place = (allocation.sku.clone(), allocation.location.clone());
            *self.allocated.entry(place).or_default() += allocation.quantity.units();
        }
    }
}

/// Compares everything. With a provider, also what it holds with what we believe it holds: one call for each payment
/// of which nothing is under way.
///
/// # Errors
/// [`AuditError`]: the books cannot be read. Differences are no errors: they are in the report.
pub async fn run(store: &Store, provider: Option<&dyn PaymentProvider>) -> Result<Report, AuditError> {
    let mut books = Books::default();
    let mut checks =
        vec![events::check(store, &mut books).await?, consumers::check(store, &mut books).await?];
    checks.push(checkouts::under_way(store, &mut books).await?);
    checks.push(orders::check(store, &mut books).await?);
    checks.push(payments::check(store, &mut books).await?);
    checks.push(payments::check_orders(&books));
    checks.push(checkouts::check(store, &books).await?);
    checks.push(stock::check(store, &mut books).await?);
    if let Some(provider) = provider {
        checks.push(provider::check(store, provider).await?);
    }
    Ok(Report { checks, behind: books.behind })
}

/// Every document of a collection, one after the other.
async fn each<T: Document>(
    space: &Space,
    mut see: impl AsyncFnMut(T) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    let mut after: Option<Key> = None;
    loop {
        let page = space.scan::<T>(after.as_ref(), PAGE).await?;
        let more = page.len() == PAGE;
        after = page.last().map(|(key, _)| key.clone());
        for (_, found) in page {
            see(found.value).await?;
        }
        if !more {
            return Ok(());
        }
    }
}
