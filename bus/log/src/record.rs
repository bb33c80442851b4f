//! Events and records, and how a record is written.
//!
//! A record on the disk, all numbers little-endian: length of what follows the checksum (u32), checksum (u32, CRC-32
//! of the length and the rest), then the segment's salt (u32), sequence (u64), place in its group (u32), ingest time and
//! event time (i64, microseconds since 1970), lengths of id, source, detail-type and group id (u16 each,
//! 65,535 for no group id), these texts, and the body.

use crate::LogError;
use jiff::Timestamp;
use std::fmt;

/// The longest id, source, detail-type or group id, in bytes.
pub const MAX_TEXT: usize = 4_096;
/// The longest body, in bytes.
pub const MAX_BODY: usize = 16 << 20;

/// Length and checksum.
pub(crate) const HEAD: usize = 8;
const FIXED: usize = 40;
/// The shortest and the longest record that there can be, without its head.
pub(crate) const LENGTHS: std::ops::RangeInclusive<usize> = FIXED..=FIXED + 4 * MAX_TEXT + MAX_BODY;
const NO_GROUP: u16 = u16::MAX;

/// The number of a record in its log: 1 for the first, then without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// Before the first record.
    pub const ZERO: Self = Self(0);

    /// The sequence of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event as a producer hands it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What tells it from every other event; the same id again is the same event.
    pub id: String,
    /// When it happened, by the producer's clock. Kept to the microsecond.
    pub time: Timestamp,
    /// Who tells it, such as `shop.orders`.
    pub source: String,
    /// What happened, such as `OrderPlaced`.
    pub detail_type: String,
    /// Events of one group are to be delivered in order.
    pub group: Option<String>,
    /// The event's own bytes; never parsed or written anew.
    pub body: Vec<u8>,
}

impl Event {
    /// Bytes that it takes in the log.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [&self.id, &self.source, &self.detail_type].map(String::len).iter().sum::<usize>();
        HEAD + FIXED + texts + self.group.as_ref().map_or(0, String::len) + self.body.len()
    }

    /// Whether the log takes it as event number `place` of an append.
    pub(crate) fn check(&self, place: usize) -> Result<(), LogError> {
        let group = self.group.as_ref().map_or(0, String::len);
        let parts = [
            ("id", self.id.len(), 1, MAX_TEXT),
            ("source", self.source.len(), 0, MAX_TEXT),
            ("detail-type", self.detail_type.len(), 0, MAX_TEXT),
            ("group id", group, 0, MAX_TEXT),
            ("body", self.body.len(), 0, MAX_BODY),
        ];
        match parts.into_iter().find(|(_, bytes, least, most)| bytes < least || bytes > most) {
            Some((what, bytes, least, most)) => Err(LogError::Refused { place, what, bytes, least, most }),
            None => Ok(()),
        }
    }
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// When the log took it; never before that of the record before it.
    pub ingest_time: Timestamp,
    /// The event as it was handed in.
    pub event: Event,
}

/// A time as the log keeps it: to the microsecond.
pub(crate) fn kept(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// Where a record stands.
#[derive(Clone, Copy)]
pub(crate) struct Stand {
    /// The segment's: what a producer does not know, so that no event's body can pass for records.
    pub(crate) salt: u32,
    pub(crate) sequence: Sequence,
    /// How many records of the same write come before it. What came before those was on the disk already.
    pub(crate) place: u32,
    pub(crate) ingest_time: Timestamp,
}

/// Writes an event that was checked.
pub(crate) fn encode(out: &mut Vec<u8>, stand: Stand, event: &Event) {
    let start = out.len();
    out.extend([0; HEAD]);
    out.extend(stand.salt.to_le_bytes());
    out.extend(stand.sequence.get().to_le_bytes());
    out.extend(stand.place.to_le_bytes());
    out.extend(stand.ingest_time.as_microsecond().to_le_bytes());
    out.extend(event.time.as_microsecond().to_le_bytes());
    let length = |text: &String| u16::try_from(text.len()).unwrap_or(NO_GROUP);
    for text in [&event.id, &event.source, &event.detail_type] {
        out.extend(length(text).to_le_bytes());
    }
    out.extend(event.group.as_ref().map_or(NO_GROUP, length).to_le_bytes());
    for text in [&event.id, &event.source, &event.detail_type].into_iter().chain(&event.group) {
        out.extend(text.as_bytes());
    }
    out.extend(&event.body);
    let (head, rest) = out[start..].split_at_mut(HEAD);
    let length = u32::try_from(rest.len()).unwrap_or(u32::MAX).to_le_bytes();
    let checksum = checksum(&[&length, rest]).to_le_bytes();
    head[..4].copy_from_slice(&length);
    head[4..].copy_from_slice(&checksum);
}

/// A record as it was read.
pub(crate) struct Decoded {
    pub(crate) record: Record,
    /// The first record of the write that this one was part of.
    pub(crate) group_first: Sequence,
}

/// Reads a record; an error says what is wrong with it.
pub(crate) fn decode(salt: u32, head: [u8; HEAD], rest: &[u8]) -> Result<Decoded, &'static str> {
    let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
    if checksum(&[&[l0, l1, l2, l3], rest]) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err("the checksum does not fit the record");
    }
    if !is_of(salt, rest) {
        return Err("the record is of another segment");
    }
    parse(rest).ok_or("the checksum fits, but the record makes no sense")
}

/// Whether what may be a record without its head is one of the segment with this salt, by a glance.
pub(crate) fn is_of(salt: u32, rest: &[u8]) -> bool {
    rest.starts_with(&salt.to_le_bytes())
}

fn parse(mut rest: &[u8]) -> Option<Decoded> {
    let rest = &mut rest;
    let _salt: [u8; 4] = number(rest)?;
    let sequence = Sequence(u64::from_le_bytes(number(rest)?));
    let place = u32::from_le_bytes(number(rest)?);
    let ingest_time = Timestamp::from_microsecond(i64::from_le_bytes(number(rest)?)).ok()?;
    let time = Timestamp::from_microsecond(i64::from_le_bytes(number(rest)?)).ok()?;
    let mut lengths = [0; 4];
    for length in &mut lengths {
        *length = u16::from_le_bytes(number(rest)?);
    }
    let [id, source, detail_type, group] = lengths;
    let event = Event {
        id: text(rest, id)?,
        time,
        source: text(rest, source)?,
        detail_type: text(rest, detail_type)?,
        group: if group == NO_GROUP { None } else { Some(text(rest, group)?) },
        body: rest.to_vec(),
    };
    let group_first = Sequence(sequence.0.checked_sub(place.into())?);
    Some(Decoded { record: Record { sequence, ingest_time, event }, group_first })
}

fn text(rest: &mut &[u8], length: u16) -> Option<String> {
    let (text, after) = rest.split_at_checked(length.into())?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}

/// The bytes of a number at the beginning of `rest`, which it goes past.
pub(crate) fn number<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*number)
}

/// CRC-32 of the parts in a row.
pub(crate) fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}
