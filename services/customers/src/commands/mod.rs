//! Decisions about accounts, sessions and rights: no I/O.

mod accounts;
mod addresses;
mod api_keys;
mod challenges;
mod granting;
mod identities;
mod operators;
mod second_factor;
mod sessions;

pub use accounts::{AccountRefusal, ProfileChange};
pub(crate) use accounts::{change_profile, name_text, new_profile, password_fits};
pub use addresses::AddressChange;
pub(crate) use addresses::{add_address, change_address, remove_address};
pub use api_keys::ApiKeyRefusal;
pub(crate) use api_keys::{described, grant_scopes};
pub(crate) use challenges::{asks_anew, try_code};
pub(crate) use granting::Granter;
pub(crate) use identities::{Linking, link};
pub use operators::OperatorRefusal;
pub(crate) use operators::grant;
pub(crate) use second_factor::{Shown, show_code};
pub(crate) use sessions::{Use, use_token};
