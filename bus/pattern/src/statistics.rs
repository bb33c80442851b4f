//! Which predicate of a rule the fewest events satisfy: guessed from the rules, as if events were as varied as they are.

use crate::{comparison::Comparison, index::Predicate, trie::Node};
use std::collections::BTreeMap;

/// How many different comparisons of a kind there are at a field: the more, the fewer events are expected to satisfy one.
#[derive(Debug)]
pub(crate) struct Statistics {
    exact: Vec<u32>,
    partial: Vec<u32>,
    /// Ends of ranges, sorted.
    ends: BTreeMap<Node, Vec<u64>>,
}

impl Statistics {
    pub(crate) fn of(predicates: &[Predicate], fields: usize) -> Self {
        let mut made = Self { exact: vec![0; fields], partial: vec![0; fields], ends: BTreeMap::new() };
        for Predicate { field, comparisons } in predicates {
            for comparison in &**comparisons {
                match comparison {
                    Comparison::Numeric(range) => {
                        let (low, high) = range.closed();
                        made.ends.entry(*field).or_default().extend([low, high]);
                    }
                    comparison if is_exact(comparison) => made.exact[*field as usize] += 1,
                    comparison if !is_open(comparison) => made.partial[*field as usize] += 1,
                    _ => {}
                }
            }
        }
        made.ends.values_mut().for_each(|ends| ends.sort_unstable());
        made
    }

    /// The share of events that a predicate is expected to hold for.
    pub(crate) fn share(&self, predicate: &Predicate) -> f32 {
        let field = predicate.field as usize;
        let one = |comparison: &Comparison| match comparison {
            Comparison::Numeric(range) => {
                let (low, high) = range.closed();
                let ends = self.ends.get(&predicate.field).map_or(&[][..], Vec::as_slice);
                let within =
                    ends.partition_point(|end| *end <= high) - ends.partition_point(|end| *end < low);
                (within as f32 / ends.len() as f32).min(0.9)
            }
            comparison if is_exact(comparison) => 1.0 / (1 + self.exact[field]) as f32,
            comparison if !is_open(comparison) => 1.5 / (1 + self.partial[field]) as f32,
            _ => 1.0,
        };
        predicate.comparisons.iter().map(one).sum()
    }
}

fn is_exact(comparison: &Comparison) -> bool {
    use Comparison::{Address, EqualsIgnoreCase, False, Null, Number, String, True};
    matches!(comparison, String(_) | Address(_) | Number(_) | True | False | Null | EqualsIgnoreCase(_))
}

/// Whether nearly any value satisfies it.
fn is_open(comparison: &Comparison) -> bool {
    matches!(comparison, Comparison::AnythingBut(_) | Comparison::Exists | Comparison::Absent)
}
