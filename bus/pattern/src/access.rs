//! From the values of an event to the predicates that lead to conjunctions: a table for each kind of comparison.

use crate::{
    address::{address_key, parse_address},
    comparison::{Comparison, Value},
    flatten::Flat,
    ignore_case::fold,
    index::Predicate,
    intervals::Intervals,
    nested::Prefixes,
    number::{Finite, Number, Range},
    trie::Node,
};
use aho_corasick::{AhoCorasick, Anchored, Input, automaton::OverlappingState};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::{collections::BTreeMap, hash::BuildHasher};

const NONE: u32 = u32::MAX;

/// A list of predicates that share a key.
#[derive(Clone, Copy, Debug)]
struct Link {
    predicate: u32,
    next: u32,
}

#[derive(Debug)]
pub(crate) struct Access {
    exact: Exact,
    /// By field.
    fields: Vec<Option<Box<FieldAccess>>>,
    /// Fields with predicates for their absence.
    absent: Vec<(Node, Vec<u32>)>,
    links: Vec<Link>,
}

/// What leads on from values of one field.
#[derive(Debug, Default)]
struct FieldAccess {
    strings: bool,
    words: bool,
    numbers: bool,
    addresses: bool,
    ignoring_case: bool,
    prefixes: Prefixes,
    suffixes: Prefixes,
    folded_prefixes: Prefixes,
    folded_suffixes: Prefixes,
    networks: Prefixes,
    ranges: Intervals,
    infixes: Option<Infixes>,
    /// Any value.
    present: Vec<u32>,
}

/// Pieces of wildcards that may stand anywhere in a string.
#[derive(Debug)]
struct Infixes {
    automaton: AhoCorasick,
    heads: Vec<u32>,
}

/// Kinds of keys in the table of exact values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    String,
    Address,
    Number,
    Spelling,
    True,
    False,
    Null,
    IgnoringCase,
    Prefix,
    Suffix,
    FoldedPrefix,
    FoldedSuffix,
    Network,
    Range,
    Infix,
}

/// A key of one of the tables: the kind and the bytes. Ranges are two sortable numbers.
type Key = (Kind, Vec<u8>);

/// The key under which a predicate with this comparison is found; none if any value may satisfy it.
fn key(comparison: &Comparison) -> Option<Key> {
    let folded = |text: &[u8]| {
        let mut into = vec![];
        fold(text, &mut into);
        into
    };
    let reversed = |mut text: Vec<u8>| {
        text.reverse();
        text
    };
    Some(match comparison {
        Comparison::String(text) => (Kind::String, text.to_vec()),
        Comparison::Address(address) => (Kind::Address, address_key(*address)),
        Comparison::Number(Number::Comparable(number)) => {
            (Kind::Number, number.bits().to_be_bytes().to_vec())
        }
        Comparison::Number(Number::Other(spelling)) => (Kind::Spelling, spelling.to_vec()),
        Comparison::True => (Kind::True, vec![]),
        Comparison::False => (Kind::False, vec![]),
        Comparison::Null => (Kind::Null, vec![]),
        Comparison::EqualsIgnoreCase(text) => (Kind::IgnoringCase, folded(text)),
        Comparison::Prefix(text) => (Kind::Prefix, text.to_vec()),
        Comparison::Suffix(text) => (Kind::Suffix, reversed(text.to_vec())),
        Comparison::PrefixIgnoreCase(text) => (Kind::FoldedPrefix, folded(text)),
        Comparison::SuffixIgnoreCase(text) => (Kind::FoldedSuffix, reversed(folded(text))),
        Comparison::Cidr(cidr) => (Kind::Network, cidr.key()),
        Comparison::Numeric(range) => {
            let (low, high) = closed(range);
            (Kind::Range, [low.to_be_bytes(), high.to_be_bytes()].concat())
        }
        Comparison::Wildcard(wildcard) => match wildcard.pieces() {
            [only] => (Kind::String, only.to_vec()),
            [first, ..] if !first.is_empty() => (Kind::Prefix, first.to_vec()),
            [.., last] if !last.is_empty() => (Kind::Suffix, reversed(last.to_vec())),
            pieces => {
                let longest =
                    pieces.iter().max_by_key(|piece| piece.len()).filter(|piece| !piece.is_empty())?;
                (Kind::Infix, longest.to_vec())
            }
        },
        Comparison::AnythingBut(_) | Comparison::Exists | Comparison::Absent => return None,
    })
}

/// Sortable numbers are next to each other if the doubles are: open ends close one further in.
fn closed(range: &Range) -> (u64, u64) {
    let low = range.low.sortable() + u64::from(range.low_open);
    let high = range.high.sortable() - u64::from(range.high_open);
    (low, high)
}

/// The values that are not found by hashing alone.
#[derive(Debug, Default)]
struct Exact {
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    field: Node,
    kind: Kind,
    start: u32,
    length: u32,
    head: u32,
}

impl Exact {
    fn hash(&self, field: Node, kind: Kind, key: &[u8]) -> u64 {
        self.hasher.hash_one((field, kind, key))
    }

    #[inline]
    fn get(&self, field: Node, kind: Kind, key: &[u8]) -> Option<u32> {
        let found = self.table.find(self.hash(field, kind, key), |entry| {
            entry.field == field
                && entry.kind == kind
                && self.bytes[entry.start as usize..][..entry.length as usize] == *key
        });
        found.map(|entry| entry.head)
    }

    fn insert(&mut self, field: Node, kind: Kind, key: &[u8], head: u32) {
        let entry = Entry { field, kind, start: self.bytes.len() as u32, length: key.len() as u32, head };
        self.bytes.extend_from_slice(key);
        let (hasher, bytes) = (&self.hasher, &self.bytes);
        let rehash = |entry: &Entry| {
            let key = &bytes[entry.start as usize..][..entry.length as usize];
            hasher.hash_one((entry.field, entry.kind, key))
        };
        self.table.insert_unique(rehash(&entry), entry, rehash);
    }
}

/// Collects the predicates that lead to conjunctions.
#[derive(Debug)]
pub(crate) struct AccessBuilder {
    keys: BTreeMap<(Node, Kind), hashbrown::HashMap<Vec<u8>, u32>>,
    present: BTreeMap<Node, Vec<u32>>,
    absent: BTreeMap<Node, Vec<u32>>,
    links: Vec<Link>,
    fields: usize,
}

impl AccessBuilder {
    pub(crate) fn new(fields: usize) -> Self {
        let (keys, present, absent) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { keys, present, absent, links: vec![], fields }
    }

    pub(crate) fn add(&mut self, number: u32, predicate: &Predicate) {
        for comparison in &*predicate.comparisons {
            match key(comparison) {
                Some((kind, key)) => {
                    let head =
                        self.keys.entry((predicate.field, kind)).or_default().entry(key).or_insert(NONE);
                    self.links.push(Link { predicate: number, next: *head });
                    *head = self.links.len() as u32 - 1;
                }
                None if *comparison == Comparison::Absent => {
                    self.absent.entry(predicate.field).or_default().push(number);
                }
                None => self.present.entry(predicate.field).or_default().push(number),
            }
        }
    }

    pub(crate) fn build(self) -> Access {
        let mut fields: Vec<Option<Box<FieldAccess>>> = vec![];
        fields.resize_with(self.fields, || None);
        let mut exact = Exact::default();
        for ((field, kind), keys) in self.keys {
            let access = fields[field as usize].get_or_insert_default();
            let keys: Vec<(Vec<u8>, u32)> = keys.into_iter().collect();
            match kind {
                Kind::Prefix => access.prefixes = Prefixes::new(keys),
                Kind::Suffix => access.suffixes = Prefixes::new(keys),
                Kind::FoldedPrefix => access.folded_prefixes = Prefixes::new(keys),
                Kind::FoldedSuffix => access.folded_suffixes = Prefixes::new(keys),
                Kind::Network => access.networks = Prefixes::new(keys),
                Kind::Range => access.ranges = ranges(&keys),
                Kind::Infix => match infixes(keys) {
                    Ok(infixes) => access.infixes = Some(infixes),
                    // Too many for an automaton: any string may hold one.
                    Err(keys) => {
                        access.present.extend(keys.iter().flat_map(|(_, head)| list(&self.links, *head)))
                    }
                },
                _ => {
                    match kind {
                        Kind::String => access.strings = true,
                        Kind::Address => access.addresses = true,
                        Kind::Number | Kind::Spelling => access.numbers = true,
                        Kind::IgnoringCase => access.ignoring_case = true,
                        _ => access.words = true,
                    }
                    keys.iter().for_each(|(key, head)| exact.insert(field, kind, key, *head));
                }
            }
        }
        for (field, predicates) in self.present {
            fields[field as usize].get_or_insert_default().present.extend(predicates);
        }
        exact.bytes.shrink_to_fit();
        Access { exact, fields, absent: self.absent.into_iter().collect(), links: self.links }
    }
}

fn ranges(keys: &[(Vec<u8>, u32)]) -> Intervals {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let interval = |(key, head): &(Vec<u8>, u32)| (number(&key[..8]), number(&key[8..]), *head);
    Intervals::new(keys.iter().map(interval).collect())
}

fn infixes(keys: Vec<(Vec<u8>, u32)>) -> Result<Infixes, Vec<(Vec<u8>, u32)>> {
    match AhoCorasick::new(keys.iter().map(|(key, _)| key)) {
        Ok(automaton) => Ok(Infixes { automaton, heads: keys.into_iter().map(|(_, head)| head).collect() }),
        Err(_) => Err(keys),
    }
}

fn list(links: &[Link], head: u32) -> impl Iterator<Item = u32> {
    let link = |at: u32| links.get(at as usize);
    std::iter::successors(link(head), move |before| link(before.next)).map(|link| link.predicate)
}

impl Access {
    /// Puts into `found` every predicate that leads to conjunctions and may hold. Some come twice, and some do not hold.
    pub(crate) fn find(&self, event: &[u8], flat: &Flat, folded: &mut Vec<u8>, found: &mut Vec<u32>) {
        for field in &flat.fields {
            let Some(access) = &self.fields[*field as usize] else { continue };
            for (value, _) in flat.values(event, *field) {
                self.value(*field, access, value, folded, found);
            }
            found.extend_from_slice(&access.present);
        }
        for (field, predicates) in &self.absent {
            if !flat.has(*field) {
                found.extend_from_slice(predicates);
            }
        }
    }

    fn value(
        &self,
        field: Node,
        access: &FieldAccess,
        value: Value,
        folded: &mut Vec<u8>,
        found: &mut Vec<u32>,
    ) {
        let mut add = |head: u32| found.extend(list(&self.links, head));
        let exact = |kind, key: &[u8]| self.exact.get(field, kind, key);
        match value {
            Value::String(text) => {
                if access.strings {
                    exact(Kind::String, text).into_iter().for_each(&mut add);
                }
                access.prefixes.of(text, &mut add);
                if !access.suffixes.is_empty() {
                    folded.clear();
                    folded.extend(text.iter().rev());
                    access.suffixes.of(folded, &mut add);
                }
                if access.ignoring_case
                    || !access.folded_prefixes.is_empty()
                    || !access.folded_suffixes.is_empty()
                {
                    folded.clear();
                    fold(text, folded);
                    if access.ignoring_case {
                        exact(Kind::IgnoringCase, folded).into_iter().for_each(&mut add);
                    }
                    access.folded_prefixes.of(folded, &mut add);
                    folded.reverse();
                    access.folded_suffixes.of(folded, &mut add);
                }
                if (access.addresses || !access.networks.is_empty())
                    && let Some(address) = parse_address(text)
                {
                    let key = address_key(address);
                    if access.addresses {
                        exact(Kind::Address, &key).into_iter().for_each(&mut add);
                    }
                    access.networks.of(&key, &mut add);
                }
                if let Some(infixes) = &access.infixes {
                    infixes.within(text, &mut add);
                }
            }
            Value::Number(spelling) => {
                if !access.numbers && access.ranges.is_empty() {
                    return;
                }
                match Finite::parse(spelling) {
                    Some(number) => {
                        if access.numbers {
                            let key = number.bits().to_be_bytes();
                            exact(Kind::Number, &key).into_iter().for_each(&mut add);
                        }
                        access.ranges.holding(number.sortable(), &mut add);
                    }
                    None => exact(Kind::Spelling, spelling).into_iter().for_each(&mut add),
                }
            }
            _ if !access.words => {}
            Value::True => exact(Kind::True, b"").into_iter().for_each(&mut add),
            Value::False => exact(Kind::False, b"").into_iter().for_each(&mut add),
            Value::Null => exact(Kind::Null, b"").into_iter().for_each(&mut add),
        }
    }
}

impl Infixes {
    fn within(&self, text: &[u8], mut found: impl FnMut(u32)) {
        let mut state = OverlappingState::start();
        let input = Input::new(text).anchored(Anchored::No);
        loop {
            self.automaton.find_overlapping(input.clone(), &mut state);
            let Some(hit) = state.get_match() else { return };
            found(self.heads[hit.pattern().as_usize()]);
        }
    }
}

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
                        let (low, high) = closed(range);
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
                let (low, high) = closed(range);
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
