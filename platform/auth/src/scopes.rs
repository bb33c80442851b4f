use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// What somebody may do: a set of names such as `notes:read`. In a token they are one text, separated by spaces
/// (RFC 8693 `scope`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// None at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the form of a token.
    pub fn parse(text: &str) -> Self {
        text.split_ascii_whitespace().collect()
    }

    /// Whether it holds this one.
    pub fn has(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether it holds all of these: who holds more may grant less, never the reverse.
    pub fn covers(&self, others: &Self) -> bool {
        others.0.is_subset(&self.0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names.
    pub fn into_set(self) -> BTreeSet<String> {
        self.0
    }

    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<S: Into<String>> FromIterator<S> for Scopes {
    fn from_iter<T: IntoIterator<Item = S>>(names: T) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " " })?;
            f.write_str(scope)?;
        }
        Ok(())
    }
}
