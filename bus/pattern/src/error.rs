use crate::json::Syntax;

/// Why a pattern is refused. The text is EventBridge's, but for syntax errors and limits, where it is ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {reason}")]
pub struct PatternError {
    /// What follows "Reason: ".
    pub reason: String,
}

impl PatternError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl From<Syntax> for PatternError {
    fn from(syntax: Syntax) -> Self {
        Self::new(syntax.to_string())
    }
}

/// Why an event cannot be matched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The text is not JSON. Parts that no rule looks at are not checked.
    #[error("the event is not JSON: {0}")]
    Syntax(#[from] Syntax),
    /// The text is not an object.
    #[error("the event is not a JSON object")]
    NotAnObject,
    /// The text is longer than 4 GiB.
    #[error("the event is longer than 4 GiB")]
    TooLong,
    /// Arrays are entangled (the same key again and again, with arrays behind it) so that matching them would take for ever.
    #[error("the event repeats keys with arrays so often that matching it would take too long")]
    TooComplex,
}
