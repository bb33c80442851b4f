/// Why an issuer or provider cannot be used as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A setting is no address that may be used.
    #[error("{setting}: \"{got}\" is not an https:// address (http:// is for this machine alone)")]
    Address {
        /// Which setting.
        setting: &'static str,
        /// What it says.
        got: String,
    },
    /// A setting is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The HTTP client cannot be made.
    #[error("the HTTP client: {0}")]
    Http(String),
}

/// Why somebody is not believed. Neither holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The issuer does not answer, or not in a way that can be used. Later it may.
    #[error("{what} is not to be had now: {why}")]
    Unavailable {
        /// What was asked for.
        what: &'static str,
        /// What happened.
        why: String,
    },
    /// What was shown is not acceptable, and will not be later.
    #[error("{0}")]
    Rejected(String),
}

impl OidcError {
    pub(crate) fn unavailable(what: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Unavailable { what, why: why.to_string() }
    }
}
