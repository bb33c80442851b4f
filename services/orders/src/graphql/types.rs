use crate::{
    commands::fulfilling::status,
    model::{self, FulfilmentState, LedgerKind, OrderLine as Line, OrderStatus},
    service::{OrdersService, fault as store_fault},
};
use async_graphql::{ComplexObject, Context, Enum, ID, Object, Result, SimpleObject};
use emporia_contracts::orders::{LineKind, OrderMode, TenderKind};
use emporia_store::Versioned;
use emporia_subgraph::{DateTime, GraphMoney, OrderTotals, PostalAddress, access::*, context, decimal_price, fault};

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
        Some(OrderDelivery { name: delivery.name.clone(), amount: delivery.amount.into(), tax: delivery.tax.tax.into() })
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
        let found = ctx.data::<OrdersService>()?.fulfilments(self.0.id).await.map_err(|e| fault(store_fault(e)))?;
        Ok(found.into_iter().map(Fulfilment::from).collect())
    }

    /// What came back.
    async fn returns(&self, ctx: &Context<'_>) -> Result<Vec<OrderReturn>> {
        let found = ctx.data::<OrdersService>()?.returns(self.0.id).await.map_err(|e| fault(store_fault(e)))?;
        Ok(found.into_iter().map(OrderReturn::from).collect())
    }

    /// Mail address of the order; absent when the person was erased.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(contact(ctx, &self.0)?.map(|c| c.email.as_str().to_owned()))
    }

    /// Where the goods go; absent when the person was erased.
    async fn shipping_address(&self, ctx: &Context<'_>) -> Result<Option<PostalAddress>> {
        Ok(contact(ctx, &self.0)?.and_then(|c| c.shipping).map(Into::into))
    }

    /// Where the invoice goes; absent when the person was erased.
    async fn billing_address(&self, ctx: &Context<'_>) -> Result<Option<PostalAddress>> {
        Ok(contact(ctx, &self.0)?.and_then(|c| c.billing.or(c.shipping)).map(Into::into))
    }
}

async fn lines(ctx: &Context<'_>, order: &model::Order) -> Result<Vec<Line>> {
    ctx.data::<OrdersService>()?.lines(order).await.map_err(|e| fault(store_fault(e)))
}

fn contact(ctx: &Context<'_>, order: &model::Order) -> Result<Option<emporia_contracts::orders::OrderContact>> {
    let contact = ctx.data::<OrdersService>()?.contact(order);
    contact.map_err(|e| fault(emporia_contracts::Fault::permanent("orders", e)))
}

/// A line of an order.
pub struct OrderLine(pub(crate) Line);

#[Object]
impl OrderLine {
    /// The line.
    async fn id(&self) -> ID {
        self.0.priced.id.to_string().into()
    }

    /// What it stands for.
    async fn kind(&self) -> GraphLineKind {
        self.0.priced.kind.into()
    }

    /// SKU, or the other system's code of a charge.
    async fn sku(&self) -> &str {
        self.0.priced.sku.as_str()
    }

    /// The variant as it is now; absent for what is not from our catalogue.
    async fn variant(&self) -> Option<ProductVariant> {
        self.0.priced.product_id.map(|_| ProductVariant { sku: self.0.priced.sku.to_string() })
    }

    /// Title as it was shown.
    async fn title(&self) -> &str {
        &self.0.priced.title
    }

    /// Options as they were shown.
    async fn options(&self) -> Vec<OrderLineOption> {
        let option = |o: &emporia_contracts::catalog::SelectedOption| OrderLineOption {
            name: o.name.clone(),
            value: o.value.clone(),
        };
        self.0.priced.options.iter().map(option).collect()
    }

    /// Picture as it was shown.
    async fn image_url(&self) -> Option<&str> {
        self.0.priced.image_url.as_deref()
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        i32::try_from(self.0.priced.quantity.get()).unwrap_or(i32::MAX)
    }

    /// Per unit, in the order's price kind.
    async fn unit_price(&self) -> GraphMoney {
        decimal_price(self.0.priced.unit_price)
    }

    /// Unit price × quantity, rounded once.
    async fn amount(&self) -> GraphMoney {
        self.0.priced.amount.into()
    }

    /// Without tax.
    async fn net(&self) -> GraphMoney {
        self.0.priced.tax.net.into()
    }

    /// Tax.
    async fn tax(&self) -> GraphMoney {
        self.0.priced.tax.tax.into()
    }

    /// With tax.
    async fn gross(&self) -> GraphMoney {
        self.0.priced.tax.gross.into()
    }

    /// Tax rate as a decimal: "0.19".
    async fn tax_rate(&self) -> String {
        self.0.priced.tax.rate.to_string()
    }

    /// Units given up before they were shipped.
    async fn cancelled(&self) -> i32 {
        count(self.0.units.cancelled)
    }

    /// Units that left the house.
    async fn shipped(&self) -> i32 {
        count(self.0.units.shipped)
    }

    /// Units that reached the customer.
    async fn delivered(&self) -> i32 {
        count(self.0.units.delivered)
    }

    /// Units that came back.
    async fn returned(&self) -> i32 {
        count(self.0.units.returned)
    }
}

fn count(units: i64) -> i32 {
    i32::try_from(units).unwrap_or(i32::MAX)
}

/// A choice that made the variant.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderLineOption {
    name: String,
    value: String,
}

/// Delivery of an order.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderDelivery {
    /// The option as it was shown.
    name: String,
    /// The charge, in the order's price kind.
    amount: GraphMoney,
    /// Tax of it.
    tax: GraphMoney,
}

/// How an order is paid.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderTender {
    kind: GraphTenderKind,
    amount: GraphMoney,
    /// For people: "Visa •••• 4242".
    label: String,
}

/// An entry of the order's ledger.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderLedgerEntry {
    kind: GraphLedgerKind,
    /// Charges and refunds are positive, payments and credits negative.
    amount: GraphMoney,
    reference: String,
    at: DateTime,
}

/// What happened to an order.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct OrderTimelineEntry {
    at: DateTime,
    /// The event's type.
    event: String,
    /// In words.
    text: String,
    #[graphql(skip)]
    by: String,
}

#[ComplexObject]
impl OrderTimelineEntry {
    /// Who did it.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn actor(&self) -> &str {
        &self.by
    }
}

/// What leaves one location together.
#[derive(Debug, Clone, SimpleObject)]
pub struct Fulfilment {
    id: ID,
    state: GraphFulfilmentState,
    /// Key of the location.
    location: String,
    lines: Vec<FulfilmentLine>,
    carrier: Option<String>,
    tracking_number: Option<String>,
    created_at: DateTime,
    shipped_at: Option<DateTime>,
    delivered_at: Option<DateTime>,
}

/// Units of one order line.
#[derive(Debug, Clone, SimpleObject)]
pub struct FulfilmentLine {
    order_line_id: ID,
    quantity: i32,
}

impl From<model::Fulfilment> for Fulfilment {
    fn from(f: model::Fulfilment) -> Self {
        let line = |l: &model::LineCount| FulfilmentLine {
            order_line_id: l.line.to_string().into(),
            quantity: count(l.units),
        };
        Self {
            id: f.id.to_string().into(),
            state: f.state.into(),
            location: f.location.to_string(),
            lines: f.lines.iter().map(line).collect(),
            carrier: f.carrier,
            tracking_number: f.tracking_number,
            created_at: f.created_at.into(),
            shipped_at: f.shipped_at.map(Into::into),
            delivered_at: f.delivered_at.map(Into::into),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderReturn {
    id: ID,
    /// What was given back in all.
    refund: Option<GraphMoney>,
    at: DateTime,
}

impl From<model::ReturnDocument> for OrderReturn {
    fn from(r: model::ReturnDocument) -> Self {
        Self { id: r.id.to_string().into(), refund: r.refund.map(Into::into), at: r.at.into() }
    }
}

/// A customer, as far as orders know him.
pub struct Customer {
    pub(crate) id: emporia_contracts::ids::CustomerId,
}

#[Object]
impl Customer {
    /// The customer.
    async fn id(&self) -> ID {
        self.id.to_string().into()
    }

    /// His orders, newest first.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
    ) -> Result<super::query::OrderConnection> {
        let asks = context(ctx)?;
        let owner = emporia_contracts::Owner::Customer(self.id);
        if !asks.is(&owner) && !asks.may("orders:read") {
            return Err(emporia_subgraph::forbidden("these are another customer's orders"));
        }
        super::query::page(ctx, &crate::OrderQuery::Owner(owner), first, after, None, None).await
    }
}
