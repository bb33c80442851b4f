#![doc = include_str!("../README.md")]

mod case;

use case::Case;
use emporia_event_pattern::Pattern;
use emporia_input_transformer::{Input, Invocation};
use emporia_schedule_expression::Schedule;
use serde_json::{Value, json};

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Cases that did as expected.
    pub passed: usize,
    /// Those that did not, in the order of the file.
    pub failed: Vec<Failed>,
}

/// A case that did not do as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its id.
    pub id: String,
    /// What happened, and what was expected.
    pub reason: String,
}

/// A line that is no case.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is no case: {reason}")]
pub struct BadCase {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What templates may name: nothing depends on the place where cases run.
const INVOCATION: Invocation<'_> = Invocation {
    rule_arn: "arn:aws:events:us-east-1:000000000000:rule/conformance",
    rule_name: "conformance",
    ingestion_time: "2026-01-01T00:00:00Z",
};

/// Runs every case of a file of lines; empty ones are passed over.
///
/// # Errors
/// [`BadCase`] at the first line that is none.
pub fn run(text: &str) -> Result<Report, BadCase> {
    let mut report = Report::default();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let (id, case) = Case::read(text).map_err(|reason| BadCase { line, reason })?;
        match expected(&case) {
            Ok(()) => report.passed += 1,
            Err(reason) => report.failed.push(Failed { id, reason }),
        }
    }
    Ok(report)
}

/// Nothing when the case does as expected; else what it did.
fn expected(case: &Case) -> Result<(), String> {
    match case {
        Case::Pattern { pattern, event, expect } => {
            let (said, why) = match Pattern::parse(pattern) {
                Err(refused) => ("invalid", format!(": {refused}")),
                Ok(pattern) => match pattern.matches(event) {
                    Err(error) => ("no answer", format!(": {error}")),
                    Ok(true) => ("match", String::new()),
                    Ok(false) => ("no_match", String::new()),
                },
            };
            same(said == expect.as_str(), format!("{said}{why}"), expect.as_str())
        }
        Case::Transformer { detail, paths, template, delivered, body, body_json } => {
            let event = json!({ "source": "conformance", "detail": detail }).to_string();
            let input = match Input::transformer("target", paths.clone(), template) {
                Ok(input) => input,
                Err(refused) => return Err(format!("refused: {refused}")),
            };
            let given = match input.body(&event, &INVOCATION) {
                Ok(given) if *delivered => given,
                Ok(given) => return Err(format!("{given}, expected: not delivered")),
                Err(why) => return same(!delivered, format!("not delivered: {why}"), "delivered"),
            };
            if let Some(body) = body {
                same(given == *body, given.clone(), body)?;
            }
            let Some(wanted) = body_json else { return Ok(()) };
            let read = serde_json::from_str::<Value>(&given);
            same(read.is_ok_and(|read| read == *wanted), given, &wanted.to_string())
        }
        Case::Schedule { api, expression, valid } => {
            let word = |valid: bool| if valid { "valid" } else { "refused" };
            let parsed = Schedule::parse(expression, *api);
            same(parsed.is_ok() == *valid, word(parsed.is_ok()).to_owned(), word(*valid))
        }
    }
}

fn same(same: bool, said: String, expected: &str) -> Result<(), String> {
    if same { Ok(()) } else { Err(format!("{said}, expected: {expected}")) }
}
