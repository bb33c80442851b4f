//! Payments: tenders, their providers, and the ledger.

use crate::{
    fault::Fault,
    ids::{OrderId, PaymentId, RefundId},
};
use emporia_events::{EventMeta, EventPayload};
use emporia_money::Money;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a payment stands. See the state machine in the payments service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Known to us; the provider may or may not know it.
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
    /// Refused, or the action failed.
    Failed,
    /// Given up before capture.
    Voided,
    /// The authorisation ran out.
    Expired,
}

/// The decline code of a payment for which the provider could not be asked: nothing happened, and the same means may be
/// tried again.
pub const PROVIDER_UNAVAILABLE: &str = "provider_unavailable";

/// How a shopper pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PaymentMethod {
    /// A single-use token of the provider's card page. Card numbers never reach us.
    CardToken(String),
}

/// Asks for an authorisation. Idempotent by the payment's id for ever.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorise {
    /// The caller's id for it.
    pub payment: PaymentId,
    /// What it is for, as the provider shows it: `chk_…`.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// Where the provider sends the shopper back to after an action.
    pub return_url: Option<String>,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// A payment as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFacts {
    /// The payment.
    pub payment_id: PaymentId,
    /// What it is for.
    pub reference: String,
    /// The order, once there is one.
    pub order_id: Option<OrderId>,
    /// Where it stands.
    pub state: PaymentState,
    /// Asked for.
    pub amount: Money,
    /// Held so far.
    pub authorised: Money,
    /// Taken so far.
    pub captured: Money,
    /// Given back so far.
    pub refunded: Money,
    /// Where the shopper has to go, when he has to.
    pub action_url: Option<String>,
    /// Why it was refused.
    pub decline_code: Option<String>,
    /// Card brand, for people.
    pub card_brand: Option<String>,
    /// Last four digits, for people.
    pub card_last4: Option<String>,
    /// When the authorisation runs out.
    #[schemars(with = "Option<crate::instant::Instant>")]
    pub authorised_until: Option<Timestamp>,
}

/// Names a payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PaymentRequest {
    /// Which.
    pub payment: PaymentId,
    /// Whether to ask the provider when the state is not final.
    pub refresh: bool,
}

/// Ties a payment to the order that it pays. Idempotent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttachOrder {
    /// The payment.
    pub payment: PaymentId,
    /// The order.
    pub order: OrderId,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Takes held money. Idempotent by `key`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Capture {
    /// The payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// Idempotency key, for ever.
    pub key: String,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Gives up what is held and not taken. Idempotent. One that was not asked for yet never will be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Void {
    /// The payment.
    pub payment: PaymentId,
    /// What it is for, as in [`Authorise`].
    pub reference: String,
    /// How much it holds, where the caller still knows: whoever is about to ask for it is refused then.
    pub amount: Option<Money>,
    /// Why, in a word.
    pub reason: String,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Gives back taken money. Idempotent by the refund's id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refund {
    /// The caller's id for it.
    pub refund: RefundId,
    /// The payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Why a payment operation is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PaymentRefusal {
    /// There is none of that id.
    #[error("there is no payment {0}")]
    NotFound(PaymentId),
    /// The same id or key was used with another amount or reference, or for another order.
    #[error("payment {0} was already used with other data")]
    Reused(PaymentId),
    /// The state does not allow it.
    #[error("payment {payment} is {state:?}: {operation} is not possible")]
    State {
        /// The payment.
        payment: PaymentId,
        /// Where it stands.
        state: PaymentState,
        /// What was asked.
        operation: String,
    },
    /// More than is held (capture) or taken (refund).
    #[error("{asked} is more than the {left} that is left")]
    Amount {
        /// Asked for.
        asked: Money,
        /// What is left.
        left: Money,
    },
    /// The provider refuses, definitely.
    #[error("the provider refuses: {0}")]
    Provider(String),
    /// The provider or the room does not answer: the outcome is unknown until asked again.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What others may ask of payments.
#[async_trait::async_trait]
pub trait Payments: Send + Sync {
    /// Starts or continues an authorisation. A decline is a payment in state `Failed`, not a refusal; an outcome that
    /// is not known yet is `Pending`.
    async fn authorise(&self, request: Authorise) -> Result<PaymentFacts, PaymentRefusal>;
    /// Where a payment stands.
    async fn payment(&self, request: PaymentRequest) -> Result<PaymentFacts, PaymentRefusal>;
    /// Ties it to an order.
    async fn attach(&self, request: AttachOrder) -> Result<(), PaymentRefusal>;
    /// Takes held money.
    async fn capture(&self, request: Capture) -> Result<PaymentFacts, PaymentRefusal>;
    /// Gives up held money: noted when this returns, and done at the provider as soon as that is possible.
    async fn void(&self, request: Void) -> Result<(), PaymentRefusal>;
    /// Gives back taken money.
    async fn refund(&self, request: Refund) -> Result<PaymentFacts, PaymentRefusal>;
}

/// What a provider answers to an authorisation, a look-up or a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderAuthorisation {
    /// The provider's id.
    pub provider_id: String,
    /// Where it stands there.
    pub status: ProviderStatus,
    /// Held amount.
    pub amount: Money,
    /// Taken so far.
    pub captured_minor: i64,
    /// Given back so far.
    pub refunded_minor: i64,
    /// When it runs out.
    pub authorised_until: Option<Timestamp>,
    /// Brand.
    pub card_brand: Option<String>,
    /// Last four digits.
    pub card_last4: Option<String>,
}

/// Where an authorisation stands at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ProviderStatus {
    /// Held.
    Authorised,
    /// Refused, with the provider's code.
    #[serde(rename_all = "camelCase")]
    Declined {
        /// The code.
        code: String,
    },
    /// The shopper has to go there.
    #[serde(rename_all = "camelCase")]
    RequiresAction {
        /// Where.
        url: String,
    },
    /// Not decided yet.
    Pending,
    /// Given up.
    Voided,
    /// Ran out.
    Expired,
}

/// Why a provider call failed, as far as the money is concerned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider said no: nothing happened and nothing will.
    #[error("refused by the provider: {code}: {message}")]
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        message: String,
    },
    /// It takes no such call now, for a reason that is not this payment's: our key, our address, too many calls.
    /// Nothing happened.
    #[error("the provider is not available: {why}")]
    Unavailable {
        /// What it answered.
        why: String,
        /// How long it asks to be left alone.
        retry_after: Option<SignedDuration>,
    },
    /// The call never reached it: nothing happened.
    #[error("the provider was not reached: {0}")]
    NotReached(String),
    /// It may or may not have happened: look it up by the reference before anything else.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
}

/// An authorisation to be made at a provider.
#[derive(Debug, Clone)]
pub struct ProviderAuthorise {
    /// Idempotency key and reference: our payment's id.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// Where to send the shopper back to.
    pub return_url: Option<String>,
}

/// A verified webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The provider's id of the event, for deduplication.
    pub id: String,
    /// Our payment, by the reference.
    pub payment: PaymentId,
    /// Where the authorisation stands now.
    pub authorisation: ProviderAuthorisation,
    /// Whether the cardholder disputes it.
    pub disputed: bool,
}

/// A payment provider. Every call is idempotent by the key given, at the provider, for ever.
#[async_trait::async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Its name in configuration and ledger.
    fn name(&self) -> &'static str;
    /// Holds money.
    async fn authorise(&self, request: ProviderAuthorise) -> Result<ProviderAuthorisation, ProviderError>;
    /// What the provider knows of our payment; `None` when it never heard of it.
    async fn lookup(&self, payment: PaymentId) -> Result<Option<ProviderAuthorisation>, ProviderError>;
    /// Takes held money.
    async fn capture(
        &self,
        provider_id: &str,
        amount: Money,
        key: &str,
    ) -> Result<ProviderAuthorisation, ProviderError>;
    /// Gives up held money.
    async fn void(&self, provider_id: &str, key: &str) -> Result<ProviderAuthorisation, ProviderError>;
    /// Gives back taken money.
    async fn refund(
        &self,
        provider_id: &str,
        amount: Money,
        key: &str,
    ) -> Result<ProviderAuthorisation, ProviderError>;
    /// Checks a webhook's signature, time and form before anything else looks at it. Headers have lower-case names.
    fn verify_webhook(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, String>;
}

macro_rules! payment_event {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The payment as it is now.
            pub payment: PaymentFacts,
            $($(#[$fmeta])* pub $field: $type,)*
        }

        impl EventPayload for $name {
            const SOURCE: &'static str = "emporia.payments";
            const DETAIL_TYPE: &'static str = stringify!($name);
            const SCHEMA: u32 = 1;

            fn subject(&self) -> String {
                format!("payment/{}", self.payment.payment_id)
            }
        }
    };
}

payment_event!(
    /// The shopper has to do something at the provider.
    PaymentActionRequired {}
);
payment_event!(
    /// Money is held.
    PaymentAuthorised {}
);
payment_event!(
    /// The provider refused, or the action failed.
    PaymentFailed {}
);
payment_event!(
    /// Money was taken.
    PaymentCaptured {
        /// How much this time.
        amount: Money,
        /// What for: the capture's idempotency key.
        key: String,
    }
);
payment_event!(
    /// Money was given back.
    PaymentRefunded {
        /// The refund.
        refund_id: RefundId,
        /// How much this time.
        amount: Money,
        /// Why.
        reason: String,
    }
);
payment_event!(
    /// Held money was given up.
    PaymentVoided {
        /// How much; absent when the provider gave it up by itself, or had not decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
        /// Why.
        reason: String,
    }
);
payment_event!(
    /// The authorisation ran out before it was captured.
    PaymentExpired {}
);
payment_event!(
    /// The provider does not do what is noted: an operator has to look.
    PaymentStuck {
        /// What it should do: `capture`, `refund`, `void`; absent when it does not say what became of the payment.
        operation: Option<String>,
        /// How much.
        amount: Option<Money>,
        /// What the last try failed with.
        reason: String,
    }
);
payment_event!(
    /// The cardholder disputes the payment.
    PaymentDisputed {}
);
