//! Value types that several services share. A value that exists is valid: constructors check.

mod address;
mod email;
mod gtin;
mod quantity;
mod text;

pub use address::{Address, AddressError};
pub use email::{Email, EmailError};
pub use gtin::{Gtin, GtinError};
pub use quantity::{Quantity, QuantityError};
pub use text::{ChannelKey, CountryCode, ExternalId, Locale, LocationKey, Sku, Slug, TaxCategory, TextError};
