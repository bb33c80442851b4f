#![doc = include_str!("../README.md")]

mod key;
mod password;
mod ring;
mod scopes;
mod secret;
mod token;
mod totp;

pub use key::{KeyError, TokenKey, VerifyingKey};
pub use password::{PasswordCost, PasswordError, Passwords};
pub use ring::{FormerKey, KeyRing};
pub use scopes::Scopes;
pub use secret::{KeyedHash, hex, same_secret, secret_hash};
pub use token::{AccessTokens, Claims, IssuedToken, TokenError, TokenOptions};
pub use totp::{TotpError, TotpSecret};
