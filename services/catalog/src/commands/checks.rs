//! Rules of texts, addresses and counts.

use crate::{commands::CatalogRefusal, model::Texts};

/// Languages of one text.
const LANGUAGES: usize = 30;

/// Checks one text of one line: 1 to `most` visible characters.
pub(crate) fn line(field: &str, text: &str, most: usize) -> Result<(), CatalogRefusal> {
    if text.trim().is_empty() {
        return Err(CatalogRefusal::invalid(field, "must not be empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(CatalogRefusal::invalid(field, "has control characters"));
    }
    length(field, text, most)
}

fn length(field: &str, text: &str, most: usize) -> Result<(), CatalogRefusal> {
    if text.chars().count() > most {
        return Err(CatalogRefusal::too_much(field, format!("has more than {most} characters")));
    }
    Ok(())
}

/// Checks a text of one line in at least one language.
pub(crate) fn title(field: &str, texts: &Texts, most: usize) -> Result<(), CatalogRefusal> {
    if texts.is_empty() {
        return Err(CatalogRefusal::invalid(field, "is required in at least one language"));
    }
    languages(field, texts)?;
    texts.iter().try_for_each(|(locale, text)| line(&format!("{field}.{locale}"), text, most))
}

/// Checks a longer text, which may be absent and may have line breaks.
pub(crate) fn prose(field: &str, texts: &Texts, most: usize) -> Result<(), CatalogRefusal> {
    languages(field, texts)?;
    texts.iter().try_for_each(|(locale, text)| {
        let field = format!("{field}.{locale}");
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(CatalogRefusal::invalid(field, "has control characters"));
        }
        length(&field, text, most)
    })
}

fn languages(field: &str, texts: &Texts) -> Result<(), CatalogRefusal> {
    at_most(field, texts.len(), LANGUAGES, "languages")
}

/// Checks a number of things.
pub(crate) fn at_most(field: &str, count: usize, most: usize, what: &str) -> Result<(), CatalogRefusal> {
    if count > most {
        return Err(CatalogRefusal::too_much(field, format!("at most {most} {what}, not {count}")));
    }
    Ok(())
}

/// Checks the address of a picture: http, or a path of this site. Anything else (`javascript:`, `data:`) could run in a
/// shopper's browser.
pub(crate) fn url(field: &str, url: &str) -> Result<(), CatalogRefusal> {
    let known =
        ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    let path = url.starts_with('/') && !url.starts_with("//");
    let plain = url.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"<>\"\\".contains(c));
    if (known || path) && plain && url.len() <= 2_000 {
        return Ok(());
    }
    Err(CatalogRefusal::invalid(
        field,
        "write an address that begins with https:// or http://, or a path such as /media/a.webp",
    ))
}
