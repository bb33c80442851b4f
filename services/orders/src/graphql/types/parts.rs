use super::{GraphLedgerKind, GraphTenderKind};
use async_graphql::{ComplexObject, SimpleObject};
use emporia_subgraph::{DateTime, GraphMoney, access::*};

/// Delivery of an order.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderDelivery {
    /// The option as it was shown.
    pub(super) name: String,
    /// The charge, in the order's price kind.
    pub(super) amount: GraphMoney,
    /// Tax of it.
    pub(super) tax: GraphMoney,
}

/// How an order is paid.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderTender {
    /// How.
    pub(super) kind: GraphTenderKind,
    /// How much.
    pub(super) amount: GraphMoney,
    /// For people: "Visa •••• 4242".
    pub(super) label: String,
}

/// An entry of the order's ledger.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderLedgerEntry {
    /// What it stands for.
    pub(super) kind: GraphLedgerKind,
    /// Charges and refunds are positive, payments and credits negative.
    pub(super) amount: GraphMoney,
    /// The payment, refund, return or cancellation behind it.
    pub(super) reference: String,
    /// When.
    pub(super) at: DateTime,
}

/// What happened to an order.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct OrderTimelineEntry {
    /// When.
    pub(super) at: DateTime,
    /// The event's type.
    pub(super) event: String,
    /// In words.
    pub(super) text: String,
    #[graphql(skip)]
    pub(super) by: String,
}

#[ComplexObject]
impl OrderTimelineEntry {
    /// Who did it.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn actor(&self) -> &str {
        &self.by
    }
}
