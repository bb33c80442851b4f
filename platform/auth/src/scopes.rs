use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

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

/// Named sets of scopes.
#[derive(Debug, Clone, Default)]
pub struct Roles(BTreeMap<String, Scopes>);

impl Roles {
    /// No roles.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a role more.
    #[must_use]
    pub fn with(mut self, role: &str, scopes: &[&str]) -> Self {
        self.0.insert(role.to_owned(), scopes.iter().copied().collect());
        self
    }

    /// The names of all roles, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The scopes of a role; `None` when there is no such role.
    pub fn scopes(&self, role: &str) -> Option<&Scopes> {
        self.0.get(role)
    }

    /// All scopes of these roles together. Roles that are not known give none.
    pub fn scopes_of<'a>(&self, roles: impl IntoIterator<Item = &'a str>) -> Scopes {
        roles.into_iter().filter_map(|role| self.scopes(role)).flat_map(Scopes::iter).collect()
    }
}
