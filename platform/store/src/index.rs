use crate::{StoreError, limits};
use jiff::Timestamp;
use std::fmt;

/// A tuple of texts, numbers, times and truths, encoded so that the order of its bytes is the order of the tuples.
///
/// Components of different kinds at the same place order as bool < int < time < text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct IndexKey(Vec<u8>);

// Tags and the text's end stay below 0xff, so a text that is another's beginning sorts first (see `text`).
const BOOL: u8 = 1;
const INT: u8 = 2;
const TIME: u8 = 3;
const TEXT: u8 = 4;

impl IndexKey {
    /// The empty tuple; as a prefix it stands for the whole index.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a text; texts order by their UTF-8 bytes.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.push_text(text);
        self.0.push(0);
        self
    }

    /// Adds the beginning of a text: a prefix made so matches every text that begins with it. Use it as the last
    /// component of a query's prefix, never in an entry.
    #[must_use]
    pub fn text_beginning(mut self, text: &str) -> Self {
        self.push_text(text);
        self
    }

    fn push_text(&mut self, text: &str) {
        self.0.push(TEXT);
        for byte in text.bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xff);
            }
        }
    }

    /// Adds a whole number.
    #[must_use]
    pub fn int(mut self, number: i64) -> Self {
        self.0.push(INT);
        // Flipping the sign bit makes the two's complement order the order of unsigned bytes.
        self.0.extend_from_slice(&(number ^ i64::MIN).to_be_bytes());
        self
    }

    /// Adds an instant, to the nanosecond.
    #[must_use]
    pub fn time(mut self, at: Timestamp) -> Self {
        let nanos = at.as_nanosecond();
        self.0.push(TIME);
        // A timestamp's seconds fit in an i64 and the remainder is below a billion, so neither conversion cuts.
        let seconds = nanos.div_euclid(1_000_000_000) as i64;
        let rest = nanos.rem_euclid(1_000_000_000) as u32;
        self.0.extend_from_slice(&(seconds ^ i64::MIN).to_be_bytes());
        self.0.extend_from_slice(&rest.to_be_bytes());
        self
    }

    /// Adds a truth value; false comes first.
    #[must_use]
    pub fn bool(mut self, truth: bool) -> Self {
        self.0.extend_from_slice(&[BOOL, u8::from(truth)]);
        self
    }

    /// Adds the components of another key.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    /// The encoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key with these encoded bytes, as a backend stored them.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The least bytes above everything that begins with `self`; none when there is no such bound.
    pub(crate) fn end_of_prefix(&self) -> Option<Vec<u8>> {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            if last < 0xff {
                end.push(last + 1);
                return Some(end);
            }
        }
        None
    }

    pub(crate) fn check(&self, index: &str) -> Result<(), StoreError> {
        if self.0.len() <= limits::INDEX_KEY_BYTES {
            return Ok(());
        }
        let what = format!("a key in index {index}");
        Err(StoreError::TooLarge { what, size: self.0.len(), limit: limits::INDEX_KEY_BYTES })
    }
}

/// Readable: `("ada", 7, true)`. Bytes that are no valid encoding are shown in hexadecimal.
impl fmt::Display for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut rest = self.0.as_slice();
        while let Some((part, tail)) = show_component(rest) {
            parts.push(part);
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(format!("0x{}", rest.iter().map(|b| format!("{b:02x}")).collect::<String>()));
        }
        write!(f, "({})", parts.join(", "))
    }
}

fn show_component(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    match *tag {
        BOOL => rest.split_first().map(|(b, tail)| ((*b != 0).to_string(), tail)),
        INT => {
            let (number, tail) = rest.split_first_chunk::<8>()?;
            Some(((i64::from_be_bytes(*number) ^ i64::MIN).to_string(), tail))
        }
        TIME => {
            let (seconds, tail) = rest.split_first_chunk::<8>()?;
            let (nanos, tail) = tail.split_first_chunk::<4>()?;
            let seconds = i128::from(i64::from_be_bytes(*seconds) ^ i64::MIN);
            let nanos = i128::from(u32::from_be_bytes(*nanos));
            let at = Timestamp::from_nanosecond(seconds * 1_000_000_000 + nanos).ok()?;
            Some((at.to_string(), tail))
        }
        TEXT => {
            let mut text = Vec::new();
            let mut at = 0;
            loop {
                match (rest.get(at)?, rest.get(at + 1)) {
                    (0, Some(0xff)) => {
                        text.push(0);
                        at += 2;
                    }
                    (0, _) => break,
                    (byte, _) => {
                        text.push(*byte);
                        at += 1;
                    }
                }
            }
            Some((format!("{:?}", String::from_utf8_lossy(&text)), &rest[at + 1..]))
        }
        _ => None,
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One place where a document is found: a declared index and the key within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Name of an index declared for the document's collection.
    pub index: &'static str,
    /// Where in the index.
    pub key: IndexKey,
}

impl IndexEntry {
    /// The entry `key` in `index`.
    pub const fn new(index: &'static str, key: IndexKey) -> Self {
        Self { index, key }
    }
}
