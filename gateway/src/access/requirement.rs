//! What one field demands of the caller.

use crate::{caller::Caller, error::ErrorCode};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// With what kind of credential somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthMode {
    /// An access token of this house: somebody signed in.
    Session,
    /// A token of another issuer (OpenID Connect).
    Oidc,
    /// An API key: another system.
    ApiKey,
}

impl AuthMode {
    const ALL: [Self; 3] = [Self::Session, Self::Oidc, Self::ApiKey];

    /// Its name in schemas.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "SESSION",
            Self::Oidc => "OIDC",
            Self::ApiKey => "API_KEY",
        }
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMode;

impl FromStr for AuthMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or(UnknownMode)
    }
}

/// What a selection demands of the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirement {
    /// Nobody may: nobody declared who may.
    pub(crate) undeclared: bool,
    /// The caller must be known.
    pub(crate) authenticated: bool,
    /// Every one of these must hold. Each is a choice of lists of scopes: the caller needs all scopes of one list.
    pub(crate) scopes: Vec<Vec<Vec<String>>>,
    /// As scopes: the policies that must hold.
    pub(crate) policies: Vec<Vec<Vec<String>>>,
    /// The caller shows a credential of one of these kinds; any kind will do when there are none.
    pub(crate) modes: Option<BTreeSet<AuthMode>>,
}

/// Why a caller may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Signing in may help.
    Unauthenticated,
    /// Signing in does not help.
    Forbidden,
    /// The caller may, but not with this kind of credential.
    WrongMode,
}

impl Refusal {
    /// The code for the client.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::Forbidden | Self::WrongMode => ErrorCode::Forbidden,
        }
    }
}

impl Requirement {
    /// Whether everybody may.
    pub fn is_open(&self) -> bool {
        !self.undeclared
            && !self.authenticated
            && self.scopes.is_empty()
            && self.policies.is_empty()
            && self.modes.is_none()
    }

    /// Both this and the other one.
    pub(crate) fn and(&mut self, other: &Self) {
        self.undeclared |= other.undeclared;
        self.authenticated |= other.authenticated;
        for (own, others) in [(&mut self.scopes, &other.scopes), (&mut self.policies, &other.policies)] {
            for choice in others {
                if !own.contains(choice) {
                    own.push(choice.clone());
                }
            }
        }
        self.modes = match (self.modes.take(), &other.modes) {
            (Some(own), Some(others)) => Some(own.intersection(others).copied().collect()),
            (own, others) => own.or_else(|| others.clone()),
        };
    }

    /// Whether this caller may.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.undeclared {
            return Err(Refusal::Forbidden);
        }
        let hold = |choices: &[Vec<Vec<String>>], held: &BTreeSet<String>| {
            let all = |list: &Vec<String>| list.iter().all(|wanted| held.contains(wanted));
            choices.iter().all(|choice| choice.iter().any(all))
        };
        let allowed = (!self.authenticated || caller.authenticated)
            && hold(&self.scopes, &caller.scopes)
            && hold(&self.policies, &caller.policies);
        let mode = self.modes.as_ref().is_none_or(|modes| caller.mode.is_some_and(|m| modes.contains(&m)));
        match (allowed && mode, caller.authenticated) {
            (true, _) => Ok(()),
            (false, true) if allowed => Err(Refusal::WrongMode),
            (false, false) => Err(Refusal::Unauthenticated),
            (false, true) => Err(Refusal::Forbidden),
        }
    }

    /// The scopes as one `@requiresScopes` argument.
    pub(crate) fn scopes(&self) -> Option<Vec<Vec<String>>> {
        one_choice(&self.scopes)
    }

    /// The policies as one `@policy` argument.
    pub(crate) fn policies(&self) -> Option<Vec<Vec<String>>> {
        one_choice(&self.policies)
    }
}

/// A choice of lists that means the same as all these choices.
fn one_choice(choices: &[Vec<Vec<String>>]) -> Option<Vec<Vec<String>>> {
    let mut choices = choices.iter();
    let mut lists = choices.next()?.clone();
    for choice in choices {
        lists = lists
            .iter()
            .flat_map(|a| choice.iter().map(move |b| a.iter().chain(b).cloned().collect::<Vec<_>>()))
            .collect();
    }
    for list in &mut lists {
        list.sort();
        list.dedup();
    }
    lists.sort();
    lists.dedup();
    Some(lists)
}
