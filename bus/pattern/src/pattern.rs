//! A pattern that has been read: alternatives, each a list of fields that all have to hold.

use crate::{
    comparison::Comparison,
    error::{EventError, PatternError},
    index::{Builder, Matcher},
    limits::Limits,
    parse,
};
use std::sync::Arc;

/// An event pattern, valid and ready to compile into [`Rules`](crate::Rules).
#[derive(Clone, Debug)]
pub struct Pattern {
    pub(crate) branches: Vec<Branch>,
    pub(crate) warnings: Vec<Warning>,
}

/// One way to match: all of its fields hold. `$or` makes several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Branch {
    /// In the order of their paths.
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Keys joined with dots: `detail.customer.id`.
    pub(crate) path: Arc<[u8]>,
    /// One of them has to hold.
    pub(crate) comparisons: Arc<[Comparison]>,
}

/// What is valid, but hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The path is there twice where both should hold; the later one counts alone, as with EventBridge.
    Overwritten {
        /// Keys joined with dots.
        path: String,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Overwritten { path } => {
                write!(f, "`{path}` is there twice: the last one counts, what comes before is ignored")
            }
        }
    }
}

impl Pattern {
    /// Reads a pattern within the default [`Limits`].
    ///
    /// # Errors
    /// If EventBridge would refuse it; the text of the error is EventBridge's.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, PatternError> {
        Self::parse_within(text, &Limits::default())
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// If EventBridge would refuse it, or if it goes beyond the limits.
    pub fn parse_within(text: impl AsRef<[u8]>, limits: &Limits) -> Result<Self, PatternError> {
        parse::pattern(text.as_ref(), limits)
    }

    /// What is valid, but hardly meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Whether an event matches this one pattern. For many patterns or many events use [`Rules`](crate::Rules).
    ///
    /// # Errors
    /// If the event is not a JSON object.
    pub fn matches(&self, event: impl AsRef<[u8]>) -> Result<bool, EventError> {
        let mut builder = Builder::default();
        builder.add(self);
        let mut matched = false;
        builder.build().for_each_match(event.as_ref(), &mut Matcher::new(), &mut |_| matched = true)?;
        Ok(matched)
    }
}
