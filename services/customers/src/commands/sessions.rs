use crate::model::Session;
use emporia_auth::same_secret;

/// What showing a refresh token means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is the one that was given out last: it is replaced by another.
    Rotate,
    /// It was replaced before. Either its rightful owner or a thief has used it, and nobody knows which one shows it
    /// now: the whole family ends (RFC 9700, 4.14.2).
    Reused,
}

/// Decides about a known token of a living session.
pub(crate) fn use_token(session: &Session, hash: &str) -> Use {
    if same_secret(&session.current, hash) { Use::Rotate } else { Use::Reused }
}
