use crate::errors::bad_input;
use async_graphql::{ID, Result};
use std::{fmt::Display, str::FromStr};

/// Reads a text of the client as a value type; the error names the field.
///
/// # Errors
/// `BAD_USER_INPUT`.
pub fn parse<T: FromStr<Err = E>, E: Display>(field: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error: E| bad_input(format!("{field}: {error}")))
}

/// Reads an id of the kind that the field wants.
///
/// # Errors
/// `BAD_USER_INPUT` when it is an id of another kind or none at all.
pub fn parse_id<T: FromStr<Err = E>, E: Display>(field: &str, id: &ID) -> Result<T> {
    parse(field, id.as_str())
}

/// Reads a key such as a SKU or slug: as [`parse`], for optional texts.
///
/// # Errors
/// `BAD_USER_INPUT`.
pub fn parse_key<T: FromStr<Err = E>, E: Display>(field: &str, text: Option<&str>) -> Result<Option<T>> {
    text.map(|text| parse(field, text)).transpose()
}

/// The size of a page: what was asked, at most 100; `default` when nothing was asked.
///
/// # Errors
/// `BAD_USER_INPUT` when both ends are asked for, or the number is not 1 to 100.
pub fn page_size(first: Option<i32>, last: Option<i32>, default: usize) -> Result<usize> {
    match (first, last) {
        (Some(_), Some(_)) => Err(bad_input("use first or last, not both")),
        (None, None) => Ok(default),
        (Some(n), None) | (None, Some(n)) => usize::try_from(n)
            .ok()
            .filter(|n| (1..=100).contains(n))
            .ok_or_else(|| bad_input(format!("a page has 1 to 100 entries, {n} were asked for"))),
    }
}
