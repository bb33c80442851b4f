//! Every event that rooms publish, with the JSON Schema of its facts: what `docs/events` is generated from.

use emporia_events::EventPayload;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// One kind of event.
#[derive(Debug, Clone)]
pub struct EventKind {
    /// Who tells it: `emporia.orders`.
    pub source: &'static str,
    /// What happened: `OrderPlaced`.
    pub detail_type: &'static str,
    /// Version of its form.
    pub schema_version: u32,
    /// What it means, in words.
    pub description: String,
    /// JSON Schema (2020-12) of `detail.data`.
    pub schema: Value,
}

fn kind<T: EventPayload + JsonSchema>() -> EventKind {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    EventKind {
        source: T::SOURCE,
        detail_type: T::DETAIL_TYPE,
        schema_version: T::SCHEMA,
        description,
        schema,
    }
}

macro_rules! kinds {
    ($($room:ident: $($event:ident),+;)+) => {
        vec![$($(kind::<crate::$room::$event>()),+),+]
    };
}

/// Every event, by room.
pub fn events() -> Vec<EventKind> {
    kinds! {
        channels: ChannelDefined;
        catalog: ProductCreated, ProductUpdated, CategoryDefined, ProductTypeDefined;
        pricing: PriceSet;
        tax: TaxRateDefined;
        inventory: StockReserved, ReservationCommitted, ReservationReleased, StockMoved, SafetyStockSet, CountTaskRaised;
        carts: CartCreated, CartLinesChanged, CartMerged, CartAbandoned, CartExpired, CartOrdered;
        checkout: CheckoutStarted, CheckoutPriced, CheckoutShort, CheckoutPaymentFailed, CheckoutCompleted, CheckoutExpired, CheckoutCancelled, CheckoutStuck, DeliveryOptionDefined;
        payments: PaymentActionRequired, PaymentAuthorised, PaymentFailed, PaymentCaptured, PaymentRefunded, PaymentVoided, PaymentExpired, PaymentDisputed, PaymentStuck;
        orders: OrderPlaced, OrderLinesPlaced, OrderLinesCancelled, FulfilmentCreated, FulfilmentShipped, FulfilmentDelivered, FulfilmentCancelled, OrderPaymentNoted, OrderClosed, ReturnRecorded;
        customers: CustomerRegistered, CustomerImported, CustomerSignedIn, CustomerEmailVerified, PasswordChanged, SessionReuseDetected, AccountNoticeIssued, PersonErased, OperatorDefined, SecondFactorConfirmed, SecondFactorRemoved, ApiKeyCreated, ApiKeyRevoked;
    }
}
