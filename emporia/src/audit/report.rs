use serde::Serialize;
use std::fmt;

/// Differences of one check that are told in full; the others are counted.
const TOLD: usize = 20;

/// What one comparison found.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was compared.
    pub name: &'static str,
    /// What has to be true.
    pub promise: &'static str,
    /// How many were looked at.
    pub examined: u64,
    /// How many are still under way and were not judged.
    pub under_way: u64,
    /// How many times it is not true.
    pub differences: u64,
    /// The first differences, in words.
    pub examples: Vec<String>,
}

impl Check {
    pub(super) fn new(name: &'static str, promise: &'static str) -> Self {
        Self { name, promise, examined: 0, under_way: 0, differences: 0, examples: vec![] }
    }

    /// Notes a difference, when there is one.
    pub(super) fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.differences += 1;
            if self.examples.len() < TOLD {
                self.examples.push(otherwise());
            }
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Every comparison.
    pub checks: Vec<Check>,
    /// Whether consumers were still following events: then run it again before believing a difference.
    pub behind: bool,
}

impl Report {
    /// How many differences there are in all.
    pub fn differences(&self) -> u64 {
        self.checks.iter().map(|check| check.differences).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let Check { name, promise, examined, under_way, differences, examples } = check;
            let found = match differences {
                0 => "ok".to_owned(),
                1 => "1 difference".to_owned(),
                more => format!("{more} differences"),
            };
            writeln!(f, "{name:<10} {examined:>9}  {found:<14} {promise}")?;
            if *under_way > 0 {
                writeln!(f, "{:22}{under_way} under way, not judged", "")?;
            }
            for example in examples {
                writeln!(f, "{:22}- {example}", "")?;
            }
            let rest = differences.saturating_sub(examples.len() as u64);
            if rest > 0 {
                writeln!(f, "{:22}  and {rest} more", "")?;
            }
        }
        if self.behind {
            writeln!(
                f,
                "Consumers were still following events: what differs may only be late. Run it again."
            )?;
        }
        write!(f, "{} differences.", self.differences())
    }
}
