#![doc = include_str!("../README.md")]

mod allocate;
mod currency;
mod error;
mod iso4217;
mod money;
mod rate;
mod rounding;
mod unit_price;

pub use allocate::allocate;
pub use currency::Currency;
pub use error::MoneyError;
pub use money::Money;
pub use rate::{Rate, tax_in_gross, tax_on_net};
pub use rounding::Rounding;
pub use unit_price::UnitPrice;
