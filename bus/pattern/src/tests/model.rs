//! Event patterns, said as simply as possible: no index, no shared code with the engine, all combinations tried. It takes
//! patterns and events as the generator makes them, not as text, so that the readers of both are under test too.

use std::{
    collections::BTreeMap,
    fmt::Write,
    net::{IpAddr, Ipv6Addr},
};

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    Number(&'static str),
    True,
    False,
    Null,
}

/// A pattern is a list of parts that all have to hold.
#[derive(Clone, Debug)]
pub enum Part {
    Field(String, Vec<Test>),
    Object(String, Vec<Part>),
    Or(Vec<Vec<Part>>),
}

#[derive(Clone, Debug)]
pub enum Test {
    /// A string, number or word; a string that is an address equals all its spellings.
    Literal(Json),
    Exactly(String),
    Prefix(String),
    Suffix(String),
    PrefixIgnoreCase(String),
    SuffixIgnoreCase(String),
    EqualsIgnoreCase(String),
    Wildcard(String),
    Numeric(Vec<(&'static str, &'static str)>),
    Cidr(&'static str),
    Exists(bool),
    AnythingBut(Vec<Json>),
    AnythingButOf(&'static str, Vec<String>),
}

/// Spellings of numbers, and the double that each stands for, if it stands for one.
pub const NUMBERS: &[(&str, Option<f64>)] = &[
    ("0", Some(0.0)),
    ("-0", Some(0.0)),
    ("0.0", Some(0.0)),
    ("0e5", Some(0.0)),
    ("1", Some(1.0)),
    ("1.0", Some(1.0)),
    ("1e0", Some(1.0)),
    ("10E-1", Some(1.0)),
    ("-1", Some(-1.0)),
    ("2", Some(2.0)),
    ("-2.5", Some(-2.5)),
    ("-25e-1", Some(-2.5)),
    ("0.1", Some(0.1)),
    ("0.30000000000000004", Some(0.300_000_000_000_000_04)),
    ("0.3", Some(0.3)),
    ("0.29999999999999999", None),
    ("0.1000000000000000055511151231257827", None),
    ("10", Some(10.0)),
    ("1e1", Some(10.0)),
    ("5e9", Some(5e9)),
    ("5000000000", Some(5e9)),
    ("5000000000.000001", Some(5_000_000_000.000_001)),
    ("123456789012", Some(123_456_789_012.0)),
    ("9007199254740992", Some(9_007_199_254_740_992.0)),
    ("9007199254740993", None),
    ("9007199254740993.0", None),
    ("1e300", Some(1e300)),
    ("-1e300", Some(-1e300)),
    ("1e400", None),
    ("1e-320", Some(1e-320)),
    ("1e-400", None),
];

/// Strings that look like addresses, and which they are.
pub const ADDRESSES: &[(&str, &str)] = &[
    ("10.0.0.1", "10.0.0.1"),
    ("010.0.0.01", "10.0.0.1"),
    ("10.0.0.255", "10.0.0.255"),
    ("10.0.1.1", "10.0.1.1"),
    ("10.0.0.76", "10.0.0.76"),
    ("192.168.1.7", "192.168.1.7"),
    ("10.0.0", ""),
    ("10.0.0.256", ""),
    ("::1", "::1"),
    ("0:0:0:0:0:0:0:1", "::1"),
    ("2001:db8::1", "2001:db8::1"),
    ("2001:0DB8:0::1", "2001:db8::1"),
    ("::ffff:a00:1", "10.0.0.1"),
    ("::ffff:10.0.0.1", ""),
    ("12:30", ""),
];

impl Part {
    fn json(&self) -> (String, Json) {
        let object = |parts: &Vec<Self>| Json::Object(parts.iter().map(Self::json).collect());
        match self {
            Self::Field(key, tests) => (key.clone(), Json::Array(tests.iter().map(Test::json).collect())),
            Self::Object(key, parts) => (key.clone(), object(parts)),
            Self::Or(branches) => ("$or".into(), Json::Array(branches.iter().map(object).collect())),
        }
    }
}

/// The pattern as JSON.
pub fn pattern(parts: &[Part]) -> Json {
    Json::Object(parts.iter().map(Part::json).collect())
}

impl Test {
    fn json(&self) -> Json {
        let string = |text: &String| Json::String(text.clone());
        let object = |key: &str, value| Json::Object(vec![(key.into(), value)]);
        match self {
            Self::Literal(value) => value.clone(),
            Self::Exactly(text) => object("exactly", string(text)),
            Self::Prefix(text) => object("prefix", string(text)),
            Self::Suffix(text) => object("suffix", string(text)),
            Self::PrefixIgnoreCase(text) => object("prefix", object("equals-ignore-case", string(text))),
            Self::SuffixIgnoreCase(text) => object("suffix", object("equals-ignore-case", string(text))),
            Self::EqualsIgnoreCase(text) => object("equals-ignore-case", string(text)),
            Self::Wildcard(text) => object("wildcard", string(text)),
            Self::Numeric(terms) => {
                let term = |term: &(&str, &'static str)| [Json::String(term.0.into()), Json::Number(term.1)];
                object("numeric", Json::Array(terms.iter().flat_map(term).collect()))
            }
            Self::Cidr(text) => object("cidr", Json::String((*text).into())),
            Self::Exists(there) => object("exists", if *there { Json::True } else { Json::False }),
            Self::AnythingBut(values) => object("anything-but", one_or_many(values.clone())),
            Self::AnythingButOf(operator, texts) => {
                object("anything-but", object(operator, one_or_many(texts.iter().map(string).collect())))
            }
        }
    }

    fn holds(&self, value: &Json) -> bool {
        match (self, value) {
            (Self::Exists(there), _) => *there,
            (Self::AnythingBut(values), value) => !values.iter().any(|other| same(other, value)),
            (Self::AnythingButOf(operator, texts), Json::String(value)) => {
                !texts.iter().any(|text| match *operator {
                    "prefix" => value.starts_with(text),
                    "suffix" => value.ends_with(text),
                    "wildcard" => like(text.as_bytes(), value.as_bytes()),
                    _ => ignoring_case(text, value).contains(&value.len()),
                })
            }
            (Self::AnythingButOf(..), _) => true,
            (Self::Literal(Json::String(text)), Json::String(value)) => match address(text) {
                Some(known) => address(value) == Some(known),
                None => text == value,
            },
            (Self::Literal(literal), value) => same(literal, value),
            (Self::Exactly(text), Json::String(value)) => text == value,
            (Self::Prefix(text), Json::String(value)) => value.starts_with(text),
            (Self::Suffix(text), Json::String(value)) => value.ends_with(text),
            (Self::PrefixIgnoreCase(text), Json::String(value)) => !ignoring_case(text, value).is_empty(),
            (Self::SuffixIgnoreCase(text), Json::String(value)) => value
                .char_indices()
                .map(|(at, _)| &value[at..])
                .chain([""])
                .any(|end| ignoring_case(text, end).contains(&end.len())),
            (Self::EqualsIgnoreCase(text), Json::String(value)) => {
                ignoring_case(text, value).contains(&value.len())
            }
            (Self::Wildcard(text), Json::String(value)) => like(text.as_bytes(), value.as_bytes()),
            (Self::Numeric(terms), Json::Number(value)) => number(value).is_some_and(|value| {
                terms.iter().all(|(operator, other)| {
                    let other = number(other).unwrap();
                    match *operator {
                        "=" => value == other,
                        ">" => value > other,
                        ">=" => value >= other,
                        "<" => value < other,
                        _ => value <= other,
                    }
                })
            }),
            (Self::Cidr(network), Json::String(value)) => {
                let (network, bits) = network.split_once('/').unwrap();
                match (network.parse().unwrap(), address(value)) {
                    (IpAddr::V4(one), Some(IpAddr::V4(other))) => {
                        let shift = 32 - bits.parse::<u32>().unwrap();
                        u64::from(one.to_bits()) >> shift == u64::from(other.to_bits()) >> shift
                    }
                    (IpAddr::V6(one), Some(IpAddr::V6(other))) => {
                        let bits: u32 = bits.parse().unwrap();
                        (0..bits)
                            .all(|bit| one.to_bits() >> (127 - bit) & 1 == other.to_bits() >> (127 - bit) & 1)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

fn one_or_many(mut values: Vec<Json>) -> Json {
    if values.len() == 1 { values.remove(0) } else { Json::Array(values) }
}

fn number(spelling: &str) -> Option<f64> {
    NUMBERS.iter().find(|(known, _)| *known == spelling).unwrap().1
}

fn address(text: &str) -> Option<IpAddr> {
    ADDRESSES.iter().find(|(known, _)| *known == text)?.1.parse().ok()
}

fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => match (number(one), number(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
        _ => one == other,
    }
}

fn like(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|at| like(rest, &text[at..])),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => {
            text.first() == Some(literal) && like(rest, &text[1..])
        }
    }
}

/// All lengths of beginnings of `text` that the characters of `pattern` can stand for.
fn ignoring_case(pattern: &str, text: &str) -> Vec<usize> {
    let mut lengths = vec![0];
    for c in pattern.chars() {
        let forms = [c.to_string(), c.to_lowercase().collect::<String>(), c.to_uppercase().collect()];
        let after = |length: &usize| {
            let rest = text[*length..].to_owned();
            let length = *length;
            forms
                .clone()
                .into_iter()
                .filter(move |form| rest.starts_with(form.as_str()))
                .map(move |f| length + f.len())
        };
        lengths = lengths.iter().flat_map(after).collect();
    }
    lengths
}

/// A value of an event: its path, and at which place of which arrays it is.
struct Leaf<'a> {
    path: String,
    value: &'a Json,
    places: BTreeMap<usize, usize>,
}

fn leaves<'a>(
    path: &str,
    value: &'a Json,
    places: &BTreeMap<usize, usize>,
    arrays: &mut usize,
    into: &mut Vec<Leaf<'a>>,
) {
    match value {
        Json::Object(members) => {
            for (key, value) in members {
                leaves(&format!("{path}.{key}"), value, places, arrays, into);
            }
        }
        Json::Array(members) => {
            let array = *arrays;
            *arrays += 1;
            for (place, value) in members.iter().enumerate() {
                let mut places = places.clone();
                if matches!(value, Json::Object(_) | Json::Array(_)) {
                    places.insert(array, place);
                }
                leaves(path, value, &places, arrays, into);
            }
        }
        value => into.push(Leaf { path: path.to_owned(), value, places: places.clone() }),
    }
}

/// Fields by path; paths sort as UTF-16.
type Branch<'a> = BTreeMap<(Vec<u16>, String), &'a [Test]>;

fn branches<'a>(path: &str, parts: &'a [Part], mut so_far: Vec<Branch<'a>>) -> Vec<Branch<'a>> {
    for part in parts {
        match part {
            Part::Field(key, tests) => {
                let path = format!("{path}.{key}");
                for branch in &mut so_far {
                    branch.insert((path.encode_utf16().collect(), path.clone()), tests);
                }
            }
            Part::Object(key, parts) => so_far = branches(&format!("{path}.{key}"), parts, so_far),
            Part::Or(alternatives) => {
                so_far =
                    alternatives.iter().flat_map(|parts| branches(path, parts, so_far.clone())).collect();
            }
        }
    }
    so_far
}

pub fn matches(parts: &[Part], event: &Json) -> bool {
    let mut found = vec![];
    leaves("", event, &BTreeMap::new(), &mut 0, &mut found);
    branches("", parts, vec![Branch::new()]).iter().any(|branch| {
        let fields: Vec<(&str, &[Test])> =
            branch.iter().map(|((_, path), tests)| (path.as_str(), *tests)).collect();
        all_hold(&fields, &found, &BTreeMap::new())
    })
}

fn all_hold(fields: &[(&str, &[Test])], leaves: &[Leaf], fixed: &BTreeMap<usize, usize>) -> bool {
    let Some(((path, tests), rest)) = fields.split_first() else { return true };
    let consistent = |leaf: &&Leaf| {
        leaf.path == *path
            && leaf.places.iter().all(|(array, place)| fixed.get(array).is_none_or(|p| p == place))
    };
    let with =
        |leaf: &Leaf| fixed.iter().chain(&leaf.places).map(|(array, place)| (*array, *place)).collect();
    let holds = |leaf: &&Leaf| tests.iter().any(|test| test.holds(leaf.value));
    leaves.iter().filter(consistent).filter(holds).any(|leaf| all_hold(rest, leaves, &with(leaf)))
        || (tests.iter().any(|test| matches!(test, Test::Exists(false)))
            && !leaves.iter().any(|leaf| consistent(&leaf))
            && all_hold(rest, leaves, fixed))
}

impl Json {
    /// As text; `whim` decides on blanks and escapes.
    pub fn write(&self, whim: &mut impl FnMut(u32) -> u32, into: &mut String) {
        let mut list = |open, close, members: Vec<(Option<&String>, &Self)>, into: &mut String| {
            into.push(open);
            for (at, (key, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    into.push(',');
                }
                if let Some(key) = key {
                    write_string(key, whim, into);
                    into.push(':');
                }
                value.write(whim, into);
            }
            into.push(close);
        };
        match self {
            Self::Object(members) => {
                list('{', '}', members.iter().map(|(key, value)| (Some(key), value)).collect(), into);
            }
            Self::Array(members) => list('[', ']', members.iter().map(|value| (None, value)).collect(), into),
            Self::String(text) => write_string(text, whim, into),
            Self::Number(spelling) => into.push_str(spelling),
            Self::True => into.push_str("true"),
            Self::False => into.push_str("false"),
            Self::Null => into.push_str("null"),
        }
        if whim(8) == 0 {
            into.push_str([" ", "\n", "\t \r"][whim(3) as usize]);
        }
    }
}

fn write_string(text: &str, whim: &mut impl FnMut(u32) -> u32, into: &mut String) {
    let escape_more = whim(6) == 0;
    into.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => into.extend(['\\', c]),
            '\0'..' ' => write!(into, "\\u{:04x}", c as u32).unwrap(),
            '/' if escape_more => into.push_str("\\/"),
            c if escape_more && whim(2) == 0 => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(into, "\\u{unit:04X}").unwrap());
            }
            c => into.push(c),
        }
    }
    into.push('"');
}

#[test]
fn the_tables_of_the_model_say_what_the_standard_library_says() {
    for (spelling, value) in NUMBERS {
        let parsed: f64 = spelling.parse().unwrap();
        assert!(value.is_none_or(|value| value == parsed), "{spelling}");
    }
    for (text, _) in ADDRESSES.iter().filter(|(text, address)| text.contains("::") && !address.is_empty()) {
        let parsed: Ipv6Addr = text.parse().unwrap();
        assert_eq!(address(text), Some(parsed.to_canonical()));
    }
}
