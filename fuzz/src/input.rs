//! How a target reads its input.

/// The parts of an input, between lines of three hyphens; absent ones are empty.
pub(crate) fn parts<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    let mut rest = bytes;
    std::array::from_fn(|part| {
        const LINE: &[u8] = b"\n---\n";
        let end = rest.windows(LINE.len()).position(|window| window == LINE).filter(|_| part + 1 < N);
        let (this, after) = match end {
            Some(end) => (&rest[..end], &rest[end + LINE.len()..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        this
    })
}

/// Something genuine, changed in a few places: four bytes of the script say how, where (two), and to which byte.
pub(crate) fn edited(genuine: &[u8], script: &[u8]) -> Vec<u8> {
    let mut bytes = genuine.to_vec();
    for edit in script.chunks_exact(4) {
        let place = usize::from(u16::from_be_bytes([edit[1], edit[2]])) % (bytes.len() + 1);
        match edit[0] % 4 {
            0 => bytes.insert(place, edit[3]),
            1 => bytes.truncate(place),
            _ if place == bytes.len() => bytes.push(edit[3]),
            2 => bytes[place] = edit[3],
            _ => drop(bytes.remove(place)),
        }
    }
    bytes
}

/// As [`edited`], for texts.
pub(crate) fn edited_text(genuine: &str, script: &[u8]) -> String {
    String::from_utf8_lossy(&edited(genuine.as_bytes(), script)).into_owned()
}
