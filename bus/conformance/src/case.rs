//! Lines of a file of cases.

use emporia_schedule_expression::Api;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::collections::BTreeMap;

pub(crate) enum Case {
    Pattern {
        pattern: String,
        event: String,
        expect: Expect,
    },
    Transformer {
        detail: Value,
        paths: BTreeMap<String, String>,
        template: String,
        delivered: bool,
        body: Option<String>,
        body_json: Option<Value>,
    },
    Schedule {
        api: Api,
        expression: String,
        valid: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expect {
    Match,
    NoMatch,
    Invalid,
}

impl Expect {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::NoMatch => "no_match",
            Self::Invalid => "invalid",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    Rule,
    Scheduler,
}

/// All members of all kinds. Patterns and events stay texts: reading them would lose the order of keys and the spelling
/// of numbers.
#[derive(Deserialize)]
struct Line<'a> {
    id: String,
    #[serde(borrow)]
    pattern: Option<&'a RawValue>,
    pattern_text: Option<String>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    event_text: Option<String>,
    expect: Option<Expect>,
    detail: Option<Value>,
    paths: Option<BTreeMap<String, String>>,
    template: Option<String>,
    delivered: Option<bool>,
    body: Option<String>,
    body_json: Option<Value>,
    api: Option<Of>,
    expression: Option<String>,
    valid: Option<bool>,
}

fn needed<T>(member: Option<T>, name: &str) -> Result<T, String> {
    member.ok_or_else(|| format!("{name} is missing"))
}

impl Case {
    /// The id and the case; or what is wrong with the line.
    pub(crate) fn read(line: &str) -> Result<(String, Self), String> {
        let line: Line<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let text =
            |text: Option<String>, raw: Option<&RawValue>| text.or(raw.map(|raw| raw.get().to_owned()));
        let case = if let Some(expression) = line.expression {
            let api = match needed(line.api, "api")? {
                Of::Rule => Api::Rule,
                Of::Scheduler => Api::Scheduler,
            };
            Self::Schedule { api, expression, valid: needed(line.valid, "valid")? }
        } else if let Some(template) = line.template {
            Self::Transformer {
                detail: needed(line.detail, "detail")?,
                paths: line.paths.unwrap_or_default(),
                template,
                delivered: line.delivered.unwrap_or(true),
                body: line.body,
                body_json: line.body_json,
            }
        } else if let Some(pattern) = text(line.pattern_text, line.pattern) {
            let event = needed(text(line.event_text, line.event), "event")?;
            Self::Pattern { pattern, event, expect: needed(line.expect, "expect")? }
        } else {
            return Err("it has neither a pattern nor a template nor an expression".to_owned());
        };
        Ok((line.id, case))
    }
}
