use crate::model::Texts;
use emporia_contracts::values::Slug;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What values an attribute has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeKind {
    /// Any text.
    Text,
    /// An exact decimal.
    Number,
    /// True or false.
    Boolean,
    /// One of a list.
    Enum {
        /// The list.
        values: Vec<String>,
    },
    /// A day.
    Date,
}

impl AttributeKind {
    /// The kind's name, as errors and the API tell it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Enum { .. } => "enum",
            Self::Date => "date",
        }
    }
}

/// Whether all variants share a value or each has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeLevel {
    /// One value per product.
    Product,
    /// One value per variant.
    Variant,
}

/// An attribute that products of a type have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeDefinition {
    /// Its key, unique within the type.
    pub key: Slug,
    /// Its name for people.
    pub name: Texts,
    /// What values it has.
    pub kind: AttributeKind,
    /// Whether a product cannot be without it.
    pub required: bool,
    /// Per product or per variant.
    pub level: AttributeLevel,
}

/// A value of an attribute. One that exists is of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeValue {
    /// Any text.
    Text(String),
    /// An exact decimal, without trailing zeros.
    Number(Decimal),
    /// True or false.
    Boolean(bool),
    /// One of the list.
    Enum(String),
    /// A day.
    Date(Date),
}

impl AttributeValue {
    /// Reads a value of a kind: a decimal such as `12.5`, `true` or `false`, one of the list, a day such as
    /// `2026-11-24`, or any text of at most 2,000 characters.
    ///
    /// # Errors
    /// What the text should look like.
    pub fn parse(kind: &AttributeKind, text: &str) -> Result<Self, String> {
        match kind {
            AttributeKind::Text => {
                let plain = !text.trim().is_empty() && text.chars().all(|c| !c.is_control() || c == '\n');
                if plain && text.chars().count() <= 2_000 {
                    Ok(Self::Text(text.to_owned()))
                } else {
                    Err("write a text of 1 to 2,000 visible characters".to_owned())
                }
            }
            AttributeKind::Number => plain_decimal(text)
                .map(|number| Self::Number(number.normalize()))
                .ok_or_else(|| "write a decimal number such as 12.5".to_owned()),
            AttributeKind::Boolean => match text {
                "true" => Ok(Self::Boolean(true)),
                "false" => Ok(Self::Boolean(false)),
                _ => Err("write true or false".to_owned()),
            },
            AttributeKind::Enum { values } if values.iter().any(|value| value == text) => {
                Ok(Self::Enum(text.to_owned()))
            }
            AttributeKind::Enum { values } => Err(format!("choose one of {}", values.join(", "))),
            // Longer texts would be instants, which have no day of their own.
            AttributeKind::Date => Some(text)
                .filter(|text| text.len() == 10)
                .and_then(|text| text.parse().ok())
                .map(Self::Date)
                .ok_or_else(|| "write a day such as 2026-11-24".to_owned()),
        }
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Enum(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Date(day) => day.fmt(f),
        }
    }
}

/// Plain notation only, so that one number has few spellings.
fn plain_decimal(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let plain = text.len() <= 30 && digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(fraction);
    plain.then(|| Decimal::from_str_exact(text).ok()).flatten()
}
