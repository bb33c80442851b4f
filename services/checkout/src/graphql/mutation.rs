use crate::{
    graphql::{
        delivery::{self, DefineDeliveryOptionInput, DefineDeliveryOptionPayload},
        types::{Checkout, Order},
    },
    model,
    service::{CheckoutError, CheckoutService, Progress, StartCheckout},
};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use emporia_contracts::{
    carts::CartRefusal,
    ids::CheckoutId,
    inventory::Shortage,
    payments::{PROVIDER_UNAVAILABLE, PaymentMethod},
    values::Email,
};
use emporia_money::Money;
use emporia_subgraph::{
    AddressInput, UserError, UserErrorCode, access::*, bad_input, context, fault, not_found, parse_id,
    store_error,
};
use serde::Serialize;

/// Begins to check a cart out.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct StartCheckoutInput {
    cart_id: ID,
    /// Where mail about the order goes; a signed-in customer's own when absent.
    email: Option<String>,
    /// Where the goods go.
    shipping_address: AddressInput,
    /// Where the invoice goes, when it differs.
    billing_address: Option<AddressInput>,
    /// The same key with the same input gives the first result again.
    idempotency_key: Option<String>,
}

/// Chooses a delivery option.
#[derive(Debug, Clone, InputObject)]
pub struct SetCheckoutDeliveryInput {
    checkout_id: ID,
    /// Key of one of deliveryOptions.
    delivery_option: String,
}

/// Adds a way to pay.
#[derive(Debug, Clone, InputObject)]
pub struct AddCheckoutPaymentInput {
    checkout_id: ID,
    /// Single-use token of the provider's card page. Card numbers never come here.
    card_token: String,
    /// How much of the total, as a decimal; all that is missing when absent.
    amount: Option<String>,
    /// Where the provider sends the shopper back to after 3-D Secure.
    return_url: Option<String>,
}

/// Buys.
#[derive(Debug, Clone, InputObject)]
pub struct CompleteCheckoutInput {
    checkout_id: ID,
    /// The total that the shopper saw, as a decimal; another one now is refused.
    expected_total: Option<String>,
}

/// Names a checkout.
#[derive(Debug, Clone, InputObject)]
pub struct CancelCheckoutInput {
    checkout_id: ID,
}

/// Names a checkout that is stuck.
#[derive(Debug, Clone, InputObject)]
pub struct RetryCheckoutInput {
    checkout_id: ID,
}

/// Buys a cart in one call.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct PlaceOrderInput {
    cart_id: ID,
    /// Where mail about the order goes; a signed-in customer's own when absent.
    email: Option<String>,
    /// Where the goods go.
    shipping_address: AddressInput,
    /// Where the invoice goes, when it differs.
    billing_address: Option<AddressInput>,
    /// Key of a delivery option.
    delivery_option: String,
    /// Single-use token of the provider's card page.
    card_token: String,
    /// Where the provider sends the shopper back to after 3-D Secure.
    return_url: Option<String>,
    /// The total that the shopper saw, as a decimal; another one is refused.
    expected_total: Option<String>,
    /// One key buys once: the same key gives the first result again.
    idempotency_key: String,
}

/// What came of a step.
#[derive(SimpleObject)]
pub struct CheckoutPayload {
    checkout: Option<Checkout>,
    user_errors: Vec<UserError>,
}

/// A SKU of which there is not enough.
#[derive(Debug, SimpleObject)]
pub struct StockShortage {
    sku: String,
    /// Units wanted.
    wanted: i32,
    /// Units that can be had.
    available: i32,
}

/// What came of the purchase.
#[derive(SimpleObject)]
pub struct CompleteCheckoutPayload {
    checkout: Option<Checkout>,
    /// The order, when there is one.
    order: Option<Order>,
    /// Send the shopper there (3-D Secure); when he comes back, call completeCheckout again.
    action_url: Option<String>,
    /// Whether the provider has not decided yet: call completeCheckout again, or wait for the order.
    pending: bool,
    /// What is short, when something is.
    shortages: Vec<StockShortage>,
    user_errors: Vec<UserError>,
}

/// Steps of a checkout.
pub struct Mutation;

#[Object]
impl Mutation {
    /// Defines a way to deliver in the channel of the request, or changes it. The same again changes nothing.
    #[graphql(directive = requires_scopes::apply(scope_at_place("channels:write")))]
    async fn define_delivery_option(
        &self,
        ctx: &Context<'_>,
        input: DefineDeliveryOptionInput,
    ) -> Result<DefineDeliveryOptionPayload> {
        delivery::define(ctx, input).await
    }

    /// Begins to check a cart out: who, and where to.
    #[graphql(directive = public::apply())]
    async fn start_checkout(&self, ctx: &Context<'_>, input: StartCheckoutInput) -> Result<CheckoutPayload> {
        let service = ctx.data::<CheckoutService>()?;
        let wanted = match start(
            &input.cart_id,
            input.email.as_deref(),
            &input.shipping_address,
            input.billing_address.as_ref(),
        )? {
            Ok(wanted) => wanted,
            Err(error) => return Ok(CheckoutPayload { checkout: None, user_errors: vec![error] }),
        };
        let asks = context(ctx)?;
        step(match &input.idempotency_key {
            Some(key) => service.start_once(wanted, asks, "startCheckout", key, &input).await,
            None => service.start(wanted, asks).await,
        })
    }

    /// Chooses a delivery option; the order is priced with it.
    #[graphql(directive = public::apply())]
    async fn set_checkout_delivery(
        &self,
        ctx: &Context<'_>,
        input: SetCheckoutDeliveryInput,
    ) -> Result<CheckoutPayload> {
        let id = parse_id("checkoutId", &input.checkout_id)?;
        step(ctx.data::<CheckoutService>()?.set_delivery(id, &input.delivery_option, context(ctx)?).await)
    }

    /// Adds a way to pay. Several may share the total.
    #[graphql(directive = public::apply())]
    async fn add_checkout_payment(
        &self,
        ctx: &Context<'_>,
        input: AddCheckoutPaymentInput,
    ) -> Result<CheckoutPayload> {
        let service = ctx.data::<CheckoutService>()?;
        let (id, asks) = (parse_id("checkoutId", &input.checkout_id)?, context(ctx)?);
        let amount = money(service, id, input.amount.as_deref(), "amount", ctx).await?;
        let method = PaymentMethod::CardToken(token(input.card_token)?);
        let back = return_url(input.return_url)?;
        step(service.add_payment(id, method, amount, back, asks).await)
    }

    /// Buys. Idempotent: a completed checkout gives its order again.
    #[graphql(directive = public::apply())]
    async fn complete_checkout(
        &self,
        ctx: &Context<'_>,
        input: CompleteCheckoutInput,
    ) -> Result<CompleteCheckoutPayload> {
        let service = ctx.data::<CheckoutService>()?;
        let id = parse_id("checkoutId", &input.checkout_id)?;
        let expected = money(service, id, input.expected_total.as_deref(), "expectedTotal", ctx).await?;
        outcome(service.complete(id, expected, context(ctx)?).await)
    }

    /// Gives a checkout up. What was held goes back.
    #[graphql(directive = public::apply())]
    async fn cancel_checkout(
        &self,
        ctx: &Context<'_>,
        input: CancelCheckoutInput,
    ) -> Result<CheckoutPayload> {
        let id = parse_id("checkoutId", &input.checkout_id)?;
        step(ctx.data::<CheckoutService>()?.cancel(id, context(ctx)?).await)
    }

    /// Puts a checkout that is stuck back to work. What comes of it is in its state and its trouble.
    #[graphql(directive = requires_scopes::apply(scope("orders:write")))]
    async fn retry_checkout(&self, ctx: &Context<'_>, input: RetryCheckoutInput) -> Result<CheckoutPayload> {
        let id = parse_id("checkoutId", &input.checkout_id)?;
        step(ctx.data::<CheckoutService>()?.retry(id, context(ctx)?).await)
    }

    /// Buys a cart in one call.
    #[graphql(directive = public::apply())]
    async fn place_order(
        &self,
        ctx: &Context<'_>,
        input: PlaceOrderInput,
    ) -> Result<CompleteCheckoutPayload> {
        let (service, asks) = (ctx.data::<CheckoutService>()?, context(ctx)?);
        let wanted = match start(
            &input.cart_id,
            input.email.as_deref(),
            &input.shipping_address,
            input.billing_address.as_ref(),
        )? {
            Ok(wanted) => wanted,
            Err(error) => return Ok(refused(error)),
        };
        let method = PaymentMethod::CardToken(token(input.card_token.clone())?);
        let back = return_url(input.return_url.clone())?;
        let placed = async {
            let key = &input.idempotency_key;
            let checkout = service.start_once(wanted, asks, "placeOrder", key, &input).await?;
            let mut checkout = service.get(checkout.id, asks).await?.value;
            if checkout.state == model::CheckoutState::Draft {
                checkout = service.set_delivery(checkout.id, &input.delivery_option, asks).await?;
            }
            let expected = match (&input.expected_total, checkout.total()) {
                (Some(text), Some(total)) => Some(
                    Money::parse(text, total.currency())
                        .map_err(|e| CheckoutError::Invalid(e.to_string()))?,
                ),
                _ => None,
            };
            if checkout.state == model::CheckoutState::Priced && checkout.tenders.is_empty() {
                match service.add_payment(checkout.id, method, None, back, asks).await {
                    // The same call came twice at once: the other one has added the card.
                    Err(CheckoutError::Tenders(left)) if left.is_zero() => {}
                    Err(CheckoutError::State(_, state)) if state.under_way() => {}
                    added => drop(added?),
                }
            }
            service.complete(checkout.id, expected, asks).await
        };
        outcome(placed.await)
    }
}

fn start(
    cart: &ID,
    email: Option<&str>,
    shipping: &AddressInput,
    billing: Option<&AddressInput>,
) -> Result<Result<StartCheckout, UserError>> {
    let cart = parse_id("cartId", cart)?;
    let checked = || -> Result<StartCheckout, UserError> {
        let email = email.map(str::parse::<Email>).transpose();
        let email = email.map_err(|e| UserError::new(UserErrorCode::Invalid, "email", e.to_string()))?;
        let shipping = shipping.clone().checked("shippingAddress")?;
        let billing = billing.map(|b| b.clone().checked("billingAddress")).transpose()?;
        Ok(StartCheckout { cart, email, shipping, billing })
    };
    Ok(checked())
}

async fn money(
    service: &CheckoutService,
    id: CheckoutId,
    text: Option<&str>,
    field: &str,
    ctx: &Context<'_>,
) -> Result<Option<Money>> {
    let Some(text) = text else { return Ok(None) };
    let checkout = service.get(id, context(ctx)?).await.map_err(failed)?.value;
    let channel = service.channel(&checkout.channel).await.map_err(failed)?;
    Money::parse(text, channel.currency).map(Some).map_err(|e| bad_input(format!("{field}: {e}")))
}

fn token(token: String) -> Result<String> {
    let fine = (1..=200).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    if fine {
        Ok(token)
    } else {
        Err(bad_input("cardToken: 1 to 200 visible ASCII characters, as the card page gave it"))
    }
}

fn return_url(url: Option<String>) -> Result<Option<String>> {
    let fine = |u: &String| {
        u.len() <= 2000
            && (u.starts_with("https://") || u.starts_with("http://"))
            && !u.chars().any(char::is_control)
    };
    match url {
        Some(url) if !fine(&url) => {
            Err(bad_input("returnUrl: an http or https address of at most 2000 characters"))
        }
        url => Ok(url),
    }
}

/// What is an error, not something that the shopper can put right.
pub(crate) fn failed(error: CheckoutError) -> async_graphql::Error {
    match error {
        CheckoutError::Store(error) => store_error("checkout", error),
        CheckoutError::Fault(error) => fault(error),
        CheckoutError::NotFound(_) | CheckoutError::Cart(CartRefusal::NotFound(_)) => {
            not_found(error.to_string())
        }
        error => bad_input(error.to_string()),
    }
}

/// What the shopper can put right.
fn user_error(error: &CheckoutError) -> Option<UserError> {
    use UserErrorCode as C;
    let (code, field) = match error {
        CheckoutError::State(_, model::CheckoutState::Expired) => (C::CheckoutExpired, ""),
        CheckoutError::State(..) => (C::StateNotAllowed, ""),
        CheckoutError::Cart(CartRefusal::NotFound(_)) | CheckoutError::NotFound(_) => return None,
        CheckoutError::Cart(_) => (C::CartNotActive, "cartId"),
        CheckoutError::EmptyCart(_) => (C::CartEmpty, "cartId"),
        CheckoutError::CartChanged | CheckoutError::TotalChanged { .. } => (C::CartChanged, ""),
        CheckoutError::NotAvailable(_) => (C::NotAvailable, "cartId"),
        CheckoutError::PriceMissing(_) => (C::PriceMissing, "cartId"),
        CheckoutError::CountryNotServed(_) => (C::CountryNotServed, "shippingAddress.countryCode"),
        CheckoutError::DeliveryNotAvailable(_) => (C::DeliveryNotAvailable, "deliveryOption"),
        CheckoutError::Incomplete(_) => (C::CheckoutIncomplete, ""),
        CheckoutError::Tenders(_) => (C::PaymentAmountMismatch, "amount"),
        CheckoutError::Invalid(_) => (C::Invalid, ""),
        CheckoutError::Fault(_) | CheckoutError::Store(_) => return None,
    };
    Some(UserError::new(code, field, error.to_string()))
}

fn step(done: Result<model::Checkout, CheckoutError>) -> Result<CheckoutPayload> {
    match done {
        Ok(checkout) => Ok(CheckoutPayload { checkout: Some(Checkout(checkout)), user_errors: vec![] }),
        Err(error) => match user_error(&error) {
            Some(error) => Ok(CheckoutPayload { checkout: None, user_errors: vec![error] }),
            None => Err(failed(error)),
        },
    }
}

fn refused(error: UserError) -> CompleteCheckoutPayload {
    CompleteCheckoutPayload {
        checkout: None,
        order: None,
        action_url: None,
        pending: false,
        shortages: vec![],
        user_errors: vec![error],
    }
}

fn outcome(done: Result<(model::Checkout, Progress), CheckoutError>) -> Result<CompleteCheckoutPayload> {
    let (checkout, progress) = match done {
        Ok(done) => done,
        Err(error) => return user_error(&error).map(refused).ok_or_else(|| failed(error)),
    };
    let mut payload = CompleteCheckoutPayload {
        checkout: Some(Checkout(checkout)),
        order: None,
        action_url: None,
        pending: false,
        shortages: vec![],
        user_errors: vec![],
    };
    match progress {
        Progress::Completed(order) => payload.order = Some(Order { id: order.to_string().into() }),
        Progress::ActionRequired(url) => payload.action_url = Some(url),
        Progress::Pending => payload.pending = true,
        Progress::Short(shortages) => {
            let units = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
            let shortage = |s: Shortage| StockShortage {
                sku: s.sku.to_string(),
                wanted: units(s.wanted),
                available: units(s.available),
            };
            payload.user_errors.push(UserError::new(
                UserErrorCode::OutOfStock,
                "cartId",
                "not enough stock: see shortages",
            ));
            payload.shortages = shortages.into_iter().map(shortage).collect();
        }
        Progress::Declined(code) => {
            let unavailable = "the payment provider is not available: nothing was charged, try again";
            let (kind, message) = match code.as_deref() {
                Some(PROVIDER_UNAVAILABLE) => (UserErrorCode::PaymentUnavailable, unavailable.to_owned()),
                Some(code) => (
                    UserErrorCode::PaymentDeclined,
                    format!("the payment was declined ({code}): nothing was taken, try another card"),
                ),
                None => (
                    UserErrorCode::PaymentDeclined,
                    "the payment was declined: nothing was taken, try another card".to_owned(),
                ),
            };
            payload.user_errors.push(UserError::new(kind, "cardToken", message));
        }
    }
    Ok(payload)
}
