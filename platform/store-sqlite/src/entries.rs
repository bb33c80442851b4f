//! The index entries of a document as one column: index number, length, key, again and again.

/// One entry: the index's number and the encoded key.
pub(crate) type Entry = (i64, Vec<u8>);

pub(crate) fn pack(entries: &[Entry]) -> Option<Vec<u8>> {
    if entries.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(entries.iter().map(|(_, key)| 12 + key.len()).sum());
    for (index, key) in entries {
        bytes.extend_from_slice(&index.to_le_bytes());
        // The port keeps index keys below 1,000 bytes.
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(key);
    }
    Some(bytes)
}

/// None if the bytes are damaged.
pub(crate) fn unpack(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (index, rest) = bytes.split_first_chunk::<8>()?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        entries.push((i64::from_le_bytes(*index), key.to_vec()));
        bytes = rest;
    }
    Some(entries)
}
