//! One member of an array in a pattern: what a value is compared with.

use crate::{
    address::{Cidr, parse_address},
    ignore_case,
    number::{Finite, Number, Range},
    text::show,
    wildcard::Wildcard,
};
use std::{fmt, net::IpAddr};

type Text = Box<[u8]>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    String(Text),
    /// A string that is an IP address, which may be spelled in several ways.
    Address(IpAddr),
    Number(Number),
    True,
    False,
    Null,
    Prefix(Text),
    PrefixIgnoreCase(Text),
    Suffix(Text),
    SuffixIgnoreCase(Text),
    EqualsIgnoreCase(Text),
    Wildcard(Wildcard),
    Numeric(Range),
    Cidr(Cidr),
    /// Any value that none of these hold for.
    AnythingBut(Box<[Comparison]>),
    /// `exists: true`.
    Exists,
    /// `exists: false`: it holds for no value; the field has to be without one.
    Absent,
}

/// A value of an event that is neither object nor array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Without its escapes.
    String(&'a [u8]),
    /// As it is spelled.
    Number(&'a [u8]),
    True,
    False,
    Null,
}

impl Comparison {
    pub(crate) fn holds(&self, value: Value) -> bool {
        match (self, value) {
            (Self::String(text), Value::String(value)) => **text == *value,
            (Self::Address(address), Value::String(value)) => parse_address(value) == Some(*address),
            (Self::Number(number), Value::Number(spelling)) => number.equals(spelling),
            (Self::True, Value::True) | (Self::False, Value::False) | (Self::Null, Value::Null) => true,
            (Self::Prefix(text), Value::String(value)) => value.starts_with(text),
            (Self::Suffix(text), Value::String(value)) => value.ends_with(text),
            (Self::PrefixIgnoreCase(text), Value::String(value)) => {
                ignore_case::match_start(text, value).is_some()
            }
            (Self::SuffixIgnoreCase(text), Value::String(value)) => {
                ignore_case::match_end(text, value).is_some()
            }
            (Self::EqualsIgnoreCase(text), Value::String(value)) => {
                ignore_case::match_start(text, value) == Some(value.len())
            }
            (Self::Wildcard(wildcard), Value::String(value)) => wildcard.matches(value),
            (Self::Numeric(range), Value::Number(spelling)) => {
                Finite::parse(spelling).is_some_and(|value| range.contains(value))
            }
            (Self::Cidr(cidr), Value::String(value)) => {
                parse_address(value).is_some_and(|address| cidr.contains(address))
            }
            (Self::AnythingBut(refused), value) => !refused.iter().any(|comparison| comparison.holds(value)),
            (Self::Exists, _) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "equal to {:?}", show(text)),
            Self::Address(address) => write!(f, "the address {address}"),
            Self::Number(Number::Comparable(number)) => write!(f, "equal to {number}"),
            Self::Number(Number::Other(spelling)) => write!(f, "spelled {}", show(spelling)),
            Self::True => f.write_str("true"),
            Self::False => f.write_str("false"),
            Self::Null => f.write_str("null"),
            Self::Prefix(text) => write!(f, "a string that starts with {:?}", show(text)),
            Self::PrefixIgnoreCase(text) => {
                write!(f, "a string that starts with {:?} in any case", show(text))
            }
            Self::Suffix(text) => write!(f, "a string that ends with {:?}", show(text)),
            Self::SuffixIgnoreCase(text) => write!(f, "a string that ends with {:?} in any case", show(text)),
            Self::EqualsIgnoreCase(text) => write!(f, "equal to {:?} in any case", show(text)),
            Self::Wildcard(wildcard) => write!(f, "a string like \"{wildcard}\""),
            Self::Numeric(range) => write!(f, "a number {range}"),
            Self::Cidr(cidr) => write!(f, "an address in {cidr}"),
            Self::AnythingBut(refused) => {
                f.write_str("anything but ")?;
                refused.iter().enumerate().try_for_each(|(at, comparison)| {
                    write!(f, "{}{comparison}", if at > 0 { " or " } else { "" })
                })
            }
            Self::Exists => f.write_str("present"),
            Self::Absent => f.write_str("absent"),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{:?}", show(text)),
            Self::Number(spelling) => f.write_str(&show(spelling)),
            Self::True => f.write_str("true"),
            Self::False => f.write_str("false"),
            Self::Null => f.write_str("null"),
        }
    }
}
