use crate::{commands::Granter, roles::Policies, scopes};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Why an API key cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyRefusal {
    /// The name is not acceptable.
    #[error("a name has 1 to 80 characters, none of them a control character")]
    Name,
    /// A key without any scope can do nothing.
    #[error("give at least one scope")]
    NoScopes,
    /// There is no such scope.
    #[error(
        "there is no scope \"{got}\": the scopes are {known}; those of something that has a place also as in \
         stock:read@location:berlin or prices:write@channel:eu"
    )]
    NoScope {
        /// What was asked for.
        got: String,
        /// All there are.
        known: String,
    },
    /// The granter does not hold this himself.
    #[error("you do not hold \"{0}\" yourself")]
    Exceeds(String),
    /// It would end before it begins.
    #[error("a key has to end in the future")]
    Over,
}

/// The scopes that a key gets: known ones, and nothing that the granter does not hold.
pub(crate) fn grant_scopes(
    granter: Granter<'_>,
    wanted: &[String],
    known: &Policies,
) -> Result<BTreeSet<String>, ApiKeyRefusal> {
    if wanted.is_empty() {
        return Err(ApiKeyRefusal::NoScopes);
    }
    for scope in wanted {
        if !known.is_scope(scope) {
            let got = scope.chars().take(60).collect();
            return Err(ApiKeyRefusal::NoScope { got, known: scopes::ALL.join(", ") });
        }
        if !granter.holds(scope) {
            return Err(ApiKeyRefusal::Exceeds(scope.clone()));
        }
    }
    Ok(wanted.iter().cloned().collect())
}

/// The name and end of a new key.
pub(crate) fn described(
    name: &str,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<String, ApiKeyRefusal> {
    let name = name.trim();
    if !(1..=80).contains(&name.chars().take(81).count()) || name.chars().any(char::is_control) {
        return Err(ApiKeyRefusal::Name);
    }
    if expires_at.is_some_and(|end| end <= now) {
        return Err(ApiKeyRefusal::Over);
    }
    Ok(name.to_owned())
}
