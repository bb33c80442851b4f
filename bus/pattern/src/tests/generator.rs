//! Patterns and events from a seed. Patterns are made for an event that is at hand, so that many match.

use super::model::{ADDRESSES, Json, NUMBERS, Part, Test};

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Generator(u64);

const KEYS: [&str; 8] = ["a", "b", "c", "a.b", "A", "é", "k-1", "\u{1f600}"];
const STRINGS: [&str; 22] = [
    "",
    "a",
    "b",
    "ab",
    "aB",
    "AB",
    "ba",
    "abc",
    "abab",
    "a*b",
    "a\\b",
    "true",
    "1",
    "null",
    "é",
    "É",
    "Straße",
    "STRASSE",
    "strasse",
    "İi",
    "x/\"y\"",
    "\u{1f600}\u{0007}",
];
const NETWORKS: [&str; 7] =
    ["10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.77/31", "2001:db8::/32", "::/0", "::1/127"];

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u32
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u32) as usize]
    }

    fn many<T>(&mut self, most: u32, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..=self.below(most)).map(|_| one(self)).collect()
    }

    pub fn text(&mut self, json: &Json) -> String {
        let mut text = String::new();
        json.write(&mut |bound| self.below(bound), &mut text);
        text
    }

    fn key(&mut self) -> String {
        // Few keys, so that paths meet.
        let known = if self.one_in(4) { KEYS.len() } else { 3 };
        (*self.pick(&KEYS[..known])).to_owned()
    }

    fn string(&mut self) -> String {
        if self.one_in(5) { self.pick(ADDRESSES).0.to_owned() } else { (*self.pick(&STRINGS)).to_owned() }
    }

    fn number(&mut self) -> &'static str {
        self.pick(NUMBERS).0
    }

    fn scalar(&mut self) -> Json {
        match self.below(8) {
            0 => Json::True,
            1 => Json::False,
            2 => Json::Null,
            3 | 4 => Json::Number(self.number()),
            _ => Json::String(self.string()),
        }
    }

    pub fn event(&mut self) -> Json {
        self.object(3)
    }

    fn object(&mut self, depth: u32) -> Json {
        if self.one_in(12) {
            return Json::Object(vec![]);
        }
        // Keys may come twice.
        Json::Object(self.many(4, |g| (g.key(), g.value(depth - 1))))
    }

    fn value(&mut self, depth: u32) -> Json {
        match self.below(10) {
            0..3 if depth > 0 => self.object(depth),
            3..6 if depth > 0 && self.one_in(10) => Json::Array(vec![]),
            3..6 if depth > 0 => Json::Array(self.many(3, |g| g.value(depth - 1))),
            _ => self.scalar(),
        }
    }

    /// Changes, takes out or puts in a few bytes.
    pub fn damage(&mut self, text: &mut Vec<u8>) {
        for _ in 0..=self.below(2) {
            let at = self.below(text.len() as u32 + 1) as usize;
            let byte = *self.pick(b"{}[]\",:\\0159eE-+.ntu \x00\xff\xc3");
            match self.below(3) {
                0 if at < text.len() => text[at] = byte,
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert(at, byte),
            }
        }
    }

    /// A pattern that has to do with the event.
    pub fn pattern(&mut self, event: &Json) -> Vec<Part> {
        self.parts(event, 3)
    }

    fn parts(&mut self, around: &Json, depth: u32) -> Vec<Part> {
        self.many(2, |g| {
            if depth > 0 && g.one_in(7) {
                let branches = 2 + g.below(2);
                return Part::Or((0..branches).map(|_| g.parts(around, depth - 1)).collect());
            }
            let (key, value) = g.member(around);
            if depth > 0 && matches!(value, Json::Object(_)) && !g.one_in(12) {
                Part::Object(key, g.parts(&value, depth - 1))
            } else if depth > 0 && g.one_in(20) {
                Part::Object(key, g.parts(&Json::Object(vec![]), depth - 1))
            } else {
                Part::Field(key, g.many(2, |g| g.test(&value)))
            }
        })
    }

    /// A member of an object or of any object in it, if it is an array; now and then one that is not there.
    fn member(&mut self, around: &Json) -> (String, Json) {
        match around {
            Json::Object(members) if !members.is_empty() && !self.one_in(12) => {
                let (key, value) = self.pick(members).clone();
                (key, self.inside(value))
            }
            _ => (self.key(), Json::Null),
        }
    }

    fn inside(&mut self, value: Json) -> Json {
        match value {
            Json::Array(members) if !members.is_empty() => {
                let member = self.pick(&members).clone();
                self.inside(member)
            }
            value => value,
        }
    }

    fn test(&mut self, value: &Json) -> Test {
        if self.one_in(4) {
            let other = self.scalar();
            return self.test_for(&other);
        }
        self.test_for(value)
    }

    /// A test that the value often passes.
    fn test_for(&mut self, value: &Json) -> Test {
        match self.below(10) {
            0 => return Test::Exists(true),
            1 if self.one_in(2) => return Test::Exists(false),
            1 => return Test::Cidr(self.pick::<&str>(&NETWORKS)),
            2 => return self.anything_but(),
            _ => {}
        }
        match value {
            Json::String(text) => self.test_for_string(text),
            Json::Number(spelling) => match self.below(3) {
                0 => Test::Literal(value.clone()),
                1 => self.numeric(spelling),
                _ => {
                    let other = self.number();
                    self.numeric(other)
                }
            },
            Json::Object(_) | Json::Array(_) => Test::Exists(false),
            word => Test::Literal(word.clone()),
        }
    }

    fn test_for_string(&mut self, text: &str) -> Test {
        let characters: Vec<char> = text.chars().collect();
        let cut = self.below(characters.len() as u32 + 1) as usize;
        let (start, end): (String, String) =
            (characters[..cut].iter().collect(), characters[cut..].iter().collect());
        match self.below(11) {
            0 | 1 => Test::Literal(Json::String(text.to_owned())),
            2 => Test::Exactly(text.to_owned()),
            3 => Test::Prefix(start),
            4 => Test::Suffix(end),
            5 => Test::PrefixIgnoreCase(self.other_case(&start)),
            6 => Test::SuffixIgnoreCase(self.other_case(&end)),
            7 => Test::EqualsIgnoreCase(self.other_case(text)),
            8 if ADDRESSES.iter().any(|(known, _)| *known == text) => {
                Test::Cidr(self.pick::<&str>(&NETWORKS))
            }
            _ => Test::Wildcard(self.wildcard(text)),
        }
    }

    fn other_case(&mut self, text: &str) -> String {
        match self.below(3) {
            0 => text.to_lowercase(),
            1 => text.to_uppercase(),
            _ => text.to_owned(),
        }
    }

    /// The text with asterisks in place of some of it, or its start and its end, which may overlap.
    fn wildcard(&mut self, text: &str) -> String {
        let mut wildcard = String::new();
        let characters: Vec<char> = text.chars().collect();
        let escape = |c: &char| if matches!(c, '*' | '\\') { format!("\\{c}") } else { c.to_string() };
        if self.one_in(4) {
            let mut cut = || self.below(characters.len() as u32 + 1) as usize;
            let (start, end) = (cut(), cut());
            let [start, end] = [&characters[..start], &characters[end..]]
                .map(|part| part.iter().map(escape).collect::<String>());
            return format!("{start}*{end}");
        }
        let mut ends_with_asterisk = false;
        for c in &characters {
            let replaced = self.one_in(3);
            if replaced && !ends_with_asterisk {
                wildcard.push('*');
                ends_with_asterisk = true;
            }
            if !replaced || self.one_in(2) {
                wildcard.push_str(&escape(c));
                ends_with_asterisk = false;
            }
        }
        wildcard
    }

    fn numeric(&mut self, near: &'static str) -> Test {
        let value =
            |spelling| NUMBERS.iter().find(|(known, _)| *known == spelling).and_then(|(_, value)| *value);
        let Some(number) = value(near) else {
            return Test::Literal(Json::Number(near));
        };
        let other = self.number();
        match (self.below(3), value(other)) {
            (0, Some(high)) if number < high => {
                Test::Numeric(vec![(*self.pick(&[">", ">="]), near), (*self.pick(&["<", "<="]), other)])
            }
            (1, Some(low)) if low < number => {
                Test::Numeric(vec![(*self.pick(&[">", ">="]), other), (*self.pick(&["<", "<="]), near)])
            }
            _ => Test::Numeric(vec![(*self.pick(&["=", ">", ">=", "<", "<="]), near)]),
        }
    }

    fn anything_but(&mut self) -> Test {
        match self.below(6) {
            0 | 1 => Test::AnythingBut(self.many(2, |g| Json::String(g.string()))),
            2 => Test::AnythingBut(self.many(2, |g| Json::Number(g.number()))),
            3 => {
                let operator = *self.pick(&["prefix", "suffix"]);
                Test::AnythingButOf(operator, self.many(2, |g| format!("{}b", g.string())))
            }
            4 => Test::AnythingButOf("equals-ignore-case", self.many(2, Self::string)),
            _ => Test::AnythingButOf(
                "wildcard",
                self.many(2, |g| {
                    let text = g.string();
                    g.wildcard(&text)
                }),
            ),
        }
    }
}
