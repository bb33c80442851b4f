use crate::StoreError;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{fmt, str::FromStr};

/// A place in a list, to go on from: opaque text for clients. It stays valid when documents come and go.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(Vec<u8>);

/// What a cursor holds for a backend: the index key and the document's place. Lists are ordered by all three.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CursorPosition {
    /// Encoded index key; empty in a list of children.
    pub key: Vec<u8>,
    /// The document's partition.
    pub partition: String,
    /// The document's sort text.
    pub sort: String,
}

const DAMAGED: StoreError = StoreError::BadCursor { reason: "the text is damaged" };

impl Cursor {
    pub(crate) fn new(list: &str, at: &CursorPosition) -> Self {
        let mut bytes = tag(list).to_vec();
        // Index keys and partitions are limited to far less than 64 kB (`limits`); a length that does not fit would
        // only make a cursor that does not parse.
        let len = |part: &[u8]| u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
        bytes.extend_from_slice(&len(&at.key));
        bytes.extend_from_slice(&at.key);
        bytes.extend_from_slice(&len(at.partition.as_bytes()));
        bytes.extend_from_slice(at.partition.as_bytes());
        bytes.extend_from_slice(at.sort.as_bytes());
        Self(bytes)
    }

    pub(crate) fn position(&self, list: &str) -> Result<CursorPosition, StoreError> {
        let (found, position) = parse(&self.0).ok_or(DAMAGED)?;
        if found == tag(list) {
            Ok(position)
        } else {
            Err(StoreError::BadCursor { reason: "it belongs to another list" })
        }
    }
}

fn parse(bytes: &[u8]) -> Option<([u8; 4], CursorPosition)> {
    let part = |bytes: &mut &[u8]| -> Option<Vec<u8>> {
        let (len, rest) = bytes.split_first_chunk::<2>()?;
        let (part, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        *bytes = rest;
        Some(part.to_vec())
    };
    let (tag, mut rest) = bytes.split_first_chunk::<4>()?;
    let key = part(&mut rest)?;
    let partition = String::from_utf8(part(&mut rest)?).ok()?;
    let sort = String::from_utf8(rest.to_vec()).ok()?;
    Some((*tag, CursorPosition { key, partition, sort }))
}

/// FNV-1a of the list's name: tells lists apart so that a cursor does not silently land in the wrong one.
fn tag(list: &str) -> [u8; 4] {
    list.bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
        .to_be_bytes()
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({self})")
    }
}

impl FromStr for Cursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| DAMAGED)?;
        parse(&bytes).ok_or(DAMAGED)?;
        Ok(Self(bytes))
    }
}
