//! Rules of the event bus, tried before they are put.

use crate::cli::{Failure, say};
use clap::{Args, Subcommand};
use emporia_event_pattern::Pattern;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Say which fields of an event satisfy a pattern and which do not. Exit code 1 if the event does not match.
    Explain(ExplainArgs),
    /// Run a file of cases (patterns, transformers, schedules), one JSON object a line. Exit code 1 if one fails.
    Conformance {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The pattern, as JSON.
    #[arg(long, value_name = "JSON", conflicts_with = "pattern_file")]
    pattern: Option<String>,
    /// The file of the pattern.
    #[arg(long, value_name = "FILE", required_unless_present = "pattern")]
    pattern_file: Option<PathBuf>,
    /// The file of the event: a whole one, as a rule gets it.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
}

pub(crate) fn events(command: EventsCommand) -> Result<(), Failure> {
    match command {
        EventsCommand::Explain(args) => explain(&args),
        EventsCommand::Conformance { file } => conformance(&file),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let pattern = match &args.pattern_file {
        Some(file) => Pattern::parse(read(file)?)
            .map_err(|refused| Failure::new(format!("{}: {refused}", file.display())))?,
        None => Pattern::parse(args.pattern.as_deref().unwrap_or_default())?,
    };
    let event = read(&args.event)?;
    let wrong = |error| Failure::new(format!("{}: {error}", args.event.display()));
    let explanation = pattern.explain(&event).map_err(wrong)?;
    for warning in pattern.warnings() {
        say(&format!("warning: {warning}"));
    }
    say(explanation.to_string().trim_end());
    if explanation.matches { Ok(()) } else { Err(Failure::told()) }
}

fn conformance(file: &Path) -> Result<(), Failure> {
    let wrong = |error| Failure::new(format!("{}, {error}", file.display()));
    let report = emporia_bus_conformance::run(&read(file)?).map_err(wrong)?;
    for failed in &report.failed {
        say(&format!("{}: {}", failed.id, failed.reason));
    }
    say(&format!("{} passed, {} failed", report.passed, report.failed.len()));
    if report.failed.is_empty() { Ok(()) } else { Err(Failure::told()) }
}
