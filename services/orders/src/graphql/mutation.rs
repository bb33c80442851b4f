use crate::{
    graphql::{
        query::{expect, fulfilments, gone},
        types::{Fulfilment, Order},
    },
    model::{self, LineCount},
    service::{CancelLines, CreateFulfilment as Create, OrderError, OrdersService, Shipment},
};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use emporia_contracts::{
    Place,
    ids::{FulfilmentId, OrderId},
    orders::{OrderRefusal, Orders as _, RecordReturn, ReturnCondition, ReturnLine},
    values::LocationKey,
};
use emporia_money::Money;
use emporia_store::Tx;
use emporia_subgraph::{
    UserError, UserErrorCode, access::*, bad_input, context, fault, not_found, parse, parse_id, run_once,
};
use serde::{Serialize, de::DeserializeOwned};

/// Units of one order line.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct OrderLineQuantityInput {
    /// The line.
    order_line_id: ID,
    /// How many units.
    quantity: i32,
}

/// Asks a location to serve units of an order.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct CreateFulfilmentInput {
    /// The order.
    order_id: ID,
    /// Key of the location; where most of the order is allocated when absent.
    location: Option<String>,
    /// Which units; all that the location can serve when absent.
    lines: Option<Vec<OrderLineQuantityInput>>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Ships a planned fulfilment.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct ShipFulfilmentInput {
    /// The order.
    order_id: ID,
    /// The fulfilment.
    fulfilment_id: ID,
    /// Carrier.
    carrier: Option<String>,
    /// Tracking number.
    tracking_number: Option<String>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Names a fulfilment.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct FulfilmentInput {
    /// The order.
    order_id: ID,
    /// The fulfilment.
    fulfilment_id: ID,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Gives up units that were not shipped.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct CancelOrderInput {
    /// The order.
    order_id: ID,
    /// Which units; all that are still possible when absent.
    lines: Option<Vec<OrderLineQuantityInput>>,
    /// Why, in words.
    reason: String,
    /// Refuse when the order has another version now.
    expected_version: Option<String>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Whether returned goods can be sold again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(name = "ReturnCondition", remote = "ReturnCondition")]
pub enum GraphReturnCondition {
    /// Back on the shelf.
    Restock,
    /// Kept, not for sale.
    Damaged,
    /// Nothing came back.
    NoGoods,
}

/// A line of a return.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct ReturnLineInput {
    /// The order's line; absent in a blind return.
    order_line_id: Option<ID>,
    /// Stock keeping unit.
    sku: String,
    /// How many units.
    quantity: i32,
    /// Whether they can be sold again.
    condition: GraphReturnCondition,
    /// What was given back, as a decimal of the channel's currency; the paid share when absent.
    refund: Option<String>,
}

/// Reports a return that happened.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct RecordReturnInput {
    /// The source's id: the same again changes nothing, for ever.
    external_id: String,
    /// The order; absent in a blind return.
    order_id: Option<ID>,
    /// Key of the location that the goods came to.
    location: String,
    /// What came back.
    lines: Vec<ReturnLineInput>,
}

/// What came of a fulfilment operation.
#[derive(SimpleObject)]
pub struct FulfilmentPayload {
    /// The fulfilment as it is now.
    fulfilment: Option<Fulfilment>,
    /// Its order as it is now.
    order: Option<Order>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// What came of an order operation.
#[derive(SimpleObject)]
pub struct OrderPayload {
    /// The order as it is now.
    order: Option<Order>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// What came of a return.
#[derive(SimpleObject)]
pub struct RecordReturnPayload {
    /// The return.
    return_id: Option<ID>,
    /// What is given back in all.
    refund: Option<emporia_subgraph::GraphMoney>,
    /// The order, when it was named.
    order: Option<Order>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// Changes of orders.
pub struct Mutation;

#[Object]
impl Mutation {
    /// Asks a location to serve units of an order.
    #[graphql(directive = requires_scopes::apply(scope_at_place("orders:fulfil")))]
    async fn create_fulfilment(
        &self,
        ctx: &Context<'_>,
        input: CreateFulfilmentInput,
    ) -> Result<FulfilmentPayload> {
        let request = Create {
            order: parse_id("orderId", &input.order_id)?,
            location: input.location.as_deref().map(|l| parse("location", l)).transpose()?,
            lines: counts(input.lines.as_deref().unwrap_or_default())?,
            meta: context(ctx)?.meta(),
        };
        permitted(ctx, "orders:fulfil", request.order, None, request.location.clone()).await?;
        let (service, wanted) = (ctx.data::<OrdersService>()?, &request);
        let done = once(ctx, "createFulfilment", input.idempotency_key.as_deref(), &input, |tx| async move {
            service.plan(&tx, wanted).await
        });
        fulfilment(ctx, request.order, done.await).await
    }

    /// Ships a planned fulfilment; its share of the money is captured.
    #[graphql(directive = requires_scopes::apply(scope_at_place("orders:fulfil")))]
    async fn ship_fulfilment(
        &self,
        ctx: &Context<'_>,
        input: ShipFulfilmentInput,
    ) -> Result<FulfilmentPayload> {
        let of = names(&input.order_id, &input.fulfilment_id)?;
        for text in [&input.carrier, &input.tracking_number].into_iter().flatten() {
            if text.is_empty() || text.len() > 100 || text.chars().any(char::is_control) {
                return Err(bad_input("carrier and trackingNumber have 1 to 100 visible characters"));
            }
        }
        let shipment =
            Shipment { carrier: input.carrier.clone(), tracking_number: input.tracking_number.clone() };
        let meta = context(ctx)?.meta();
        permitted(ctx, "orders:fulfil", of.0, Some(of.1), None).await?;
        let (service, shipment, meta) = (ctx.data::<OrdersService>()?, &shipment, &meta);
        let done = once(ctx, "shipFulfilment", input.idempotency_key.as_deref(), &input, |tx| async move {
            service.ship(&tx, of, shipment, meta).await
        });
        fulfilment(ctx, of.0, done.await).await
    }

    /// Notes that a fulfilment arrived.
    #[graphql(directive = requires_scopes::apply(scope_at_place("orders:fulfil")))]
    async fn deliver_fulfilment(
        &self,
        ctx: &Context<'_>,
        input: FulfilmentInput,
    ) -> Result<FulfilmentPayload> {
        let of = names(&input.order_id, &input.fulfilment_id)?;
        permitted(ctx, "orders:fulfil", of.0, Some(of.1), None).await?;
        let meta = context(ctx)?.meta();
        let (service, meta) = (ctx.data::<OrdersService>()?, &meta);
        let done =
            once(ctx, "deliverFulfilment", input.idempotency_key.as_deref(), &input, |tx| async move {
                service.deliver(&tx, of, meta).await
            });
        fulfilment(ctx, of.0, done.await).await
    }

    /// Gives a planned fulfilment up; its units can be planned again.
    #[graphql(directive = requires_scopes::apply(scope_at_place("orders:fulfil")))]
    async fn cancel_fulfilment(
        &self,
        ctx: &Context<'_>,
        input: FulfilmentInput,
    ) -> Result<FulfilmentPayload> {
        let of = names(&input.order_id, &input.fulfilment_id)?;
        permitted(ctx, "orders:fulfil", of.0, Some(of.1), None).await?;
        let meta = context(ctx)?.meta();
        let (service, meta) = (ctx.data::<OrdersService>()?, &meta);
        let done = once(ctx, "cancelFulfilment", input.idempotency_key.as_deref(), &input, |tx| async move {
            service.unplan(&tx, of, meta).await
        });
        fulfilment(ctx, of.0, done.await).await
    }

    /// Gives up units that were not shipped. When nothing is left the payments are voided.
    #[graphql(directive = requires_scopes::apply(scope_at_place("orders:write")))]
    async fn cancel_order(&self, ctx: &Context<'_>, input: CancelOrderInput) -> Result<OrderPayload> {
        if input.reason.trim().is_empty()
            || input.reason.len() > 200
            || input.reason.chars().any(char::is_control)
        {
            return Err(bad_input("reason: 1 to 200 visible characters"));
        }
        let request = CancelLines {
            order: parse_id("orderId", &input.order_id)?,
            lines: counts(input.lines.as_deref().unwrap_or_default())?,
            reason: input.reason.clone(),
            meta: context(ctx)?.meta(),
        };
        permitted(ctx, "orders:write", request.order, None, None).await?;
        let expected = input.expected_version.as_deref();
        let (service, wanted) = (ctx.data::<OrdersService>()?, &request);
        let done = once(ctx, "cancelOrder", input.idempotency_key.as_deref(), &input, |tx| async move {
            let found = tx.get::<model::Order>(&model::Order::key_of(wanted.order)).await?;
            if found.is_some_and(|found| !OrdersService::same(found.version, expected)) {
                return Err(OrderError::VersionConflict);
            }
            service.cancel(&tx, wanted).await.map(|order| order.id)
        });
        match settle(done.await)? {
            Ok(id) => Ok(OrderPayload { order: Some(expect(ctx, id).await?), user_errors: vec![] }),
            Err(error) => Ok(OrderPayload { order: None, user_errors: vec![error] }),
        }
    }

    /// Reports a return that happened: at a counter, by post, in another system.
    #[graphql(directive = requires_scopes::apply(scope_at_place("orders:returns")))]
    async fn record_return(
        &self,
        ctx: &Context<'_>,
        input: RecordReturnInput,
    ) -> Result<RecordReturnPayload> {
        let asks = context(ctx)?;
        let service = ctx.data::<OrdersService>()?;
        let order: Option<OrderId> = input.order_id.as_ref().map(|id| parse_id("orderId", id)).transpose()?;
        let currency = match order {
            Some(id) => expect(ctx, id).await?.0.currency,
            None => asks.channel.currency,
        };
        let line = |line: &ReturnLineInput| -> Result<ReturnLine> {
            Ok(ReturnLine {
                order_line: line
                    .order_line_id
                    .as_ref()
                    .map(|id| parse_id("lines.orderLineId", id))
                    .transpose()?,
                sku: parse("lines.sku", &line.sku)?,
                quantity: i64::from(line.quantity)
                    .try_into()
                    .map_err(|e: emporia_contracts::values::QuantityError| bad_input(e.to_string()))?,
                condition: line.condition.into(),
                refund: match &line.refund {
                    Some(text) => Some(
                        Money::parse(text, currency).map_err(|e| bad_input(format!("lines.refund: {e}")))?,
                    ),
                    None => None,
                },
            })
        };
        let request = RecordReturn {
            return_id: service.ids.next(),
            external_id: parse("externalId", &input.external_id)?,
            order,
            channel: asks.channel.key.clone(),
            customer: None,
            location: parse("location", &input.location)?,
            lines: input.lines.iter().map(line).collect::<Result<_>>()?,
            at: service.space.clock().now(),
            meta: asks.meta(),
        };
        match order {
            Some(order) => {
                permitted(ctx, "orders:returns", order, None, Some(request.location.clone())).await?;
            }
            None => {
                let places = [request.channel.clone().into(), request.location.clone().into()];
                permitted_at(ctx, "orders:returns", &places)?;
            }
        }
        let refused = |code, message: String| RecordReturnPayload {
            return_id: None,
            refund: None,
            order: None,
            user_errors: vec![UserError::new(code, "", message)],
        };
        Ok(match service.record_return(request).await {
            Ok(done) => RecordReturnPayload {
                return_id: Some(done.return_id.to_string().into()),
                refund: done.refund.map(Into::into),
                order: match order {
                    Some(id) => Some(expect(ctx, id).await?),
                    None => None,
                },
                user_errors: vec![],
            },
            Err(OrderRefusal::Fault(error)) => return Err(fault(error)),
            Err(e @ OrderRefusal::NotFound(_)) => refused(UserErrorCode::NotFound, e.to_string()),
            Err(e @ OrderRefusal::Reused(_)) => refused(UserErrorCode::Duplicate, e.to_string()),
            Err(e) => refused(UserErrorCode::Invalid, e.to_string()),
        })
    }
}

/// Refuses who may not do it everywhere, in the order's channel, where the fulfilment is, nor at this location. Only who
/// holds it at places costs a look.
async fn permitted(
    ctx: &Context<'_>,
    scope: &str,
    order: OrderId,
    fulfilment: Option<FulfilmentId>,
    location: Option<LocationKey>,
) -> Result<()> {
    if context(ctx)?.may(scope) {
        return Ok(());
    }
    let order = expect(ctx, order).await?.0.value;
    let mut places = vec![Place::from(order.channel.clone())];
    places.extend(location.map(Place::from));
    if let Some(id) = fulfilment {
        let found = fulfilments(ctx, &order).await?.into_iter().find(|fulfilment| fulfilment.id == id);
        places.extend(found.map(|fulfilment| Place::from(fulfilment.location)));
    }
    permitted_at(ctx, scope, &places)
}

fn names(order: &ID, fulfilment: &ID) -> Result<(OrderId, FulfilmentId)> {
    Ok((parse_id("orderId", order)?, parse_id("fulfilmentId", fulfilment)?))
}

fn counts(lines: &[OrderLineQuantityInput]) -> Result<Vec<LineCount>> {
    let count = |line: &OrderLineQuantityInput| {
        Ok(LineCount {
            line: parse_id("lines.orderLineId", &line.order_line_id)?,
            units: i64::from(line.quantity),
        })
    };
    lines.iter().map(count).collect()
}

/// Runs an operation once per idempotency key, in its own transaction.
async fn once<R, F, Fut>(
    ctx: &Context<'_>,
    operation: &str,
    key: Option<&str>,
    input: &(impl Serialize + Sync),
    act: F,
) -> Result<R, OrderError>
where
    R: Serialize + DeserializeOwned + Send,
    F: Fn(Tx) -> Fut + Send,
    Fut: Future<Output = Result<R, OrderError>> + Send,
{
    let wiring = |e: async_graphql::Error| OrderError::Refused(e.message);
    let (service, asks) = (ctx.data::<OrdersService>().map_err(wiring)?, context(ctx).map_err(wiring)?);
    run_once(&service.space, asks, operation, key, input, act).await
}

/// Tells what the caller can put right from what is an error.
fn settle<R>(done: Result<R, OrderError>) -> Result<Result<R, UserError>> {
    let code = match &done {
        Ok(_) => return Ok(Ok(done.map_err(|e| fault(emporia_contracts::Fault::permanent("orders", e)))?)),
        Err(OrderError::NotFound(what)) => return Err(not_found(format!("there is no {what}"))),
        Err(OrderError::Store(error)) => return Err(gone(error.clone())),
        Err(OrderError::VersionConflict) => UserErrorCode::VersionConflict,
        Err(OrderError::Refused(_)) => UserErrorCode::StateNotAllowed,
        Err(OrderError::TooManyLines(..)) => UserErrorCode::LimitExceeded,
    };
    let field = if code == UserErrorCode::VersionConflict { "expectedVersion" } else { "" };
    Ok(done.map_err(|error| UserError::new(code, field, error.to_string())))
}

async fn fulfilment(
    ctx: &Context<'_>,
    order: OrderId,
    done: Result<model::Fulfilment, OrderError>,
) -> Result<FulfilmentPayload> {
    match settle(done)? {
        Ok(fulfilment) => Ok(FulfilmentPayload {
            fulfilment: Some(fulfilment.into()),
            order: Some(expect(ctx, order).await?),
            user_errors: vec![],
        }),
        Err(error) => Ok(FulfilmentPayload { fulfilment: None, order: None, user_errors: vec![error] }),
    }
}
