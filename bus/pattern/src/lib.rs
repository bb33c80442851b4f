#![doc = include_str!("../README.md")]

mod access;
mod address;
mod arrays;
mod comparison;
mod error;
mod exact;
mod explain;
mod flatten;
mod ignore_case;
mod index;
mod intervals;
mod json;
mod limits;
mod number;
mod parse;
mod pattern;
mod prefixes;
mod rules;
mod scan;
mod statistics;
#[cfg(test)]
mod tests;
mod text;
mod trie;
mod wildcard;

pub use error::{EventError, PatternError};
pub use explain::{Alternative, ExplainedField, ExplainedValue, Explanation, MOST_VALUES};
pub use index::Matcher;
pub use json::Syntax;
pub use limits::Limits;
pub use pattern::{Pattern, Warning};
pub use rules::Rules;
