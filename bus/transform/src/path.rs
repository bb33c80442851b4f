//! The part of JSONPath that EventBridge knows: `$.detail.lines[0].sku`, `$.detail.lines[*].sku`.

use crate::raw::{elements, member};
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Position(usize),
    /// Every member of a list or object.
    All,
}

impl Path {
    /// # Errors
    /// What is wrong with it. `brackets` says whether keys may be written `['key']`.
    pub(crate) fn parse(text: &str, brackets: Brackets) -> Result<Self, &'static str> {
        let mut rest = text.strip_prefix('$').ok_or("it must start with $")?;
        let mut steps = vec![];
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let (key, after) = after.split_at(after.find(['.', '[']).unwrap_or(after.len()));
                if key.is_empty() {
                    return Err("a key is missing after a dot");
                }
                steps.push(if key == "*" { Step::All } else { Step::Key(key.to_owned()) });
                rest = after;
            } else {
                let inside = rest.strip_prefix('[').ok_or("expected a dot or a bracket")?;
                let (step, after) = match inside.chars().next() {
                    Some(quote @ ('\'' | '"')) if brackets == Brackets::Keys => {
                        let (key, after) = inside[1..].split_once(quote).ok_or("a quote is missing")?;
                        (Step::Key(key.to_owned()), after.strip_prefix(']').ok_or("a bracket is missing")?)
                    }
                    Some('\'' | '"') => return Err("keys must be in dot notation, not in brackets"),
                    _ => {
                        let (position, after) = inside.split_once(']').ok_or("a bracket is missing")?;
                        let step = match position {
                            "*" => Step::All,
                            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                                Step::Position(digits.parse().map_err(|_| "a position is no number")?)
                            }
                            _ => return Err("a position is no number"),
                        };
                        (step, after)
                    }
                };
                steps.push(step);
                rest = after;
            }
        }
        Ok(Self { steps })
    }

    /// What it leads to in a JSON text, as it is written there. With `*` a list of all that it leads to.
    pub(crate) fn find<'a>(&self, json: &'a str) -> Option<Cow<'a, str>> {
        let mut found = vec![json.trim()];
        for step in &self.steps {
            found = match step {
                Step::Key(key) => found.into_iter().filter_map(|json| member(json, key)).collect(),
                Step::Position(at) => {
                    found.into_iter().filter_map(|json| elements(json)?.get(*at).copied()).collect()
                }
                Step::All => found.into_iter().flat_map(all).collect(),
            };
        }
        if self.steps.contains(&Step::All) {
            return Some(Cow::Owned(format!("[{}]", found.join(","))));
        }
        found.first().map(|json| Cow::Borrowed(*json))
    }
}

/// Whether keys may be written in brackets.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Brackets {
    Keys,
    PositionsOnly,
}

fn all(json: &str) -> Vec<&str> {
    elements(json)
        .or_else(|| {
            let crate::raw::Members(members) = serde_json::from_str(json).ok()?;
            Some(members.into_iter().map(|(_, value)| value.get()).collect())
        })
        .unwrap_or_default()
}
