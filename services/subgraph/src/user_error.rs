use async_graphql::{Enum, SimpleObject};

/// What a customer can put right. Codes are stable: clients may branch on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// A value is not acceptable; the message says why.
    Invalid,
    /// A value is missing.
    Required,
    /// There is nothing of that id or key.
    NotFound,
    /// A key that has to be unique is taken.
    Duplicate,
    /// Somebody else changed it since it was read: read again and decide anew.
    VersionConflict,
    /// A limit would be exceeded.
    LimitExceeded,
    /// The state does not allow it.
    StateNotAllowed,
    /// There is not enough stock.
    OutOfStock,
    /// The product is not sold in this channel.
    NotAvailable,
    /// There is no price in this channel.
    PriceMissing,
    /// The cart was merged, has expired or already became an order.
    CartNotActive,
    /// The cart is empty.
    CartEmpty,
    /// The cart changed since it was priced: show the shopper the new total.
    CartChanged,
    /// A step of the checkout is missing.
    CheckoutIncomplete,
    /// The checkout ran out of time: start another.
    CheckoutExpired,
    /// The channel does not deliver to that country.
    CountryNotServed,
    /// That delivery option is not offered for this cart and address.
    DeliveryNotAvailable,
    /// The provider declined the payment; another card may work.
    PaymentDeclined,
    /// The provider cannot be reached now; nothing was taken.
    PaymentUnavailable,
    /// The tenders do not sum up to the total.
    PaymentAmountMismatch,
    /// Mail address or password is wrong.
    InvalidCredentials,
    /// The identity provider cannot be reached now; another way to sign in may work.
    ProviderUnavailable,
    /// The password is too weak.
    PasswordTooWeak,
}

/// Something that the customer can put right.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(shareable)]
pub struct UserError {
    /// Stable code.
    pub code: UserErrorCode,
    /// For people, in English.
    pub message: String,
    /// Path within the input: ["lines", "0", "quantity"]; empty when it concerns the whole.
    pub field: Vec<String>,
}

impl UserError {
    /// An error of one field, given as a dotted path within the input (`lines.0.quantity`); empty for the whole.
    pub fn new(code: UserErrorCode, field: &str, message: impl Into<String>) -> Self {
        let field = field.split('.').filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect();
        Self { code, message: message.into(), field }
    }
}
