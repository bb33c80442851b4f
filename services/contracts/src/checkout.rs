//! Checkout: the passage from a cart to an order.

use crate::{
    context::Owner,
    fault::Fault,
    ids::{CartId, CheckoutId, CustomerId, OrderId},
    inventory::Shortage,
    orders::{LineKind, OrderTender, PlacedOrder},
    values::{ChannelKey, CountryCode, ExternalId, LocationKey, Quantity, Sku},
};
use emporia_events::{EventMeta, EventPayload};
use emporia_money::{Money, UnitPrice};
use emporia_vault::PersonId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A line of an order that already happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FactLine {
    /// What it stands for.
    pub kind: LineKind,
    /// The SKU, or the other system's code of a charge.
    pub sku: Sku,
    /// Title as the source has it.
    pub title: String,
    /// How many.
    pub quantity: Quantity,
    /// Per unit, as reported; negative for a discount.
    pub unit_price: UnitPrice,
}

/// An order that already happened: at a till, on a marketplace, in an older system. Validated, never refused for stock
/// or price. Idempotent by `external_id` for ever.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderFact {
    /// The source's id.
    pub external_id: ExternalId,
    /// Where it was sold.
    pub channel: ChannelKey,
    /// The customer, when known.
    pub customer: Option<CustomerId>,
    /// The person, when known.
    pub person: Option<PersonId>,
    /// Country of delivery or of the store.
    pub country: CountryCode,
    /// Its lines.
    pub lines: Vec<FactLine>,
    /// The total as the source has it, when it has one.
    #[serde(default)]
    pub total: Option<Money>,
    /// How it was paid; empty means: settled outside, in full.
    pub tenders: Vec<OrderTender>,
    /// The location that the goods left, when they have left.
    pub fulfilled_from: Option<LocationKey>,
    /// When.
    pub placed_at: Timestamp,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Why an order fact is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum FactRefusal {
    /// It is not well formed; nothing was recorded.
    #[error("the order fact is not valid: {0}")]
    Invalid(String),
    /// The external id was used with other data.
    #[error("external id {0} was already used with other data")]
    Reused(ExternalId),
    /// A room does not answer; try again with the same external id.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What others may ask of checkout.
#[async_trait::async_trait]
pub trait Checkout: Send + Sync {
    /// Records an order that already happened.
    async fn record(&self, fact: OrderFact) -> Result<PlacedOrder, FactRefusal>;
}

macro_rules! checkout_event {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The checkout.
            pub checkout_id: CheckoutId,
            /// The cart.
            pub cart_id: CartId,
            /// Where.
            pub channel: ChannelKey,
            $($(#[$fmeta])* pub $field: $type,)*
        }

        impl EventPayload for $name {
            const SOURCE: &'static str = "emporia.checkout";
            const DETAIL_TYPE: &'static str = stringify!($name);
            const SCHEMA: u32 = 1;

            fn subject(&self) -> String {
                format!("checkout/{}", self.checkout_id)
            }
        }
    };
}

checkout_event!(
    /// A shopper began to check out.
    CheckoutStarted {
        /// Whose it is.
        owner: Owner,
    }
);
checkout_event!(
    /// The order was priced; this is what the shopper will pay.
    CheckoutPriced {
        /// What is to be paid.
        total: Money,
        /// The delivery option.
        delivery_option: Option<String>,
    }
);
checkout_event!(
    /// Stock was short when the shopper wanted to buy.
    CheckoutShort {
        /// Of what.
        shortages: Vec<Shortage>,
    }
);
checkout_event!(
    /// A payment failed; the shopper may try another.
    CheckoutPaymentFailed {
        /// The provider's reason.
        decline_code: Option<String>,
    }
);
checkout_event!(
    /// The checkout became an order.
    CheckoutCompleted {
        /// The order.
        order_id: OrderId,
        /// What is to be paid.
        total: Money,
    }
);
checkout_event!(
    /// The shopper did not come back in time.
    CheckoutExpired {}
);
checkout_event!(
    /// It does not go on by itself: an operator has to look.
    CheckoutStuck {
        /// What the last try failed with.
        reason: String,
    }
);
checkout_event!(
    /// The shopper gave up, or the cart changed under it.
    CheckoutCancelled {
        /// Why.
        reason: String,
    }
);

/// What delivery costs from some value of goods on, as events tell it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRateFacts {
    /// The least value of the goods.
    pub from: Money,
    /// The charge.
    pub charge: Money,
}

/// A way to deliver was made or changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryOptionDefined {
    /// Where it is offered.
    pub channel: ChannelKey,
    /// Its key in the channel.
    pub key: String,
    /// Where it goes; everywhere the channel delivers when empty.
    pub countries: Vec<CountryCode>,
    /// The most that a parcel may weigh, in grams.
    pub max_weight_grams: Option<u64>,
    /// Charges by value of goods, the least value first.
    pub rates: Vec<DeliveryRateFacts>,
    /// Working days from order to door, at least.
    pub min_days: u8,
    /// Working days from order to door, at most.
    pub max_days: u8,
}

impl EventPayload for DeliveryOptionDefined {
    const SOURCE: &'static str = "emporia.checkout";
    const DETAIL_TYPE: &'static str = "DeliveryOptionDefined";
    const SCHEMA: u32 = 1;

    fn subject(&self) -> String {
        format!("delivery-option/{}/{}", self.channel, self.key)
    }
}
