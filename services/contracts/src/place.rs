use crate::values::{ChannelKey, LocationKey, TextError};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where a right may hold, if not everywhere: `channel:eu`, `location:berlin`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// A sales channel.
    Channel(ChannelKey),
    /// A stock location.
    Location(LocationKey),
}

/// The text names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It does not say what.
    #[error("a place is channel:… or location:…, such as location:berlin")]
    Kind,
    /// The key cannot be one.
    #[error(transparent)]
    Key(#[from] TextError),
}

impl Place {
    /// The scope as it is held at this place alone.
    pub fn of(&self, scope: &str) -> String {
        format!("{scope}@{self}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(key) => write!(f, "channel:{key}"),
            Self::Location(key) => write!(f, "location:{key}"),
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        match text.split_once(':') {
            Some(("channel", key)) => Ok(Self::Channel(key.parse()?)),
            Some(("location", key)) => Ok(Self::Location(key.parse()?)),
            _ => Err(PlaceError::Kind),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl From<ChannelKey> for Place {
    fn from(key: ChannelKey) -> Self {
        Self::Channel(key)
    }
}

impl From<LocationKey> for Place {
    fn from(key: LocationKey) -> Self {
        Self::Location(key)
    }
}
