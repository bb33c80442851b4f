//! The text of a tag, with places for what is known when a question is asked: `sku:{$key.sku}`.

use std::fmt;

/// What a place in a format is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A key field of an entity: `{$key.sku}`.
    Key,
    /// An argument of a root field: `{$args.input.sku}`.
    Argument,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Vec<String>),
}

/// A parsed format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format(Vec<Part>);

/// What is wrong with a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadFormat(String);

impl fmt::Display for BadFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tags that one format may become, when its places hold lists.
const MOST: usize = 1_000;

impl Format {
    /// Reads a format whose places are filled from `source`.
    pub(crate) fn parse(text: &str, source: Source) -> Result<Self, BadFormat> {
        let wanted = match source {
            Source::Key => "$key.",
            Source::Argument => "$args.",
        };
        let (mut parts, mut rest) = (vec![], text);
        while let Some((before, after)) = rest.split_once('{') {
            let bad = |what: String| Err(BadFormat(format!("format {text:?}: {what}")));
            let Some((place, after)) = after.split_once('}') else {
                return bad("a \"{\" without \"}\"".into());
            };
            let Some(path) = place.strip_prefix(wanted) else {
                return bad(format!("{{{place}}} is not of the form {{{wanted}name}}, as it has to be here"));
            };
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            if path.iter().any(String::is_empty) {
                return bad(format!("{{{place}}} names nothing"));
            }
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::Place(path));
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        if parts.is_empty() { Err(BadFormat("an empty format".into())) } else { Ok(Self(parts)) }
    }

    /// The tags, with each place filled by all the texts that `look` finds for it.
    pub(crate) fn tags(&self, look: impl Fn(&[String]) -> Vec<String>) -> Vec<String> {
        let mut tags = vec![String::new()];
        for part in &self.0 {
            match part {
                Part::Text(text) => tags.iter_mut().for_each(|tag| tag.push_str(text)),
                Part::Place(path) => {
                    let texts = look(path);
                    if let [only] = texts.as_slice() {
                        tags.iter_mut().for_each(|tag| tag.push_str(only));
                    } else {
                        let all = tags.iter().flat_map(|tag| texts.iter().map(move |t| format!("{tag}{t}")));
                        tags = all.take(MOST).collect();
                    }
                }
            }
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_with_everything_that_is_found() {
        let format = Format::parse("a:{$args.x}-{$args.y.z}", Source::Argument).unwrap();
        let tags = format.tags(|path| match path.join(".").as_str() {
            "x" => vec!["1".into(), "2".into()],
            "y.z" => vec!["q".into()],
            other => panic!("{other}"),
        });
        assert_eq!(tags, ["a:1-q", "a:2-q"]);
        assert_eq!(Format::parse("plain", Source::Key).unwrap().tags(|_| vec![]), ["plain"]);
    }

    #[test]
    fn a_format_that_cannot_be_filled_is_refused_with_the_reason() {
        for (text, reason) in [
            ("sku:{$args.sku}", "as it has to be here"),
            ("sku:{$key.}", "names nothing"),
            ("sku:{$key.sku", "without"),
            ("sku:{sku}", "as it has to be here"),
            ("", "empty"),
        ] {
            let error = Format::parse(text, Source::Key).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
