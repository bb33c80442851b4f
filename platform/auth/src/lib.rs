#![doc = include_str!("../README.md")]

mod key;
mod password;
mod scopes;
mod secret;
mod token;

pub use key::{KeyError, TokenKey, VerifyingKey};
pub use password::{PasswordCost, PasswordError, Passwords};
pub use scopes::{Roles, Scopes};
pub use secret::{KeyedHash, same_secret, secret_hash};
pub use token::{AccessTokens, Claims, IssuedToken, TokenError, TokenOptions};
