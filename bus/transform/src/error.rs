/// Why a target's input is refused. The text is EventBridge's where that is on record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInput {
    /// More than one way to make the input.
    #[error("Only one of Input, InputPath, or InputTransformer must be provided for target {target}.")]
    MoreThanOne {
        /// The target's id.
        target: String,
    },
    /// The constant is not JSON.
    #[error("JSON syntax error in input for target {target}: {reason}")]
    NotJson {
        /// The target's id.
        target: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// The template names a variable that has no path.
    #[error("InputTemplate for target {target} contains invalid placeholder {placeholder}.")]
    UnknownPlaceholder {
        /// The target's id.
        target: String,
        /// The name between `<` and `>`.
        placeholder: String,
    },
    /// A path cannot be read.
    #[error("Invalid path {path} for target {target}: {reason}.")]
    Path {
        /// The target's id.
        target: String,
        /// The path as given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A variable's name is not letters, digits, `-` and `_`, at most 256, or starts with `AWS.`.
    #[error("Invalid variable {name} in InputPathsMap for target {target}.")]
    Variable {
        /// The target's id.
        target: String,
        /// The name as given.
        name: String,
    },
    /// Something is too long, or there is too much of it.
    #[error("{what} for target {target} must have {least} to {most} {unit}.")]
    Size {
        /// The target's id.
        target: String,
        /// The member of the request.
        what: &'static str,
        /// The least that is allowed.
        least: usize,
        /// The most that is allowed.
        most: usize,
        /// What is counted.
        unit: &'static str,
    },
}

/// Why a target is not called with this event. EventBridge drops it without a word; count it as a failed invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDelivered {
    /// The template, filled in, is not JSON, though it starts as if it were.
    #[error("the input transformer's result is not JSON")]
    NotJson,
    /// The event is not a JSON object.
    #[error("the event is not a JSON object")]
    Event,
}
