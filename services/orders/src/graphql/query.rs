use crate::{
    graphql::{
        Orders, Parts,
        types::{Cart, Customer, Order, ProductVariant},
    },
    model,
    service::{OrderQuery, OrdersService, PartsOf, fault as store_fault},
};
use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge},
};
use emporia_contracts::Place;
use emporia_store::{Cursor, StoreError, Versioned};
use emporia_subgraph::{
    access::*, bad_input, context, fault, not_found, page_size, parse, parse_id, store_error,
};
use futures_util::future::try_join_all;

/// A page of orders.
pub(crate) type OrderConnection = Connection<String, Order>;

/// Questions about orders.
pub struct Query;

#[Object]
impl Query {
    /// An order of the caller's own (customer, or whoever shows the guest token), or any for operators.
    #[graphql(directive = public::apply())]
    async fn order(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Order>> {
        let found = load(ctx, parse_id("id", &id)?).await?;
        shown(ctx, found).await
    }

    /// The order of that number in the channel of this request; the same rule.
    #[graphql(directive = public::apply())]
    async fn order_by_number(&self, ctx: &Context<'_>, number: String) -> Result<Option<Order>> {
        if number.len() > 40 || number.chars().any(char::is_control) {
            return Err(bad_input("number: at most 40 visible characters"));
        }
        let channel = &context(ctx)?.channel.key;
        let found = ctx.data::<OrdersService>()?.by_number(channel, &number).await.map_err(gone)?;
        shown(ctx, found).await
    }

    /// Orders of this caller: of the signed-in customer, or of the guest token; newest first.
    #[graphql(directive = public::apply())]
    async fn my_orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
        #[graphql(desc = "Size of a page read backwards.")] last: Option<i32>,
        #[graphql(desc = "Cursor of the entry after the page.")] before: Option<String>,
    ) -> Result<OrderConnection> {
        let owner = context(ctx)?.owner().ok_or_else(|| {
            emporia_subgraph::unauthenticated(
                "sign in, or send the header emporia-guest with the guest token",
            )
        })?;
        page(ctx, &OrderQuery::Owner(owner), first, after, last, before).await
    }

    /// Orders of a channel, newest first. Who sees only those of some places gets pages that may be shorter.
    #[graphql(directive = requires_scopes::apply(scope_at_place("orders:read")))]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the channel; the request's own when absent.")] channel: Option<String>,
        #[graphql(desc = "Page size, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
        #[graphql(desc = "Size of a page read backwards.")] last: Option<i32>,
        #[graphql(desc = "Cursor of the entry after the page.")] before: Option<String>,
    ) -> Result<OrderConnection> {
        let channel = match channel {
            Some(key) => parse("channel", &key)?,
            None => context(ctx)?.channel.key.clone(),
        };
        let mut found = page(ctx, &OrderQuery::Channel(channel), first, after, last, before).await?;
        let visible = try_join_all(found.edges.iter().map(|edge| may_with(ctx, "orders:read", &edge.node.0)));
        let mut visible = visible.await?.into_iter();
        found.edges.retain(|_| visible.next().unwrap_or_default());
        Ok(found)
    }

    #[graphql(entity)]
    async fn find_order_by_id(&self, ctx: &Context<'_>, #[graphql(key)] id: ID) -> Result<Option<Order>> {
        let found = load(ctx, parse_id("id", &id)?).await?;
        shown(ctx, found).await
    }

    #[graphql(entity)]
    async fn find_customer_by_id(&self, #[graphql(key)] id: ID) -> Result<Customer> {
        Ok(Customer { id: parse_id("id", &id)? })
    }

    #[graphql(entity)]
    async fn find_product_variant_by_sku(&self, #[graphql(key)] sku: String) -> ProductVariant {
        ProductVariant { sku }
    }

    #[graphql(entity)]
    async fn find_cart_by_id(&self, #[graphql(key)] id: ID) -> Cart {
        Cart { id }
    }
}

pub(crate) fn gone(error: StoreError) -> async_graphql::Error {
    store_error("orders", error)
}

/// The order, if the caller may see it.
async fn shown(ctx: &Context<'_>, found: Option<Versioned<model::Order>>) -> Result<Option<Order>> {
    match found {
        Some(order) if visible(ctx, &order).await? => Ok(Some(Order(order))),
        _ => Ok(None),
    }
}

/// Whether the caller may see the order: the owner, or an operator everywhere or at one of its places. To others it does
/// not exist.
pub(crate) async fn visible(ctx: &Context<'_>, order: &model::Order) -> Result<bool> {
    let asks = context(ctx)?;
    Ok(order.owner.as_ref().is_some_and(|o| asks.is(o)) || may_with(ctx, "orders:read", order).await?)
}

/// Whether the caller holds the scope everywhere, in the order's channel, or where some of it is kept, goes out or went
/// out. Only who holds it at places costs a look.
pub(crate) async fn may_with(ctx: &Context<'_>, scope: &str, order: &model::Order) -> Result<bool> {
    let asks = context(ctx)?;
    if asks.may(scope) || !asks.may_somewhere(scope) {
        return Ok(asks.may(scope));
    }
    let kept = order.allocations.iter().map(|allocation| allocation.location.clone());
    let sent = fulfilments(ctx, order).await?.into_iter().map(|fulfilment| fulfilment.location);
    let locations = kept.chain(sent).chain(order.fulfilled_from.clone());
    let places: Vec<Place> = locations.map(Place::from).chain([order.channel.clone().into()]).collect();
    Ok(asks.may_at(scope, &places))
}

/// The fulfilments of an order, together with those of other orders that are asked for.
pub(crate) async fn fulfilments(ctx: &Context<'_>, order: &model::Order) -> Result<Vec<model::Fulfilment>> {
    let of = PartsOf { order: order.id, ids: order.fulfilments.clone() };
    Ok(ctx.data::<Parts>()?.load_one(of).await.map_err(|e| fault(store_fault(e)))?.unwrap_or_default())
}

pub(crate) async fn load(
    ctx: &Context<'_>,
    id: emporia_contracts::ids::OrderId,
) -> Result<Option<Versioned<model::Order>>> {
    ctx.data::<Orders>()?.load_one(id).await.map_err(gone)
}

/// The order, or NOT_FOUND.
pub(crate) async fn expect(ctx: &Context<'_>, id: emporia_contracts::ids::OrderId) -> Result<Order> {
    load(ctx, id).await?.map(Order).ok_or_else(|| not_found(format!("there is no order {id}")))
}

pub(crate) async fn page(
    ctx: &Context<'_>,
    of: &OrderQuery,
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<OrderConnection> {
    let size = page_size(first, last, 20)?;
    let cursor = |text: Option<String>| text.map(|t| t.parse::<Cursor>()).transpose().map_err(gone);
    let (after, before) = (cursor(after)?, cursor(before)?);
    let paged = (after.is_some(), before.is_some());
    let page = ctx
        .data::<OrdersService>()?
        .page(of, |query| {
            let query = query.descending().after(after).before(before);
            if last.is_some() { query.last(size) } else { query.limit(size) }
        })
        .await
        .map_err(gone)?;
    let (more_before, more_after) =
        if last.is_some() { (page.has_more, paged.1) } else { (paged.0, page.has_more) };
    let mut connection = Connection::new(more_before, more_after);
    connection
        .edges
        .extend(page.items.into_iter().map(|(cursor, order)| Edge::new(cursor.to_string(), Order(order))));
    Ok(connection)
}
