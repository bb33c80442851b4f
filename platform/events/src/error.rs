/// Why an event cannot be read as what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// It is another kind of event.
    #[error("expected {expected}, got {got}")]
    Kind {
        /// Source and detail type asked for.
        expected: String,
        /// Source and detail type found.
        got: String,
    },
    /// It has a schema that this program does not know: a newer release told it.
    #[error("{kind} has schema {got}, this program knows up to {known}")]
    Schema {
        /// Source and detail type.
        kind: String,
        /// Schema found.
        got: u32,
        /// The newest schema known.
        known: u32,
    },
    /// Its JSON does not have the form expected.
    #[error("{what} does not have the form of an event: {reason}")]
    Form {
        /// Which event, or which part.
        what: String,
        /// What is wrong.
        reason: String,
    },
}
