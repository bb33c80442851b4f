//! Templates with `<variables>`.

use crate::{
    error::NotDelivered,
    input::Invocation,
    path::Path,
    raw::{Members, check, without_quotes},
};
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    kind: Kind,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Variable { source: Source, in_quotes: bool },
}

/// Where a variable's value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Path(Path),
    RuleArn,
    RuleName,
    IngestionTime,
    /// The envelope: the event without its detail.
    Event,
    /// All of the event.
    EventJson,
}

impl Source {
    fn predefined(name: &str) -> Option<Self> {
        Some(match name {
            "aws.events.rule-arn" => Self::RuleArn,
            "aws.events.rule-name" => Self::RuleName,
            "aws.events.event.ingestion-time" => Self::IngestionTime,
            "aws.events.event" => Self::Event,
            "aws.events.event.json" => Self::EventJson,
            _ => return None,
        })
    }

    /// The value as JSON; none if the event does not have it.
    fn value<'a>(
        &self,
        event: &'a str,
        invocation: &Invocation,
    ) -> Result<Option<Cow<'a, str>>, NotDelivered> {
        let string = |text: &str| Some(Cow::Owned(serde_json::Value::from(text).to_string()));
        Ok(match self {
            Self::Path(path) => path.find(event),
            Self::RuleArn => string(invocation.rule_arn),
            Self::RuleName => string(invocation.rule_name),
            Self::IngestionTime => string(invocation.ingestion_time),
            Self::Event => Some(Cow::Owned(envelope(event)?)),
            Self::EventJson => Some(Cow::Borrowed(event)),
        })
    }
}

/// The event without `detail`, and with `detailType` in place of `detail-type`.
fn envelope(event: &str) -> Result<String, NotDelivered> {
    let Members(members) = serde_json::from_str(event).map_err(|_| NotDelivered::Event)?;
    let member = |(key, value): (String, &serde_json::value::RawValue)| {
        let key = if key == "detail-type" { "detailType".to_owned() } else { key };
        format!("{}:{value}", serde_json::Value::from(key))
    };
    let members: Vec<String> = members.into_iter().filter(|(key, _)| key != "detail").map(member).collect();
    Ok(format!("{{{}}}", members.join(",")))
}

impl Template {
    /// # Errors
    /// The name of a variable that `paths` does not know.
    pub(crate) fn parse(text: &str, path: impl Fn(&str) -> Option<Path>) -> Result<Self, String> {
        let kind = if text.trim_start().starts_with(['{', '[']) { Kind::Json } else { Kind::Text };
        let (mut pieces, mut literal) = (vec![], String::new());
        let (mut in_quotes, mut escaped) = (false, false);
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some((name, after)) = variable(rest) {
                let source = path(name).map(Source::Path).or_else(|| Source::predefined(name));
                let source = source.ok_or_else(|| name.to_owned())?;
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(Piece::Variable { source, in_quotes });
                rest = after;
                escaped = false;
                continue;
            }
            if c == '"' && !escaped {
                in_quotes = !in_quotes;
            }
            escaped = in_quotes && c == '\\' && !escaped;
            literal.push(c);
            rest = &rest[c.len_utf8()..];
        }
        pieces.push(Piece::Literal(literal));
        Ok(Self { kind, pieces })
    }

    /// # Errors
    /// If it promises JSON, and the event makes none of it.
    pub(crate) fn fill(&self, event: &str, invocation: &Invocation) -> Result<String, NotDelivered> {
        let mut body = String::new();
        for piece in &self.pieces {
            let (source, in_quotes) = match piece {
                Piece::Literal(text) => {
                    body.push_str(text);
                    continue;
                }
                Piece::Variable { source, in_quotes } => (source, *in_quotes),
            };
            match (source.value(event, invocation)?, in_quotes) {
                (None, true) => {}
                (None, false) => body.push_str("\"\""),
                (Some(value), false) => body.push_str(&value),
                (Some(value), true) => {
                    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
                        Some(inside) => body.push_str(inside),
                        None if !value.starts_with(['{', '[']) => body.push_str(&value),
                        None if self.kind == Kind::Json => return Err(NotDelivered::NotJson),
                        None => without_quotes(&value, &mut body),
                    }
                }
            }
        }
        if self.kind == Kind::Json && check(&body).is_err() {
            return Err(NotDelivered::NotJson);
        }
        Ok(body)
    }
}

/// The name of the variable that the text starts with, and what follows.
fn variable(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('<')?;
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))?;
    let after = inside[end..].strip_prefix('>')?;
    (end > 0).then_some((&inside[..end], after))
}
