#![doc = include_str!("../README.md")]

mod error;
mod input;
mod path;
mod raw;
mod template;

pub use error::{InvalidInput, NotDelivered};
pub use input::{Input, Invocation, Transformer};
