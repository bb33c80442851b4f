use crate::model::{FulfilmentState, LedgerKind, OrderStatus};
use async_graphql::Enum;
use emporia_contracts::orders::{DifferenceKind, LineKind, OrderMode, TenderKind};

/// What an order line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OrderLineKind", remote = "LineKind")]
pub enum GraphLineKind {
    /// Goods from stock.
    Goods,
    /// A service or download.
    Service,
    /// Postage as its own line.
    Delivery,
    /// A fee or charge.
    Charge,
    /// A discount as its own line.
    Discount,
}

/// Whether an order was asked for or reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OrderMode", remote = "OrderMode")]
pub enum GraphOrderMode {
    /// Asked for here.
    Request,
    /// Happened elsewhere and was reported.
    Fact,
}

/// What of a reported order differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OrderDifferenceKind", remote = "DifferenceKind")]
pub enum GraphDifferenceKind {
    /// A line's amount, from what our price makes it.
    Line,
    /// The total, from the sum of what was reported.
    Total,
    /// The sum of the tenders, from the sum of what was reported.
    Tenders,
}

/// An order's status, derived from its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OrderStatus", remote = "OrderStatus")]
pub enum GraphOrderStatus {
    /// Something is still to be done.
    Open,
    /// Every unit was delivered or cancelled.
    Closed,
    /// Every unit was cancelled.
    Cancelled,
}

/// Where a fulfilment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "FulfilmentState", remote = "FulfilmentState")]
pub enum GraphFulfilmentState {
    /// To be picked and packed.
    Planned,
    /// Handed to the carrier.
    Shipped,
    /// With the customer.
    Delivered,
    /// Given up.
    Cancelled,
}

/// What an entry of the ledger stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OrderLedgerKind", remote = "LedgerKind")]
pub enum GraphLedgerKind {
    /// The order's total.
    Charge,
    /// Money taken.
    Capture,
    /// Paid outside, as reported.
    Settlement,
    /// Units given up.
    Cancellation,
    /// Goods came back.
    Return,
    /// Money given back.
    Refund,
}

/// How something was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OrderTenderKind", remote = "TenderKind")]
pub enum GraphTenderKind {
    /// A card.
    Card,
    /// Cash.
    Cash,
    /// Settled in another system.
    External,
}
