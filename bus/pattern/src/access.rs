//! From the values of an event to the predicates that lead to conjunctions: a table for each kind of comparison.

use crate::{
    address::{Place, parse_address, place},
    comparison::{Comparison, Value},
    exact::{Exact, Kind},
    flatten::Flat,
    ignore_case::fold,
    index::Predicate,
    intervals::Intervals,
    number::{Finite, Number},
    prefixes::Prefixes,
    trie::Node,
};
use aho_corasick::{AhoCorasick, Anchored, Input, automaton::OverlappingState};
use std::{collections::BTreeMap, net::IpAddr};

const NONE: u32 = u32::MAX;

/// A predicate that leads on, and whether the key it was found under is proof that it holds.
#[derive(Clone, Copy, Debug)]
struct Lead(u32);

impl Lead {
    fn new(predicate: u32, proof: bool) -> Self {
        Self(predicate << 1 | u32::from(proof))
    }

    fn predicate(self) -> u32 {
        self.0 >> 1
    }

    fn is_proof(self) -> bool {
        self.0 & 1 == 1
    }
}

/// The predicates that share a key: mostly one, else a list of links that starts at `Head & !MANY`.
pub(crate) type Head = u32;

const MANY: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
struct Link {
    lead: Lead,
    /// The next link, or [`NONE`].
    next: u32,
}

#[derive(Debug)]
pub(crate) struct Access {
    exact: Exact,
    /// By field.
    fields: Vec<Option<Box<FieldAccess>>>,
    /// Fields with predicates for their absence.
    absent: Vec<(Node, Vec<Lead>)>,
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
    networks: Intervals<Place>,
    ranges: Intervals<u64>,
    infixes: Option<Infixes>,
    /// Any value.
    present: Vec<Lead>,
}

/// Pieces of wildcards that may stand anywhere in a string.
#[derive(Debug)]
struct Infixes {
    automaton: AhoCorasick,
    heads: Vec<Head>,
}

/// A key of one of the tables: the kind and the bytes. Those of ranges and networks are their two ends.
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
        Comparison::Address(address) => (Kind::Address, address_key(*address).to_vec()),
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
        Comparison::Cidr(cidr) => {
            let (first, last) = cidr.ends();
            (Kind::Network, [place_bytes(first), place_bytes(last)].concat())
        }
        Comparison::Numeric(range) => {
            let (low, high) = range.closed();
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

/// Whether finding the key is proof that the comparison holds.
fn is_proof(comparison: &Comparison) -> bool {
    use Comparison::{Address, Cidr, False, Null, Number, Numeric, Prefix, String, Suffix, True};
    matches!(
        comparison,
        String(_)
            | Address(_)
            | Number(_)
            | True
            | False
            | Null
            | Prefix(_)
            | Suffix(_)
            | Numeric(_)
            | Cidr(_)
    )
}

fn address_key(address: IpAddr) -> [u8; 17] {
    place_bytes(place(address))
}

fn place_bytes((family, bits): Place) -> [u8; 17] {
    let mut bytes = [family; 17];
    bytes[1..].copy_from_slice(&bits.to_be_bytes());
    bytes
}

/// Collects the predicates that lead to conjunctions.
#[derive(Debug)]
pub(crate) struct AccessBuilder {
    keys: BTreeMap<(Node, Kind), hashbrown::HashMap<Vec<u8>, Head>>,
    present: BTreeMap<Node, Vec<Lead>>,
    absent: BTreeMap<Node, Vec<Lead>>,
    links: Vec<Link>,
    fields: usize,
}

impl AccessBuilder {
    pub(crate) fn new(fields: usize) -> Self {
        let (keys, present, absent) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { keys, present, absent, links: vec![], fields }
    }

    pub(crate) fn add(&mut self, number: u32, predicate: &Predicate) {
        let lead = Lead::new(number, predicate.comparisons.iter().all(is_proof));
        for comparison in &*predicate.comparisons {
            match key(comparison) {
                Some((kind, key)) => {
                    let links = &mut self.links;
                    let mut link = |lead, next| {
                        links.push(Link { lead, next });
                        MANY | (links.len() as u32 - 1)
                    };
                    let heads = self.keys.entry((predicate.field, kind)).or_default();
                    heads
                        .entry(key)
                        .and_modify(|head| {
                            let next = if *head & MANY == 0 { link(Lead(*head), NONE) } else { *head };
                            *head = link(lead, next & !MANY);
                        })
                        .or_insert(lead.0);
                }
                None if *comparison == Comparison::Absent => {
                    self.absent.entry(predicate.field).or_default().push(lead);
                }
                None => self.present.entry(predicate.field).or_default().push(lead),
            }
        }
    }

    pub(crate) fn build(self) -> Access {
        let mut fields: Vec<Option<Box<FieldAccess>>> = vec![];
        fields.resize_with(self.fields, || None);
        let mut exact = Exact::default();
        for ((field, kind), keys) in self.keys {
            let access = fields[field as usize].get_or_insert_default();
            let keys: Vec<(Vec<u8>, Head)> = keys.into_iter().collect();
            match kind {
                Kind::Prefix => access.prefixes = Prefixes::new(keys),
                Kind::Suffix => access.suffixes = Prefixes::new(keys),
                Kind::FoldedPrefix => access.folded_prefixes = Prefixes::new(keys),
                Kind::FoldedSuffix => access.folded_suffixes = Prefixes::new(keys),
                Kind::Network => access.networks = networks(&keys),
                Kind::Range => access.ranges = ranges(&keys),
                Kind::Infix => match infixes(keys) {
                    Ok(infixes) => access.infixes = Some(infixes),
                    // Too many for an automaton: any string may hold one.
                    Err(keys) => {
                        access.present.extend(keys.iter().flat_map(|(_, head)| leads(&self.links, *head)))
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
        Access { exact, fields, absent: self.absent.into_iter().collect(), links: self.links }
    }
}

fn ranges(keys: &[(Vec<u8>, Head)]) -> Intervals<u64> {
    let interval =
        |(key, head): &(Vec<u8>, Head)| (big_endian(&key[..8]) as u64, big_endian(&key[8..]) as u64, *head);
    Intervals::new(keys.iter().map(interval).collect())
}

fn networks(keys: &[(Vec<u8>, Head)]) -> Intervals<Place> {
    let place = |key: &[u8]| (key[0], big_endian(&key[1..]));
    let interval = |(key, head): &(Vec<u8>, Head)| (place(&key[..17]), place(&key[17..]), *head);
    Intervals::new(keys.iter().map(interval).collect())
}

fn big_endian(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

fn infixes(keys: Vec<(Vec<u8>, Head)>) -> Result<Infixes, Vec<(Vec<u8>, Head)>> {
    match AhoCorasick::new(keys.iter().map(|(key, _)| key)) {
        Ok(automaton) => Ok(Infixes { automaton, heads: keys.into_iter().map(|(_, head)| head).collect() }),
        Err(_) => Err(keys),
    }
}

fn leads(links: &[Link], head: Head) -> impl Iterator<Item = Lead> {
    let one = (head & MANY == 0).then_some(Lead(head));
    let link = |at: u32| links.get(at as usize);
    let first = if one.is_some() { None } else { link(head & !MANY) };
    let many = std::iter::successors(first, move |before| link(before.next)).map(|link| link.lead);
    one.into_iter().chain(many)
}

impl Access {
    /// Calls `hit` for every predicate that leads to conjunctions and may hold: with the element of the value that it holds
    /// for, if it is sure to. Some are hit several times.
    pub(crate) fn find(
        &self,
        event: &[u8],
        flat: &Flat,
        scratch: &mut Vec<u8>,
        mut hit: impl FnMut(u32, Option<u32>),
    ) {
        for field in &flat.fields {
            let Some(access) = &self.fields[*field as usize] else { continue };
            for (value, element) in flat.values(event, *field) {
                let exact = |kind, key: &[u8]| self.exact.get(*field, kind, key);
                access.find(value, exact, scratch, |head| {
                    for lead in leads(&self.links, head) {
                        hit(lead.predicate(), lead.is_proof().then_some(element));
                    }
                });
            }
            access.present.iter().for_each(|lead| hit(lead.predicate(), None));
        }
        for (field, absent) in &self.absent {
            if !flat.has(*field) {
                absent.iter().for_each(|lead| hit(lead.predicate(), None));
            }
        }
    }
}

impl FieldAccess {
    fn find(
        &self,
        value: Value,
        exact: impl Fn(Kind, &[u8]) -> Option<Head>,
        scratch: &mut Vec<u8>,
        mut found: impl FnMut(Head),
    ) {
        match value {
            Value::String(text) => self.find_string(text, exact, scratch, found),
            Value::Number(spelling) => {
                if !self.numbers && self.ranges.is_empty() {
                    return;
                }
                match Finite::parse(spelling) {
                    Some(number) => {
                        if self.numbers {
                            let key = number.bits().to_be_bytes();
                            exact(Kind::Number, &key).into_iter().for_each(&mut found);
                        }
                        self.ranges.holding(number.sortable(), found);
                    }
                    None => exact(Kind::Spelling, spelling).into_iter().for_each(found),
                }
            }
            _ if !self.words => {}
            Value::True => exact(Kind::True, b"").into_iter().for_each(found),
            Value::False => exact(Kind::False, b"").into_iter().for_each(found),
            Value::Null => exact(Kind::Null, b"").into_iter().for_each(found),
        }
    }

    fn find_string(
        &self,
        text: &[u8],
        exact: impl Fn(Kind, &[u8]) -> Option<Head>,
        scratch: &mut Vec<u8>,
        mut found: impl FnMut(Head),
    ) {
        if self.strings {
            exact(Kind::String, text).into_iter().for_each(&mut found);
        }
        self.prefixes.of(text, &mut found);
        if !self.suffixes.is_empty() {
            scratch.clear();
            scratch.extend(text.iter().rev());
            self.suffixes.of(scratch, &mut found);
        }
        if self.ignoring_case || !self.folded_prefixes.is_empty() || !self.folded_suffixes.is_empty() {
            scratch.clear();
            fold(text, scratch);
            if self.ignoring_case {
                exact(Kind::IgnoringCase, scratch).into_iter().for_each(&mut found);
            }
            self.folded_prefixes.of(scratch, &mut found);
            scratch.reverse();
            self.folded_suffixes.of(scratch, &mut found);
        }
        if (self.addresses || !self.networks.is_empty())
            && let Some(address) = parse_address(text)
        {
            if self.addresses {
                exact(Kind::Address, &address_key(address)).into_iter().for_each(&mut found);
            }
            self.networks.holding(place(address), &mut found);
        }
        if let Some(infixes) = &self.infixes {
            infixes.within(text, found);
        }
    }
}

impl Infixes {
    fn within(&self, text: &[u8], mut found: impl FnMut(Head)) {
        let mut state = OverlappingState::start();
        let input = Input::new(text).anchored(Anchored::No);
        loop {
            self.automaton.find_overlapping(input.clone(), &mut state);
            let Some(hit) = state.get_match() else { return };
            found(self.heads[hit.pattern().as_usize()]);
        }
    }
}
