#![doc = include_str!("../README.md")]

mod directory;
mod duplicates;
mod error;
mod index;
mod log;
mod options;
mod record;
mod recover;
mod scan;
mod segment;
mod segments;
mod writer;

pub use error::LogError;
pub use log::Log;
pub use options::{Options, ReadLimit};
pub use record::{Event, MAX_BODY, MAX_TEXT, Record, Sequence};
