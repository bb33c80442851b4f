use super::{GraphLedgerKind, GraphTenderKind, kinds::GraphDifferenceKind};
use async_graphql::{ComplexObject, SimpleObject};
use emporia_contracts::orders::Difference;
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

/// Where a reported order is not what we calculate. What was reported stands.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderDifference {
    /// What differs.
    kind: GraphDifferenceKind,
    /// Of which line.
    sku: Option<String>,
    /// As reported.
    given: GraphMoney,
    /// As we calculate it.
    calculated: GraphMoney,
}

impl From<Difference> for OrderDifference {
    fn from(difference: Difference) -> Self {
        Self {
            kind: difference.kind.into(),
            sku: difference.sku.map(|sku| sku.to_string()),
            given: difference.given.into(),
            calculated: difference.calculated.into(),
        }
    }
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
