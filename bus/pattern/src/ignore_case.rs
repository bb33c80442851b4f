//! Comparing without case, as EventBridge does it: each character of the *pattern* stands for itself, for its lower case and
//! for its full upper case (`ß` for `SS` too). No alternative of a character is the beginning or the end of another
//! (a test looks at them all), so that one pass from either end decides.

/// How much of `text` the pattern's characters take from its start; none if they do not fit.
pub(crate) fn match_start(pattern: &[u8], text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for piece in characters(pattern) {
        at += form_length(piece, |form| text[at..].starts_with(form))?;
    }
    Some(at)
}

/// How much of `text` the pattern's characters take from its end; none if they do not fit.
pub(crate) fn match_end(pattern: &[u8], text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    let pieces: Vec<Piece> = characters(pattern).collect();
    for piece in pieces.into_iter().rev() {
        end -= form_length(piece, |form| text[..end].ends_with(form))?;
    }
    Some(text.len() - end)
}

/// A form that texts which match each other share: `fold(ab)` is `fold(a)` and then `fold(b)`. Sharing it is not
/// enough to match.
pub(crate) fn fold(text: &[u8], into: &mut Vec<u8>) {
    for piece in characters(text) {
        match piece {
            Piece::Byte(byte) => into.push(byte.to_ascii_uppercase()),
            Piece::Char(c) => {
                let mut buffer = [0; 4];
                for upper in c.to_lowercase().flat_map(char::to_uppercase) {
                    into.extend_from_slice(upper.encode_utf8(&mut buffer).as_bytes());
                }
            }
        }
    }
}

/// A character beyond ASCII, or a byte: of ASCII, or of a lone surrogate, which has no case.
#[derive(Clone, Copy)]
enum Piece {
    Byte(u8),
    Char(char),
}

fn characters(text: &[u8]) -> impl Iterator<Item = Piece> {
    text.utf8_chunks().flat_map(|chunk| {
        let valid =
            chunk.valid().chars().map(|c| if c.is_ascii() { Piece::Byte(c as u8) } else { Piece::Char(c) });
        valid.chain(chunk.invalid().iter().map(|byte| Piece::Byte(*byte)))
    })
}

/// The length of the form of `piece` that `fits`.
fn form_length(piece: Piece, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
    match piece {
        Piece::Byte(byte) => [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]
            .iter()
            .any(|form| fits(&[*form]))
            .then_some(1),
        Piece::Char(c) => forms(c).into_iter().find(|form| fits(form.as_bytes())).map(|form| form.len()),
    }
}

fn forms(c: char) -> [String; 3] {
    [c.to_string(), c.to_lowercase().collect(), c.to_uppercase().collect()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_character_fold_to_one_and_none_begins_or_ends_another() {
        let folded = |text: &str| {
            let mut into = vec![];
            fold(text.as_bytes(), &mut into);
            into
        };
        for c in '\0'..=char::MAX {
            let forms = forms(c);
            if forms.iter().all(|form| *form == forms[0]) {
                continue;
            }
            for one in &forms {
                assert_eq!(folded(one), folded(&forms[0]), "{c:?}");
                for other in forms.iter().filter(|other| *other != one) {
                    assert!(!one.starts_with(other.as_str()) && !one.ends_with(other.as_str()), "{c:?}");
                }
            }
        }
    }

    #[test]
    fn a_sharp_s_stands_for_two_capital_letters_and_not_for_two_small_ones() {
        assert_eq!(match_start("Straße".as_bytes(), b"STRASSE"), Some(7));
        assert_eq!(match_start("Straße".as_bytes(), b"strasse"), None);
        assert_eq!(match_end("ße".as_bytes(), b"STRASSE"), Some(3));
    }
}
