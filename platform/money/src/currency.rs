use crate::{MoneyError, iso4217::TABLE};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};

/// A currency of ISO 4217: three letters and a number of minor digits (JPY 0, USD 2, KWD 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u8);

impl Currency {
    /// The three-letter code.
    pub fn code(self) -> &'static str {
        // The number within is an index of TABLE by construction.
        TABLE[usize::from(self.0)].0
    }

    /// Digits after the decimal point: the minor unit is 10^-exponent.
    pub fn exponent(self) -> u32 {
        u32::from(TABLE[usize::from(self.0)].1)
    }

    /// Every currency of the table, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.len()).filter_map(|i| u8::try_from(i).ok()).map(Self)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        TABLE
            .binary_search_by(|(code, _)| (*code).cmp(text))
            .ok()
            .and_then(|i| u8::try_from(i).ok())
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(text.chars().take(16).collect()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "ISO 4217 code", "pattern": "^[A-Z]{3}$" })
    }

    fn inline_schema() -> bool {
        true
    }
}
