//! What the subgraph of orders shows.

mod customer;
mod fulfilment;
mod kinds;
mod line;
mod parts;

pub use customer::Customer;
pub use fulfilment::{Fulfilment, OrderReturn};
pub use kinds::{
    GraphFulfilmentState, GraphLedgerKind, GraphLineKind, GraphOrderMode, GraphOrderStatus, GraphTenderKind,
};
pub use line::OrderLine;
pub use parts::{OrderDelivery, OrderDifference, OrderLedgerEntry, OrderTender, OrderTimelineEntry};

use crate::{
    commands::fulfilling::status,
    graphql::{
        Parts,
        query::{fulfilments, may_with},
    },
    model::{self, OrderLine as Line},
    service::{OrdersService, PartsOf, fault as store_fault},
};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use emporia_store::Versioned;
use emporia_subgraph::{DateTime, GraphMoney, OrderTotals, PostalAddress, access::*, context, fault};

/// A variant, by its SKU; other rooms know more of it.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProductVariant {
    /// Stock keeping unit.
    pub(crate) sku: String,
}

/// A cart, by its id.
#[derive(Debug, Clone, SimpleObject)]
pub struct Cart {
    /// The cart.
    pub(crate) id: ID,
}

/// An order. Everything that it shows was copied when it was placed.
#[derive(Clone)]
pub struct Order(pub(crate) Versioned<model::Order>);

#[Object]
impl Order {
    /// The order.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Its number for people; unique in its channel.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Grows with every change; pass it back as expectedVersion.
    async fn version(&self) -> String {
        self.0.version.to_string()
    }

    /// Derived from the lines.
    async fn status(&self, ctx: &Context<'_>) -> Result<GraphOrderStatus> {
        Ok(status(&lines(ctx, &self.0).await?).into())
    }

    /// Asked for here, or reported.
    async fn mode(&self) -> GraphOrderMode {
        self.0.mode.into()
    }

    /// The source's id, for reported orders.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_ref().map(|id| id.as_str())
    }

    /// Key of the channel that it was sold in.
    async fn channel_key(&self) -> &str {
        self.0.channel.as_str()
    }

    /// When it was placed.
    async fn placed_at(&self) -> DateTime {
        self.0.placed_at.into()
    }

    /// What was bought.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<OrderLine>> {
        Ok(lines(ctx, &self.0).await?.into_iter().map(OrderLine).collect())
    }

    /// How many lines it has.
    async fn line_count(&self) -> i32 {
        i32::try_from(self.0.line_count).unwrap_or(i32::MAX)
    }

    /// Totals, as they were computed once.
    async fn totals(&self) -> OrderTotals {
        OrderTotals::from(&self.0.totals)
    }

    /// Delivery, when there is one.
    async fn delivery(&self) -> Option<OrderDelivery> {
        let delivery = self.0.delivery.as_ref()?;
        Some(OrderDelivery {
            name: delivery.name.clone(),
            amount: delivery.amount.into(),
            tax: delivery.tax.tax.into(),
        })
    }

    /// How it is paid.
    async fn tenders(&self) -> Vec<OrderTender> {
        let tender = |t: &emporia_contracts::orders::OrderTender| OrderTender {
            kind: t.kind.into(),
            amount: t.amount.into(),
            label: t.label.clone(),
        };
        self.0.tenders.iter().map(tender).collect()
    }

    /// Still to be paid; negative when we owe. The sum of the ledger.
    async fn outstanding(&self) -> Result<GraphMoney> {
        Ok(self.0.outstanding().map_err(|e| emporia_subgraph::bad_input(e.to_string()))?.into())
    }

    /// Every charge, payment, credit and refund.
    async fn ledger(&self) -> Vec<OrderLedgerEntry> {
        let entry = |e: &model::LedgerEntry| OrderLedgerEntry {
            kind: e.kind.into(),
            amount: e.amount.into(),
            reference: e.reference.clone(),
            at: e.at.into(),
        };
        self.0.ledger.iter().map(entry).collect()
    }

    /// What happened, oldest first.
    async fn timeline(&self) -> Vec<OrderTimelineEntry> {
        let entry = |e: &model::TimelineEntry| OrderTimelineEntry {
            at: e.at.into(),
            event: e.event.clone(),
            text: e.text.clone(),
            by: e.actor.clone(),
        };
        self.0.timeline.iter().map(entry).collect()
    }

    /// What left, or is to leave, together.
    async fn fulfilments(&self, ctx: &Context<'_>) -> Result<Vec<Fulfilment>> {
        Ok(fulfilments(ctx, &self.0).await?.into_iter().map(Fulfilment::from).collect())
    }

    /// What came back.
    async fn returns(&self, ctx: &Context<'_>) -> Result<Vec<OrderReturn>> {
        let of = PartsOf { order: self.0.id, ids: self.0.returns.clone() };
        let found = ctx.data::<Parts>()?.load_one(of).await.map_err(|e| fault(store_fault(e)))?;
        Ok(found.unwrap_or_default().into_iter().map(OrderReturn::from).collect())
    }

    /// Where a reported order is not what we calculate. What was reported stands.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn differences(&self) -> Vec<OrderDifference> {
        self.0.differences.iter().cloned().map(OrderDifference::from).collect()
    }

    /// Mail address of the order; absent when the person was erased.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(contact(ctx, &self.0).await?.map(|c| c.email.as_str().to_owned()))
    }

    /// Where the goods go; absent when the person was erased.
    async fn shipping_address(&self, ctx: &Context<'_>) -> Result<Option<PostalAddress>> {
        Ok(contact(ctx, &self.0).await?.and_then(|c| c.shipping).map(Into::into))
    }

    /// Where the invoice goes; absent when the person was erased.
    async fn billing_address(&self, ctx: &Context<'_>) -> Result<Option<PostalAddress>> {
        Ok(contact(ctx, &self.0).await?.and_then(|c| c.billing.or(c.shipping)).map(Into::into))
    }
}

async fn lines(ctx: &Context<'_>, order: &model::Order) -> Result<Vec<Line>> {
    ctx.data::<OrdersService>()?.lines(order).await.map_err(|e| fault(store_fault(e)))
}

async fn contact(
    ctx: &Context<'_>,
    order: &model::Order,
) -> Result<Option<emporia_contracts::orders::OrderContact>> {
    let asks = context(ctx)?;
    // Who only analyses orders sees no persons.
    let owner = order.owner.as_ref().is_some_and(|owner| asks.is(owner));
    let may = owner
        || asks.may("customers:read")
        || may_with(ctx, "orders:fulfil", order).await?
        || may_with(ctx, "orders:write", order).await?;
    if !may {
        return Ok(None);
    }
    let contact = ctx.data::<OrdersService>()?.contact(order);
    contact.map_err(|e| fault(emporia_contracts::Fault::permanent("orders", e)))
}
