use crate::{model, service::PaymentsService};
use async_graphql::{
    Context, EmptySubscription, Enum, ID, InputObject, Object, Result, Schema, SimpleObject,
    connection::{Connection, Edge},
    dataloader::{DataLoader, Loader, NoCache},
};
use emporia_contracts::{
    ids::OrderId,
    payments::{PaymentRefusal, PaymentState, Payments, Refund},
};
use emporia_money::Money;
use emporia_store::{Cursor, StoreError};
use emporia_subgraph::{
    DateTime, GraphMoney, Subgraph, Trouble, UserError, UserErrorCode, access::*, bad_input, batched,
    context, fault, fingerprint, not_found, page_size, parse_id, recorded, store_error,
};
use serde::Serialize;
use std::collections::HashMap;

/// Builds the subgraph.
pub fn schema(service: PaymentsService) -> Subgraph {
    let orders = batched(OrderLoader(service.clone()), 200);
    Subgraph::new(Schema::build(Query, recorded(Mutation), EmptySubscription).data(service).data(orders))
}

/// Payments of the orders of one page together.
struct OrderLoader(PaymentsService);

impl Loader<OrderId> for OrderLoader {
    type Value = Vec<model::Payment>;
    type Error = StoreError;

    async fn load(&self, orders: &[OrderId]) -> Result<HashMap<OrderId, Self::Value>, StoreError> {
        self.0.of_orders(orders).await
    }
}

type Orders = DataLoader<OrderLoader, NoCache>;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "PaymentState", remote = "PaymentState")]
pub enum GraphPaymentState {
    /// Known to us.
    Created,
    /// The shopper has to do something at the provider.
    RequiresAction,
    /// The provider has not decided yet.
    Pending,
    /// The amount is held.
    Authorised,
    /// Some or all of it was taken.
    Captured,
    /// Some or all of what was taken was given back.
    Refunded,
    /// The cardholder disputes it.
    Disputed,
    /// Refused.
    Failed,
    /// Given up before capture.
    Voided,
    /// The authorisation ran out.
    Expired,
}

/// What is done to a payment at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "PaymentOperationKind", remote = "model::EntryKind")]
pub enum GraphOperationKind {
    /// Money is held.
    Authorisation,
    /// Held money is taken.
    Capture,
    /// Taken money is given back.
    Refund,
    /// Held money is given up.
    Void,
}

/// Something that is to be done at the provider.
#[derive(SimpleObject)]
pub struct PaymentOperation {
    kind: GraphOperationKind,
    amount: GraphMoney,
}

/// A payment.
pub struct Payment(model::Payment);

#[Object]
impl Payment {
    /// The payment.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Where it stands.
    async fn state(&self) -> GraphPaymentState {
        self.0.state.into()
    }

    /// Asked for.
    async fn amount(&self) -> GraphMoney {
        self.0.amount.into()
    }

    /// Held.
    async fn authorised(&self) -> GraphMoney {
        self.0.facts().authorised.into()
    }

    /// Taken.
    async fn captured(&self) -> GraphMoney {
        self.0.facts().captured.into()
    }

    /// Given back.
    async fn refunded(&self) -> GraphMoney {
        self.0.facts().refunded.into()
    }

    /// Why it was refused.
    async fn decline_code(&self) -> Option<&str> {
        self.0.decline_code.as_deref()
    }

    /// Card brand.
    async fn card_brand(&self) -> Option<&str> {
        self.0.card_brand.as_deref()
    }

    /// Last four digits of the card.
    async fn card_last4(&self) -> Option<&str> {
        self.0.card_last4.as_deref()
    }

    /// The provider's id.
    async fn provider_id(&self) -> Option<&str> {
        self.0.provider_id.as_deref()
    }

    /// What was asked of the provider and is not known to be done.
    async fn noted(&self) -> Vec<PaymentOperation> {
        let operation = |intent: &model::Intent| PaymentOperation {
            kind: intent.kind.into(),
            amount: intent.amount.into(),
        };
        self.0.intents.iter().map(operation).collect()
    }

    /// What keeps it from what was noted, while something does.
    async fn trouble(&self) -> Option<Trouble> {
        self.0.trouble.clone().filter(|_| self.0.wants()).map(Trouble::from)
    }

    /// When it began.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

/// An order, as far as payments know it.
pub struct Order {
    id: OrderId,
}

#[Object]
impl Order {
    /// The order.
    async fn id(&self) -> ID {
        self.id.to_string().into()
    }

    /// Its payments with their provider's ids.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn payments(&self, ctx: &Context<'_>) -> Result<Vec<Payment>> {
        let found = ctx.data::<Orders>()?.load_one(self.id).await;
        let found = found.map_err(|e| store_error("payments", e))?.unwrap_or_default();
        Ok(found.into_iter().map(Payment).collect())
    }
}

/// Gives taken money back.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct RefundPaymentInput {
    /// The payment.
    payment_id: ID,
    /// How much, as a decimal of the payment's currency.
    amount: String,
    /// Why, in words.
    reason: String,
    /// The same key refunds once, for ever.
    idempotency_key: String,
}

/// What came of a refund.
#[derive(SimpleObject)]
pub struct RefundPaymentPayload {
    /// The payment as it is now.
    payment: Option<Payment>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// Names a payment that is stuck.
#[derive(Debug, Clone, InputObject)]
pub struct RetryPaymentInput {
    payment_id: ID,
}

/// What came of trying again.
#[derive(SimpleObject)]
pub struct RetryPaymentPayload {
    /// The payment as it is now: see noted and trouble.
    payment: Option<Payment>,
    /// What to put right.
    user_errors: Vec<UserError>,
}

/// Questions about payments.
pub struct Query;

#[Object]
impl Query {
    /// A payment.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment.")] id: ID,
    ) -> Result<Option<Payment>> {
        let found = ctx.data::<PaymentsService>()?.get(parse_id("id", &id)?).await;
        Ok(found.map_err(|e| store_error("payments", e))?.map(Payment))
    }

    /// Payments of which the provider does not do what was noted, the longest first: see noted and trouble, mend the
    /// cause, then retryPayment.
    #[graphql(directive = requires_scopes::apply(scope("orders:read")))]
    async fn stuck_payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Cursor of the entry before the page.")] after: Option<String>,
    ) -> Result<Connection<String, Payment>> {
        let told = |e: StoreError| store_error("payments", e);
        let after = after.map(|text| text.parse::<Cursor>()).transpose().map_err(told)?;
        let (size, paged) = (page_size(first, None, 20)?, after.is_some());
        let page = ctx.data::<PaymentsService>()?.stuck(size, after).await.map_err(told)?;
        let mut connection = Connection::new(paged, page.has_more);
        let edge = |(cursor, payment): (Cursor, emporia_store::Versioned<_>)| {
            Edge::new(cursor.to_string(), Payment(payment.value))
        };
        connection.edges.extend(page.items.into_iter().map(edge));
        Ok(connection)
    }

    /// An order by its identity across services.
    #[graphql(entity)]
    async fn find_order_by_id(&self, #[graphql(key)] id: ID) -> Result<Order> {
        Ok(Order { id: parse_id("id", &id)? })
    }
}

/// Changes of payments.
pub struct Mutation;

#[Object]
impl Mutation {
    /// Has the provider asked once more for what a payment is stuck with.
    #[graphql(directive = requires_scopes::apply(scope("orders:write")))]
    async fn retry_payment(
        &self,
        ctx: &Context<'_>,
        input: RetryPaymentInput,
    ) -> Result<RetryPaymentPayload> {
        let id = parse_id("paymentId", &input.payment_id)?;
        match ctx.data::<PaymentsService>()?.retry(id, context(ctx)?).await {
            Ok(payment) => Ok(RetryPaymentPayload { payment: Some(Payment(payment)), user_errors: vec![] }),
            Err(error @ PaymentRefusal::NotFound(_)) => Err(not_found(error.to_string())),
            Err(PaymentRefusal::Fault(error)) => Err(fault(error)),
            Err(error) => {
                let error = UserError::new(UserErrorCode::StateNotAllowed, "paymentId", error.to_string());
                Ok(RetryPaymentPayload { payment: None, user_errors: vec![error] })
            }
        }
    }

    /// Gives taken money back.
    #[graphql(directive = requires_scopes::apply(scope("payments:refund")))]
    async fn refund_payment(
        &self,
        ctx: &Context<'_>,
        input: RefundPaymentInput,
    ) -> Result<RefundPaymentPayload> {
        let (service, asks) = (ctx.data::<PaymentsService>()?, context(ctx)?);
        let payment = parse_id("paymentId", &input.payment_id)?;
        let known = service.get(payment).await.map_err(|e| store_error("payments", e))?;
        let known = known.ok_or_else(|| not_found(format!("there is no payment {payment}")))?;
        let amount = Money::parse(&input.amount, known.amount.currency())
            .map_err(|e| bad_input(format!("amount: {e}")))?;
        if input.reason.is_empty() || input.reason.len() > 200 || input.reason.chars().any(char::is_control) {
            return Err(bad_input("reason: 1 to 200 visible characters"));
        }
        if input.idempotency_key.is_empty() || input.idempotency_key.len() > 200 {
            return Err(bad_input("idempotencyKey: 1 to 200 visible characters, such as a UUID"));
        }
        // The refund's id is made of the caller's key: the same key is the same refund, for ever.
        let hash = fingerprint(&(payment, &input.idempotency_key));
        let id = u128::from_str_radix(&hash[..32], 16).unwrap_or_default();
        let refund = Refund {
            refund: uuid::Uuid::from_u128(id).into(),
            payment,
            amount,
            reason: input.reason.clone(),
            meta: asks.meta(),
        };
        let refused = |code, e: &PaymentRefusal| RefundPaymentPayload {
            payment: None,
            user_errors: vec![UserError::new(code, "amount", e.to_string())],
        };
        Ok(match service.refund(refund).await {
            Ok(_) => {
                let payment = service.get(payment).await.map_err(|e| store_error("payments", e))?;
                RefundPaymentPayload { payment: payment.map(Payment), user_errors: vec![] }
            }
            Err(PaymentRefusal::Fault(error)) => return Err(fault(error)),
            Err(e @ PaymentRefusal::Amount { .. }) => refused(UserErrorCode::LimitExceeded, &e),
            Err(PaymentRefusal::Reused(_)) => {
                let (scope, key) = ("refundPayment".to_owned(), input.idempotency_key);
                return Err(store_error("payments", StoreError::IdempotencyKeyReused { scope, key }));
            }
            Err(e @ PaymentRefusal::NotFound(_)) => refused(UserErrorCode::NotFound, &e),
            Err(e) => refused(UserErrorCode::StateNotAllowed, &e),
        })
    }
}
