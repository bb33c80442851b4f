use crate::DateTime;
use async_graphql::SimpleObject;

/// What keeps a piece of work from being done.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(shareable)]
pub struct Trouble {
    /// What the last try failed with.
    reason: String,
    /// Tries that failed.
    tries: i32,
    /// When the first of them failed.
    since: DateTime,
    /// When it is tried again; absent when it is stuck: somebody has to look, and to say so.
    again_at: Option<DateTime>,
}

impl From<emporia_contracts::Trouble> for Trouble {
    fn from(trouble: emporia_contracts::Trouble) -> Self {
        Self {
            reason: trouble.reason,
            tries: i32::try_from(trouble.tries).unwrap_or(i32::MAX),
            since: trouble.since.into(),
            again_at: trouble.again.map(Into::into),
        }
    }
}
