use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A Global Trade Item Number (GTIN-8, -12, -13 or -14) whose check digit is right.
/// Source: GS1 General Specifications, section 7.9 (check digit).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Gtin(String);

/// Why a text is not a GTIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GtinError {
    /// Not 8, 12, 13 or 14 digits.
    #[error("\"{0}\" is not a GTIN: it has 8, 12, 13 or 14 digits")]
    Form(String),
    /// The last digit does not check the others.
    #[error("\"{got}\" is not a GTIN: its check digit should be {expected}")]
    CheckDigit {
        /// What was given.
        got: String,
        /// The right last digit.
        expected: u8,
    },
}

impl FromStr for Gtin {
    type Err = GtinError;

    fn from_str(text: &str) -> Result<Self, GtinError> {
        let digits = text.as_bytes();
        if !matches!(digits.len(), 8 | 12 | 13 | 14) || !digits.iter().all(u8::is_ascii_digit) {
            return Err(GtinError::Form(text.chars().take(30).collect()));
        }
        let (last, head) = (digits[digits.len() - 1] - b'0', &digits[..digits.len() - 1]);
        // From the right: weights 3, 1, 3, 1 …
        let sum: u32 =
            head.iter().rev().zip([3u32, 1].into_iter().cycle()).map(|(d, w)| u32::from(d - b'0') * w).sum();
        let expected = ((10 - sum % 10) % 10) as u8;
        if expected == last {
            Ok(Self(text.to_owned()))
        } else {
            Err(GtinError::CheckDigit { got: text.to_owned(), expected })
        }
    }
}

impl TryFrom<String> for Gtin {
    type Error = GtinError;

    fn try_from(text: String) -> Result<Self, GtinError> {
        text.parse()
    }
}

impl From<Gtin> for String {
    fn from(gtin: Gtin) -> Self {
        gtin.0
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
