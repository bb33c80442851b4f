//! Many patterns, compiled: which conjunctions may match is found by one field of each, its *access* field, which is the one
//! that the fewest events are expected to satisfy; only then its other fields are looked at. Fields that say the same are
//! one predicate, which is decided once per event.

use crate::{
    access::{Access, AccessBuilder},
    arrays::{Arrays, Demand},
    comparison::Comparison,
    error::EventError,
    flatten::Flat,
    pattern::Pattern,
    scan::Structure,
    statistics::Statistics,
    trie::{Node, Trie},
};
use hashbrown::HashMap;
use std::sync::Arc;

/// A field of patterns: where, and what has to hold there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Predicate {
    pub(crate) field: Node,
    /// One of them has to hold.
    pub(crate) comparisons: Arc<[Comparison]>,
}

impl Predicate {
    pub(crate) fn allows_absence(&self) -> bool {
        self.comparisons.contains(&Comparison::Absent)
    }
}

/// One way for one rule to match: all of its predicates hold.
#[derive(Clone, Copy, Debug)]
struct Conjunction {
    rule: u32,
    /// Where its predicates are in `members`, in the order of their paths.
    start: u32,
    end: u32,
    /// The predicate that leads to it.
    access: u32,
}

#[derive(Debug)]
pub(crate) struct Index {
    trie: Trie,
    predicates: Vec<Predicate>,
    /// Per predicate: it allows absence.
    absence: Vec<bool>,
    conjunctions: Vec<Conjunction>,
    members: Vec<u32>,
    access: Access,
    /// The conjunctions that predicate `n` leads to end at `led_ends[n]`; they are sorted by it.
    led_ends: Vec<u32>,
    rules: u32,
}

/// Collects patterns; each is a rule, numbered from 0.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    trie: Trie,
    predicates: Vec<Predicate>,
    known: HashMap<Predicate, u32>,
    conjunctions: Vec<Conjunction>,
    members: Vec<u32>,
    rules: u32,
}

impl Builder {
    pub(crate) fn add(&mut self, pattern: &Pattern) {
        for branch in &pattern.branches {
            let start = self.members.len() as u32;
            for field in &branch.fields {
                let predicate =
                    Predicate { field: self.trie.add(&field.path), comparisons: field.comparisons.clone() };
                let next = self.predicates.len() as u32;
                let number = *self.known.entry(predicate).or_insert_with_key(|predicate| {
                    self.predicates.push(predicate.clone());
                    next
                });
                self.members.push(number);
            }
            let end = self.members.len() as u32;
            self.conjunctions.push(Conjunction { rule: self.rules, start, end, access: 0 });
        }
        self.rules += 1;
    }

    pub(crate) fn build(self) -> Index {
        let Self { trie, predicates, known, mut conjunctions, members, rules } = self;
        drop(known);
        let absence: Vec<bool> = predicates.iter().map(Predicate::allows_absence).collect();
        let statistics = Statistics::of(&predicates, trie.len());
        let costs: Vec<f32> = predicates.iter().map(|predicate| statistics.share(predicate)).collect();
        for conjunction in &mut conjunctions {
            let members = &members[conjunction.start as usize..conjunction.end as usize];
            // What may hold without a value leads to nothing when the value is there, in an element of an array that does
            // not count. Only the first in order of paths is safe: no element is fixed when it is looked at.
            let certain = members.iter().filter(|member| !absence[**member as usize]);
            let cheapest =
                certain.min_by(|one, other| costs[**one as usize].total_cmp(&costs[**other as usize]));
            conjunction.access = *cheapest.or(members.first()).unwrap_or(&0);
        }
        conjunctions.sort_by_key(|conjunction| conjunction.access);
        let mut led_ends = vec![0; predicates.len()];
        for (at, conjunction) in conjunctions.iter().enumerate() {
            led_ends[conjunction.access as usize] = at as u32 + 1;
        }
        let mut access = AccessBuilder::new(trie.len());
        let mut before = 0;
        for (number, end) in led_ends.iter_mut().enumerate() {
            *end = before.max(*end);
            if *end > before {
                access.add(number as u32, &predicates[number]);
            }
            before = *end;
        }
        Index { trie, absence, conjunctions, members, access: access.build(), led_ends, rules, predicates }
    }
}

/// What matching needs to remember during one event; memory is used again for the next. One per thread will do.
#[derive(Default)]
pub struct Matcher {
    structure: Structure,
    state: State,
}

impl Matcher {
    /// Without memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn scan(&mut self, event: &[u8]) -> Result<(), EventError> {
        self.structure.scan(event)
    }

    /// The values of the event that was matched last.
    pub(crate) fn flat(&self) -> &Flat {
        &self.state.flat
    }
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matcher").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    flat: Flat,
    arrays: Arrays,
    /// The event's number: what is remembered under another number is of the past.
    event: u32,
    verdicts: Vec<Note>,
    /// Per rule: the event that it last matched.
    matched: Vec<u32>,
    /// Predicates that lead on, each once.
    found: Vec<u32>,
    scratch: Vec<u8>,
}

/// What is known of a predicate: the number of the event (28 bits), whether it leads on, and how it stands.
#[derive(Clone, Copy, Default)]
struct Note(u32);

impl Note {
    const BITS: u32 = 4;
    const LEADS: u32 = 8;
    const KNOWN: u32 = 4;

    /// Forgets what is not of this event.
    #[inline]
    fn of(&mut self, event: u32) -> &mut Self {
        if self.0 >> Self::BITS != event {
            self.0 = event << Self::BITS;
        }
        self
    }

    #[inline]
    fn verdict(self) -> Option<Verdict> {
        (self.0 & Self::KNOWN != 0).then_some(match self.0 & 3 {
            0 => Verdict::Fails,
            1 => Verdict::Holds,
            2 => Verdict::HoldsInElements,
            _ => Verdict::MayBeAbsent,
        })
    }

    #[inline]
    fn decide(&mut self, verdict: Verdict) {
        self.0 = self.0 & !3 | Self::KNOWN | verdict as u32;
    }

    /// Whether it is the first time that it leads on.
    #[inline]
    fn lead(&mut self) -> bool {
        let first = self.0 & Self::LEADS == 0;
        self.0 |= Self::LEADS;
        first
    }
}

/// How a predicate stands in an event.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Fails = 0,
    /// By a value that is in no element of an array, or by its absence from the whole event.
    Holds = 1,
    /// By values in elements of arrays: whether in the right one, depends on the other predicates.
    HoldsInElements = 2,
    /// It allows absence, and all values are in elements of arrays: the same.
    MayBeAbsent = 3,
}

impl Index {
    /// Calls `matched` once for each rule that matches.
    pub(crate) fn for_each_match(
        &self,
        event: &[u8],
        matcher: &mut Matcher,
        matched: &mut dyn FnMut(u32),
    ) -> Result<(), EventError> {
        matcher.scan(event)?;
        self.for_each_match_scanned(event, matcher, matched)
    }

    pub(crate) fn for_each_match_scanned(
        &self,
        event: &[u8],
        matcher: &mut Matcher,
        matched: &mut dyn FnMut(u32),
    ) -> Result<(), EventError> {
        let Matcher { structure, state } = matcher;
        state.flat.flatten(event, structure, &self.trie)?;
        state.begin(self);
        let State { flat, scratch, found, verdicts, event: number, .. } = state;
        self.access.find(event, flat, scratch, |predicate, proof| {
            let note = verdicts[predicate as usize].of(*number);
            match proof {
                Some(0) => note.decide(Verdict::Holds),
                Some(_) if note.verdict() != Some(Verdict::Holds) => note.decide(Verdict::HoldsInElements),
                _ => {}
            }
            if note.lead() {
                found.push(predicate);
            }
        });
        Match { index: self, event, state, matched }.follow()
    }

    pub(crate) fn trie(&self) -> &Trie {
        &self.trie
    }

    #[inline]
    fn led(&self, predicate: u32) -> &[Conjunction] {
        let start = predicate.checked_sub(1).map_or(0, |before| self.led_ends[before as usize]);
        &self.conjunctions[start as usize..self.led_ends[predicate as usize] as usize]
    }

    #[inline]
    fn members(&self, conjunction: &Conjunction) -> &[u32] {
        &self.members[conjunction.start as usize..conjunction.end as usize]
    }
}

impl State {
    fn begin(&mut self, index: &Index) {
        if self.event == u32::MAX >> Note::BITS {
            self.event = 0;
            self.verdicts.clear();
            self.matched.clear();
        }
        self.event += 1;
        self.found.clear();
        if self.verdicts.len() < index.predicates.len() {
            self.verdicts.resize(index.predicates.len(), Note::default());
        }
        if self.matched.len() < index.rules as usize {
            self.matched.resize(index.rules as usize, 0);
        }
    }
}

struct Match<'a> {
    index: &'a Index,
    event: &'a [u8],
    state: &'a mut State,
    matched: &'a mut dyn FnMut(u32),
}

impl Match<'_> {
    fn follow(&mut self) -> Result<(), EventError> {
        for at in 0..self.state.found.len() {
            let predicate = self.state.found[at];
            if self.verdict(predicate) == Verdict::Fails {
                continue;
            }
            for conjunction in self.index.led(predicate) {
                if self.holds(conjunction)? {
                    let before = &mut self.state.matched[conjunction.rule as usize];
                    if std::mem::replace(before, self.state.event) != self.state.event {
                        (self.matched)(conjunction.rule);
                    }
                }
            }
        }
        Ok(())
    }

    fn holds(&mut self, conjunction: &Conjunction) -> Result<bool, EventError> {
        let (mut in_elements, mut absence) = (0, false);
        for member in self.index.members(conjunction) {
            match self.verdict(*member) {
                Verdict::Fails => return Ok(false),
                Verdict::Holds => {}
                Verdict::HoldsInElements => in_elements += 1,
                Verdict::MayBeAbsent => absence = true,
            }
        }
        if in_elements < 2 && !absence {
            return Ok(true);
        }
        // Where absence is in question, every element that a value fixes may help. Else a value outside all arrays is best.
        let index = self.index;
        let mut demands = vec![];
        for member in index.members(conjunction) {
            if absence || self.verdict(*member) == Verdict::HoldsInElements {
                let predicate = &index.predicates[*member as usize];
                demands.push(Demand::of(predicate, self.event, &self.state.flat));
            }
        }
        self.state.arrays.consistent(&demands, &self.state.flat)
    }

    #[inline]
    fn verdict(&mut self, predicate: u32) -> Verdict {
        let known = self.state.verdicts[predicate as usize].of(self.state.event).verdict();
        known.unwrap_or_else(|| {
            let verdict = self.decide(predicate);
            self.state.verdicts[predicate as usize].decide(verdict);
            verdict
        })
    }

    fn decide(&self, predicate: u32) -> Verdict {
        let Predicate { field, comparisons } = &self.index.predicates[predicate as usize];
        let absence = self.index.absence[predicate as usize];
        let flat = &self.state.flat;
        if !flat.has(*field) {
            return if absence { Verdict::Holds } else { Verdict::Fails };
        }
        if absence && flat.values(self.event, *field).all(|(_, element)| element != 0) {
            return Verdict::MayBeAbsent;
        }
        let mut verdict = Verdict::Fails;
        for (value, element) in flat.values(self.event, *field) {
            if comparisons.iter().any(|comparison| comparison.holds(value)) {
                if element == 0 {
                    return Verdict::Holds;
                }
                verdict = Verdict::HoldsInElements;
            }
        }
        verdict
    }
}
