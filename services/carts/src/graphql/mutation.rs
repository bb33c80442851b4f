use crate::{
    commands::{CartRefusal, MergeStrategy},
    graphql::{failed, types::Cart},
    model,
    service::{CartError, CartsService, LineRequest},
};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use emporia_contracts::{
    GuestKey, Owner, RequestContext,
    ids::{CartId, CartLineId},
    pricing::PriceRequest,
    values::Quantity,
};
use emporia_subgraph::{
    UserError, UserErrorCode, access::*, bad_input, context, idempotency, parse_id, run_once,
};
use serde::Serialize;

/// Units of a SKU to be put in.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct CartLineInput {
    /// Stock keeping unit.
    sku: String,
    /// 1 to 999999.
    quantity: i32,
}

/// Makes a cart.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct CreateCartInput {
    /// What to put in at once.
    #[graphql(default)]
    lines: Vec<CartLineInput>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Puts lines in.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct AddCartLinesInput {
    /// The cart.
    cart_id: ID,
    /// What to put in.
    lines: Vec<CartLineInput>,
    /// Refuse when the cart has another revision now.
    expected_revision: Option<i32>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// A line and its new quantity.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct CartLineQuantityInput {
    /// The line.
    line_id: ID,
    /// 1 to 999999.
    quantity: i32,
}

/// Changes quantities.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct UpdateCartLinesInput {
    /// The cart.
    cart_id: ID,
    /// Lines and their new quantities.
    lines: Vec<CartLineQuantityInput>,
    /// Refuse when the cart has another revision now.
    expected_revision: Option<i32>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Takes lines away.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct RemoveCartLinesInput {
    /// The cart.
    cart_id: ID,
    /// Lines to take away.
    line_ids: Vec<ID>,
    /// Refuse when the cart has another revision now.
    expected_revision: Option<i32>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// How two carts become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(name = "CartMergeStrategy", remote = "MergeStrategy")]
pub enum CartMergeStrategy {
    /// Quantities of the same SKU are added.
    MergeSum,
    /// The greater quantity of the same SKU stays.
    MergeMax,
    /// The guest's lines replace the customer's.
    KeepGuest,
    /// The customer's lines stay.
    KeepAccount,
}

/// Puts the guest's cart into the customer's, after signing in.
#[derive(Debug, Clone, InputObject)]
pub struct MergeCartInput {
    /// The guest's cart; the guest token has to be sent along.
    guest_cart_id: ID,
    /// How; quantities are added when absent.
    #[graphql(default_with = "CartMergeStrategy::MergeSum")]
    strategy: CartMergeStrategy,
}

/// What came of a change.
#[derive(SimpleObject)]
pub struct CartPayload {
    /// The cart as it is now; absent when it was not changed.
    cart: Option<Cart>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// What came of making a cart.
#[derive(SimpleObject)]
pub struct CreateCartPayload {
    /// The cart; absent when it was not made.
    cart: Option<Cart>,
    /// For a guest without a token: send it as the header emporia-guest from now on, and keep it secret. Whoever shows
    /// it owns the cart and what becomes of it.
    guest_token: Option<String>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// Changes of carts.
pub struct Mutation;

#[Object]
impl Mutation {
    /// Makes a cart for the caller. A guest without a token is given one.
    #[graphql(directive = public::apply())]
    async fn create_cart(&self, ctx: &Context<'_>, input: CreateCartInput) -> Result<CreateCartPayload> {
        let (service, asks) = (ctx.data::<CartsService>()?, context(ctx)?);
        let (owner, token) = match asks.owner() {
            Some(owner) => (owner, None),
            // Without an owner an idempotency key would belong to everybody: it would hand one guest another's cart.
            None if input.idempotency_key.is_some() => {
                return Err(bad_input(
                    "idempotencyKey needs a signed-in customer or a guest token (header emporia-guest)",
                ));
            }
            None if matches!(asks.principal, emporia_contracts::Principal::Anonymous) => {
                let token = service.ids.secret();
                (Owner::Guest(GuestKey::of(&token)), Some(token))
            }
            None => return Err(bad_input("operators have no carts: send a customer's or a guest's token")),
        };
        let lines = requests(&input.lines)?;
        let key = input.idempotency_key.as_deref();
        let made = async {
            if let Some(cart) = first_result(service, asks, "createCart", key, &input).await? {
                return Ok(cart);
            }
            let additions = service.additions(&lines, asks).await?;
            let (owner, additions, meta) = (&owner, &additions, &asks.meta());
            run_once(&service.space, asks, "createCart", key, &input, |tx| async move {
                service.create(&tx, owner, &asks.channel, additions, meta).await
            })
            .await
        };
        let (cart, user_errors) = settle(made.await)?;
        let guest_token = token.filter(|_| cart.is_some());
        Ok(CreateCartPayload { cart: cart.map(Cart::new), guest_token, user_errors })
    }

    /// Puts lines in; a SKU that is there already gets more units.
    #[graphql(directive = public::apply())]
    async fn add_cart_lines(&self, ctx: &Context<'_>, input: AddCartLinesInput) -> Result<CartPayload> {
        let (service, asks) = (ctx.data::<CartsService>()?, context(ctx)?);
        let id: CartId = parse_id("cartId", &input.cart_id)?;
        let lines = requests(&input.lines)?;
        let key = input.idempotency_key.as_deref();
        let done = async {
            if let Some(cart) = first_result(service, asks, "addCartLines", key, &input).await? {
                return Ok(cart);
            }
            let additions = &service.additions(&lines, asks).await?;
            let expected = revision(input.expected_revision);
            run_once(&service.space, asks, "addCartLines", key, &input, |tx| async move {
                service.add(&tx, id, additions, asks, expected).await
            })
            .await
        };
        payload(done.await)
    }

    /// Changes quantities. To take a line away use removeCartLines.
    #[graphql(directive = public::apply())]
    async fn update_cart_lines(&self, ctx: &Context<'_>, input: UpdateCartLinesInput) -> Result<CartPayload> {
        let id: CartId = parse_id("cartId", &input.cart_id)?;
        let line = |line: &CartLineQuantityInput| {
            Ok((parse_id("lines.lineId", &line.line_id)?, Some(quantity(line.quantity)?)))
        };
        let lines = input.lines.iter().map(line).collect::<Result<Vec<_>>>()?;
        edit(
            ctx,
            "updateCartLines",
            id,
            &lines,
            input.expected_revision,
            input.idempotency_key.as_deref(),
            &input,
        )
        .await
    }

    /// Takes lines away.
    #[graphql(directive = public::apply())]
    async fn remove_cart_lines(&self, ctx: &Context<'_>, input: RemoveCartLinesInput) -> Result<CartPayload> {
        let id: CartId = parse_id("cartId", &input.cart_id)?;
        let line = |line: &ID| Ok((parse_id("lineIds", line)?, None));
        let lines = input.line_ids.iter().map(line).collect::<Result<Vec<_>>>()?;
        edit(
            ctx,
            "removeCartLines",
            id,
            &lines,
            input.expected_revision,
            input.idempotency_key.as_deref(),
            &input,
        )
        .await
    }

    /// Puts the guest's cart into the signed-in customer's. Send both tokens. The same again changes nothing.
    #[graphql(directive = authenticated::apply())]
    async fn merge_cart(&self, ctx: &Context<'_>, input: MergeCartInput) -> Result<CartPayload> {
        let (service, asks) = (ctx.data::<CartsService>()?, context(ctx)?);
        payload(
            service.merge(parse_id("guestCartId", &input.guest_cart_id)?, input.strategy.into(), asks).await,
        )
    }
}

/// What the first call with this key gave: asked before prices and availability are, which may be others by now.
async fn first_result(
    service: &CartsService,
    asks: &RequestContext,
    operation: &str,
    key: Option<&str>,
    input: &impl Serialize,
) -> Result<Option<model::Cart>, CartError> {
    match key {
        Some(key) => Ok(service.space.recall(&idempotency(asks, operation, key, input)?).await?),
        None => Ok(None),
    }
}

async fn edit(
    ctx: &Context<'_>,
    operation: &str,
    id: CartId,
    lines: &[(CartLineId, Option<Quantity>)],
    expected: Option<i32>,
    key: Option<&str>,
    input: &(impl Serialize + Sync),
) -> Result<CartPayload> {
    let (service, asks) = (ctx.data::<CartsService>()?, context(ctx)?);
    let done = async {
        // The prices that hold now are what the shopper sees with the answer.
        let cart = service.get(id, asks).await?;
        let skus: Vec<_> = cart.lines.iter().map(|line| line.sku.clone()).collect();
        let request = PriceRequest { skus, channel: cart.channel.clone(), at: service.space.clock().now() };
        let prices = service.deps.pricing.prices(request).await?;
        let prices = prices.into_iter().flatten().map(|price| (price.sku, price.unit)).collect();
        let prices = &prices;
        let expected = revision(expected);
        run_once(&service.space, asks, operation, key, input, |tx| async move {
            service.set(&tx, id, lines, prices, asks, expected).await
        })
        .await
    };
    payload(done.await)
}

fn revision(expected: Option<i32>) -> Option<u32> {
    // A negative number is no revision: one that no cart has stands for it.
    expected.map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn quantity(units: i32) -> Result<Quantity> {
    Quantity::new(i64::from(units)).map_err(|e| bad_input(format!("quantity: {e}")))
}

fn requests(lines: &[CartLineInput]) -> Result<Vec<LineRequest>> {
    if lines.len() > model::MOST_LINES {
        return Err(bad_input(format!("lines: at most {} at once", model::MOST_LINES)));
    }
    let request = |line: &CartLineInput| {
        Ok(LineRequest {
            sku: emporia_subgraph::parse("sku", &line.sku)?,
            quantity: quantity(line.quantity)?,
        })
    };
    lines.iter().map(request).collect()
}

fn settle(done: Result<model::Cart, CartError>) -> Result<(Option<model::Cart>, Vec<UserError>)> {
    use UserErrorCode as C;
    let error = match done {
        Ok(cart) => return Ok((Some(cart), vec![])),
        Err(error) => error,
    };
    let (code, field) = match &error {
        CartError::NotAvailable(at, _) => (C::NotAvailable, format!("lines.{at}.sku")),
        CartError::PriceMissing(at, _) => (C::PriceMissing, format!("lines.{at}.sku")),
        CartError::Refused(CartRefusal::NoLine(_)) => (C::NotFound, "lines".to_owned()),
        CartError::Refused(CartRefusal::Quantity(..)) => (C::Invalid, "lines".to_owned()),
        CartError::Refused(CartRefusal::TooManyLines) => (C::LimitExceeded, "lines".to_owned()),
        CartError::Refused(_) => (C::CartNotActive, "cartId".to_owned()),
        CartError::VersionConflict => (C::VersionConflict, "expectedRevision".to_owned()),
        CartError::NotFound(_) | CartError::Fault(_) | CartError::Store(_) => return Err(failed(error)),
    };
    Ok((None, vec![UserError::new(code, &field, error.to_string())]))
}

fn payload(done: Result<model::Cart, CartError>) -> Result<CartPayload> {
    let (cart, user_errors) = settle(done)?;
    Ok(CartPayload { cart: cart.map(Cart::new), user_errors })
}
