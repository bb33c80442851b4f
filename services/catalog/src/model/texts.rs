use emporia_contracts::values::Locale;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One text in several languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(BTreeMap<Locale, String>);

impl Texts {
    /// A text in one language.
    pub fn of(locale: Locale, text: impl Into<String>) -> Self {
        Self::default().with(locale, text)
    }

    /// The same with a text in a further language, or another text in the same one.
    #[must_use]
    pub fn with(mut self, locale: Locale, text: impl Into<String>) -> Self {
        self.0.insert(locale, text.into());
        self
    }

    /// The text for a reader: in his language (`de-CH`, then `de`), else in the channel's (the same way), else in any
    /// there is.
    pub fn for_reader(&self, locale: &Locale, channel_default: &Locale) -> Option<&str> {
        let tags = locale.fallbacks().chain(channel_default.fallbacks());
        let found = tags.filter_map(|tag| self.0.iter().find(|(l, _)| l.as_str() == tag)).next();
        found.or_else(|| self.0.iter().next()).map(|(_, text)| text.as_str())
    }

    /// The text for those who have no language, such as events: English, else the first there is.
    pub fn neutral(&self) -> &str {
        let english = self.0.iter().find(|(locale, _)| locale.as_str() == "en");
        english.or_else(|| self.0.iter().next()).map_or("", |(_, text)| text)
    }

    /// Every language with its text.
    pub fn iter(&self) -> impl Iterator<Item = (&Locale, &str)> {
        self.0.iter().map(|(locale, text)| (locale, text.as_str()))
    }

    /// Number of languages.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text in any language.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
