//! What one field demands of the caller.

use crate::{caller::Caller, error::ErrorCode};

/// What a selection demands of the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirement {
    /// Nobody may: nobody declared who may.
    pub(crate) undeclared: bool,
    /// The caller must be known.
    pub(crate) authenticated: bool,
    /// Every one of these must hold. Each is a choice of lists of scopes: the caller needs all scopes of one list.
    pub(crate) scopes: Vec<Vec<Vec<String>>>,
}

/// Why a caller may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Signing in may help.
    Unauthenticated,
    /// Signing in does not help.
    Forbidden,
}

impl Refusal {
    /// The code for the client.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::Forbidden => ErrorCode::Forbidden,
        }
    }
}

impl Requirement {
    /// Whether everybody may.
    pub fn is_open(&self) -> bool {
        !self.undeclared && !self.authenticated && self.scopes.is_empty()
    }

    /// Both this and the other one.
    pub(crate) fn and(&mut self, other: &Self) {
        self.undeclared |= other.undeclared;
        self.authenticated |= other.authenticated;
        for choice in &other.scopes {
            if !self.scopes.contains(choice) {
                self.scopes.push(choice.clone());
            }
        }
    }

    /// Whether this caller may.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.undeclared {
            return Err(Refusal::Forbidden);
        }
        let holds = |list: &Vec<String>| list.iter().all(|scope| caller.scopes.contains(scope));
        let allowed = (!self.authenticated || caller.authenticated)
            && self.scopes.iter().all(|choice| choice.iter().any(holds));
        match (allowed, caller.authenticated) {
            (true, _) => Ok(()),
            (false, false) => Err(Refusal::Unauthenticated),
            (false, true) => Err(Refusal::Forbidden),
        }
    }

    /// The scopes as one `@requiresScopes` argument: a choice of lists that means the same.
    pub(crate) fn one_choice(&self) -> Option<Vec<Vec<String>>> {
        let mut choices = self.scopes.iter();
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
}
