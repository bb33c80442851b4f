//! Carts: what a shopper means to buy.

use crate::{
    context::Owner,
    fault::Fault,
    ids::{CartId, CartLineId, CheckoutId, OrderId},
    values::{ChannelKey, Quantity, Sku},
};
use emporia_events::{EventMeta, EventPayload};
use emporia_money::Money;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A line of a cart as checkout sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartLineFacts {
    /// The line.
    pub id: CartLineId,
    /// The SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// A cart as checkout sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartFacts {
    /// The cart.
    pub id: CartId,
    /// Whose it is.
    pub owner: Owner,
    /// Where it was filled.
    pub channel: ChannelKey,
    /// Its lines.
    pub lines: Vec<CartLineFacts>,
    /// Counts edits of the lines: a checkout is of one revision.
    pub revision: u32,
    /// The order that it became.
    pub ordered: Option<OrderId>,
}

/// Names a cart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CartRequest {
    /// Which.
    pub cart: CartId,
}

/// A checkout began on a cart. Idempotent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenCheckout {
    /// The cart.
    pub cart: CartId,
    /// The checkout.
    pub checkout: CheckoutId,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// A checkout is about to buy the cart: until it gives the cart up or makes an order, no other checkout may buy it and
/// nobody may edit it. Idempotent by the checkout.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimCart {
    /// The cart.
    pub cart: CartId,
    /// The checkout.
    pub checkout: CheckoutId,
    /// Which attempt of the checkout: a late word of an earlier attempt does not touch a later one's claim.
    pub attempt: u32,
    /// The revision that was priced; another one now is refused.
    pub revision: u32,
}

/// A checkout gives a claimed cart up. Idempotent; another checkout's claim is left alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnclaimCart {
    /// The cart.
    pub cart: CartId,
    /// The checkout.
    pub checkout: CheckoutId,
    /// Which attempt of it.
    pub attempt: u32,
}

/// A cart became an order. Idempotent by the order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MarkOrdered {
    /// The cart.
    pub cart: CartId,
    /// The order.
    pub order: OrderId,
    /// Metadata of the events.
    pub meta: EventMeta,
}

/// Why a cart cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CartRefusal {
    /// There is none of that id.
    #[error("there is no cart {0}")]
    NotFound(CartId),
    /// It was merged into another, or has expired.
    #[error("cart {0} is not active any more")]
    NotActive(CartId),
    /// Another checkout is buying it.
    #[error("cart {cart} is being bought by checkout {by}")]
    Claimed {
        /// The cart.
        cart: CartId,
        /// The checkout that has it.
        by: CheckoutId,
    },
    /// It was edited since the revision that the caller means.
    #[error("cart {cart} has revision {actual}, not {expected}")]
    Changed {
        /// The cart.
        cart: CartId,
        /// What the caller means.
        expected: u32,
        /// What it is.
        actual: u32,
    },
    /// It already became an order.
    #[error("cart {cart} already became order {order}")]
    Ordered {
        /// The cart.
        cart: CartId,
        /// The order.
        order: OrderId,
    },
    /// The room does not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What others may ask of carts.
#[async_trait::async_trait]
pub trait Carts: Send + Sync {
    /// The cart. The caller checks the owner.
    async fn cart(&self, request: CartRequest) -> Result<CartFacts, CartRefusal>;
    /// Notes that a checkout is open on it. Edits stay possible and void the checkout's snapshot.
    async fn open_checkout(&self, request: OpenCheckout) -> Result<CartFacts, CartRefusal>;
    /// Claims it for a purchase.
    async fn claim(&self, request: ClaimCart) -> Result<(), CartRefusal>;
    /// Gives a claim up.
    async fn unclaim(&self, request: UnclaimCart) -> Result<(), Fault>;
    /// Notes that it became an order; no edit is possible after that.
    async fn mark_ordered(&self, request: MarkOrdered) -> Result<(), CartRefusal>;
}

/// What a change did to a line.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartLineChange {
    /// The line.
    pub line_id: CartLineId,
    /// The SKU.
    pub sku: Sku,
    /// Units before; 0 when it is new.
    pub before: i64,
    /// Units after; 0 when it was removed.
    pub after: i64,
    /// The indicated price of one unit, when there is one.
    pub unit_price: Option<Money>,
}

macro_rules! cart_event {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The cart.
            pub cart_id: CartId,
            $($(#[$fmeta])* pub $field: $type,)*
        }

        impl EventPayload for $name {
            const SOURCE: &'static str = "emporia.carts";
            const DETAIL_TYPE: &'static str = stringify!($name);
            const SCHEMA: u32 = 1;

            fn subject(&self) -> String {
                format!("cart/{}", self.cart_id)
            }
        }
    };
}

cart_event!(
    /// A cart was made.
    CartCreated {
        /// Whose it is.
        owner: Owner,
        /// Where.
        channel: ChannelKey,
    }
);
cart_event!(
    /// Lines were added, changed or removed.
    CartLinesChanged {
        /// Where.
        channel: ChannelKey,
        /// What changed.
        changes: Vec<CartLineChange>,
        /// Units of all lines after the change.
        units: i64,
    }
);
cart_event!(
    /// A guest's cart was merged into a customer's.
    CartMerged {
        /// The cart that lives on.
        into: CartId,
        /// Whose that is.
        owner: Owner,
    }
);
cart_event!(
    /// Nobody touched a cart with lines for some time.
    CartAbandoned {
        /// Where.
        channel: ChannelKey,
        /// Whose it is.
        owner: Owner,
        /// What is in it.
        lines: Vec<CartLineFacts>,
    }
);
cart_event!(
    /// A cart is too old and was closed.
    CartExpired {
        /// Where.
        channel: ChannelKey,
    }
);
cart_event!(
    /// A cart became an order.
    CartOrdered {
        /// The order.
        order_id: OrderId,
    }
);
