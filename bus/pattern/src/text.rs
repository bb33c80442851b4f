//! Text as bytes: UTF-8, with lone surrogates as three bytes each (WTF-8), so that `"\ud800"` equals itself and nothing else.

/// Appends what the inside of a JSON string says, without its escapes.
///
/// # Errors
/// Offset of the first bad escape.
pub(crate) fn unescape(raw: &[u8], into: &mut Vec<u8>) -> Result<(), usize> {
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'\\', &raw[at..]) {
        into.extend_from_slice(&raw[at..at + length]);
        at += length;
        let plain = match raw.get(at + 1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(&same @ (b'"' | b'\\' | b'/')) => same,
            Some(b'u') => {
                at += push_unit(raw, at, into).ok_or(at)?;
                continue;
            }
            _ => return Err(at),
        };
        into.push(plain);
        at += 2;
    }
    into.extend_from_slice(&raw[at..]);
    Ok(())
}

/// Reads `\uXXXX`, or a pair of them, at `at`; says how many bytes that was.
fn push_unit(raw: &[u8], at: usize, into: &mut Vec<u8>) -> Option<usize> {
    let unit = |at: usize| -> Option<u32> {
        let text = raw.get(at..at + 6).filter(|text| text.starts_with(b"\\u"))?;
        text[2..].iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
    };
    let first = unit(at)?;
    if let (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) = (first, unit(at + 6)) {
        push(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), into);
        return Some(12);
    }
    push(first, into);
    Some(6)
}

fn push(code: u32, into: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(c) => into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        // A lone surrogate: U+D800 to U+DFFF take three bytes.
        None => into.extend([
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
    }
}

/// For people.
pub(crate) fn show(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}
