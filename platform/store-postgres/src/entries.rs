//! The index entries of a document as one column: index number, length, key, again and again.

/// One entry: the index's number and the encoded key.
pub(crate) type Entry = (i32, Vec<u8>);

pub(crate) fn pack(entries: &[Entry]) -> Option<Vec<u8>> {
    if entries.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(entries.iter().map(|(_, key)| 6 + key.len()).sum());
    for (index, key) in entries {
        bytes.extend_from_slice(&index.to_be_bytes());
        // The port keeps index keys below 1,000 bytes.
        bytes.extend_from_slice(&(key.len() as u16).to_be_bytes());
        bytes.extend_from_slice(key);
    }
    Some(bytes)
}

/// None if the bytes are damaged.
pub(crate) fn unpack(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (index, rest) = bytes.split_first_chunk::<4>()?;
        let (len, rest) = rest.split_first_chunk::<2>()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        entries.push((i32::from_be_bytes(*index), key.to_vec()));
        bytes = rest;
    }
    Some(entries)
}
