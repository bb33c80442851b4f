//! `wildcard`: literal pieces with any run of bytes between them.

use memchr::memmem;

/// The literal pieces between the asterisks, escapes undone: `a*b` is two pieces, `*` two empty ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wildcard {
    pieces: Box<[Box<[u8]>]>,
}

impl Wildcard {
    /// # Errors
    /// What EventBridge says about it. Positions count the opening quote.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut pieces = vec![vec![]];
        let mut bytes = text.iter().enumerate().peekable();
        while let Some((at, byte)) = bytes.next() {
            let following = bytes.peek().map(|(_, byte)| **byte);
            match (byte, following) {
                (b'*', Some(b'*')) => {
                    return Err(format!("Consecutive wildcard characters at pos {}", at + 1));
                }
                (b'*', _) => pieces.push(vec![]),
                (b'\\', Some(literal @ (b'*' | b'\\'))) => {
                    bytes.next();
                    pieces.last_mut().into_iter().for_each(|piece| piece.push(literal));
                }
                (b'\\', _) => return Err(format!("Invalid escape character at pos {}", at + 1)),
                _ => pieces.last_mut().into_iter().for_each(|piece| piece.push(*byte)),
            }
        }
        Ok(Self { pieces: pieces.into_iter().map(Vec::into_boxed_slice).collect() })
    }

    /// How many asterisks it has.
    pub(crate) fn asterisks(&self) -> usize {
        self.pieces.len() - 1
    }

    /// The first place for each piece is as good as any: one pass, linear in the text.
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        let [first, between @ .., last] = &*self.pieces else {
            return self.pieces.first().is_some_and(|only| **only == *text);
        };
        if text.len() < first.len() + last.len() || !text.starts_with(first) || !text.ends_with(last) {
            return false;
        }
        let mut rest = &text[first.len()..text.len() - last.len()];
        between.iter().all(|piece| {
            let found = memmem::find(rest, piece);
            rest = found.map_or(rest, |at| &rest[at + piece.len()..]);
            found.is_some()
        })
    }

    pub(crate) fn pieces(&self) -> &[Box<[u8]>] {
        &self.pieces
    }
}

impl std::fmt::Display for Wildcard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, piece) in self.pieces.iter().enumerate() {
            if at > 0 {
                f.write_str("*")?;
            }
            f.write_str(&crate::text::show(piece).replace('\\', "\\\\").replace('*', "\\*"))?;
        }
        Ok(())
    }
}
