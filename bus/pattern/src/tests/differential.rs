//! The engine against the model, on cases from a seed. `EMPORIA_TEST_CASES=1000000` tries a million.

use super::{
    generator::Generator,
    model::{self, Json, Part},
};
use crate::{Matcher, Pattern, Rules};
use std::{collections::BTreeSet, sync::Arc};

/// Rules and events that are all tried with each other.
pub struct Batch {
    pub patterns: Vec<Vec<Part>>,
    pub events: Vec<Json>,
    /// The same as texts.
    pub pattern_texts: Vec<String>,
    pub event_texts: Vec<String>,
}

impl Batch {
    pub fn new(seed: u64) -> Self {
        let mut g = Generator::new(seed);
        let events: Vec<Json> = (0..4).map(|_| g.event()).collect();
        let patterns: Vec<Vec<Part>> = (0..12).map(|at| g.pattern(&events[at % 4])).collect();
        let pattern_texts = patterns.iter().map(|parts| g.text(&model::pattern(parts))).collect();
        let event_texts = events.iter().map(|event| g.text(event)).collect();
        Self { patterns, events, pattern_texts, event_texts }
    }

    pub fn compiled(&self) -> Vec<Arc<Pattern>> {
        let parse = |text: &String| Pattern::parse(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        self.pattern_texts.iter().map(parse).map(Arc::new).collect()
    }

    /// The numbers of the patterns that an event matches.
    pub fn expected(&self, event: usize) -> BTreeSet<usize> {
        let matches = |at: &usize| model::matches(&self.patterns[*at], &self.events[event]);
        (0..self.patterns.len()).filter(matches).collect()
    }
}

#[test]
fn the_engine_answers_as_the_model_does() {
    let cases = std::env::var("EMPORIA_TEST_CASES").map_or(20_000, |cases| cases.parse().unwrap());
    let (mut tried, mut matched, mut seed) = (0, 0, 0);
    let mut matcher = Matcher::new();
    while tried < cases {
        seed += 1;
        let batch = Batch::new(seed);
        let patterns = batch.compiled();
        // Most are compiled at once; some are added, exchanged and removed afterwards.
        let (first, later) = patterns.split_at(8);
        let mut rules = Rules::new(first.iter().cloned().enumerate());
        for (at, pattern) in later.iter().enumerate() {
            rules = rules.with(first.len() + at, pattern.clone());
        }
        let exchanged = rules.with(0, patterns[1].clone()).without(&2).with(0, patterns[0].clone());
        let rules = if seed % 2 == 0 { rules } else { exchanged.with(2, patterns[2].clone()) };
        let rules = if seed % 5 == 0 { rules.merged() } else { rules };
        for (event, text) in batch.event_texts.iter().enumerate() {
            let expected = batch.expected(event);
            let found =
                rules.matches(text.as_bytes(), &mut matcher).unwrap_or_else(|e| panic!("{e}: {text}"));
            let unique: BTreeSet<usize> = found.iter().map(|id| **id).collect();
            assert_eq!(unique.len(), found.len(), "each rule once");
            if let Some(at) = unique.symmetric_difference(&expected).next() {
                let engine = unique.contains(at);
                panic!("seed {seed}: the engine says {engine}\n{}\n{text}", batch.pattern_texts[*at]);
            }
            tried += batch.patterns.len();
            matched += expected.len();
        }
    }
    eprintln!("{tried} cases, {matched} of them match");
    assert!(matched * 5 >= tried, "{matched} of {tried} match: too few to mean much");
}

#[test]
fn damaged_texts_are_refused_or_answered_but_never_panic() {
    let damages = std::env::var("EMPORIA_TEST_CASES").map_or(20_000, |cases| cases.parse().unwrap());
    let (mut done, mut seed, mut still_json) = (0, 0, 0);
    while done < damages {
        seed += 1;
        let mut g = Generator::new(!seed);
        let batch = Batch::new(seed);
        for (pattern, event) in batch.pattern_texts.iter().zip(batch.event_texts.iter().cycle()) {
            done += 1;
            let (mut damaged_pattern, mut damaged_event) =
                (pattern.clone().into_bytes(), event.clone().into_bytes());
            g.damage(&mut damaged_pattern);
            g.damage(&mut damaged_event);
            let _ = Pattern::parse(&damaged_pattern).map(|pattern| pattern.matches(&damaged_event));
            let pattern = Pattern::parse(pattern).unwrap();
            // What is JSON still gets the same answer with and without an explanation; what is not, may be looked over.
            let answer = pattern.matches(&damaged_event);
            if let Ok(explanation) = pattern.explain(&damaged_event) {
                assert_eq!(answer, Ok(explanation.matches), "{}", String::from_utf8_lossy(&damaged_event));
                let _ = explanation.to_string();
                still_json += 1;
            }
        }
    }
    assert!(still_json * 20 >= done, "{still_json} of {done} are JSON still: too few to mean much");
}
