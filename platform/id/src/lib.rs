#![doc = include_str!("../README.md")]

mod clock;
mod source;
mod text;
mod typed;

pub use clock::{Clock, FixedClock, SharedClock, SystemClock};
pub use source::{Ids, typed_code};
pub use text::{IdError, decode, encode};

#[doc(hidden)]
pub mod reexport {
    pub use {schemars, serde, uuid::Uuid};
}
