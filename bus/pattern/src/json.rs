//! A strict reader of JSON (RFC 8259), token by token. It keeps what a tree of values loses and patterns need: the
//! spelling of numbers, keys that come twice, lone surrogates. It does not recurse, so depth costs memory alone.

use crate::text::unescape;
use std::borrow::Cow;

/// Why a text is not JSON: at which byte, and what was wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct Syntax {
    /// Offset into the text, in bytes.
    pub offset: usize,
    /// What was wrong.
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key(Cow<'a, [u8]>),
    String(Cow<'a, [u8]>),
    /// As it is spelled.
    Number(&'a [u8]),
    True,
    False,
    Null,
    /// The text is over, and was one whole value.
    End,
}

#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Value,
    /// The first key of an object, or its end.
    FirstKey,
    /// The first member of an array, or its end.
    FirstMember,
    CommaOrEnd,
    End,
}

pub(crate) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Open containers: true for objects.
    open: Vec<bool>,
    expect: Expect,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, open: vec![], expect: Expect::Value }
    }

    /// # Errors
    /// If the text is not JSON here. The reader is of no use afterwards.
    pub(crate) fn next(&mut self) -> Result<Token<'a>, Syntax> {
        self.skip_whitespace();
        match self.expect {
            Expect::End if self.at == self.text.len() => Ok(Token::End),
            Expect::End => self.fail("text after the value"),
            Expect::CommaOrEnd => match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.skip_whitespace();
                    if self.open.last() == Some(&true) { self.key() } else { self.value() }
                }
                Some(b'}') if self.open.last() == Some(&true) => Ok(self.close(Token::ObjectEnd)),
                Some(b']') if self.open.last() == Some(&false) => Ok(self.close(Token::ArrayEnd)),
                _ => self.fail("expected a comma or the end of the object or array"),
            },
            Expect::FirstKey if self.peek() == Some(b'}') => Ok(self.close(Token::ObjectEnd)),
            Expect::FirstKey => self.key(),
            Expect::FirstMember if self.peek() == Some(b']') => Ok(self.close(Token::ArrayEnd)),
            Expect::FirstMember | Expect::Value => self.value(),
        }
    }

    fn key(&mut self) -> Result<Token<'a>, Syntax> {
        if self.peek() != Some(b'"') {
            return self.fail("expected a key in quotes");
        }
        let key = self.string()?;
        self.skip_whitespace();
        if self.peek() != Some(b':') {
            return self.fail("expected a colon");
        }
        self.at += 1;
        self.expect = Expect::Value;
        Ok(Token::Key(key))
    }

    fn value(&mut self) -> Result<Token<'a>, Syntax> {
        let token = match self.peek() {
            Some(b'{') => return Ok(self.open(true)),
            Some(b'[') => return Ok(self.open(false)),
            Some(b'"') => Token::String(self.string()?),
            Some(b't') => self.word(b"true", Token::True)?,
            Some(b'f') => self.word(b"false", Token::False)?,
            Some(b'n') => self.word(b"null", Token::Null)?,
            Some(b'-' | b'0'..=b'9') => {
                let length = number_length(&self.text[self.at..]);
                if length == 0 {
                    return self.fail("bad number");
                }
                self.at += length;
                Token::Number(&self.text[self.at - length..self.at])
            }
            _ => return self.fail("expected a value"),
        };
        self.after_value();
        Ok(token)
    }

    fn open(&mut self, object: bool) -> Token<'a> {
        self.at += 1;
        self.open.push(object);
        self.expect = if object { Expect::FirstKey } else { Expect::FirstMember };
        if object { Token::ObjectStart } else { Token::ArrayStart }
    }

    fn close(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        self.open.pop();
        self.after_value();
        token
    }

    fn after_value(&mut self) {
        self.expect = if self.open.is_empty() { Expect::End } else { Expect::CommaOrEnd };
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>, Syntax> {
        let start = self.at + 1;
        self.at = start;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..=0x1f) => return self.fail("control character in a string"),
                Some(_) => self.at += 1,
                None => return self.fail("string without an end"),
            }
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        if !escaped {
            return Ok(Cow::Borrowed(raw));
        }
        let mut text = vec![];
        match unescape(raw, &mut text) {
            Ok(()) => Ok(Cow::Owned(text)),
            Err(within) => {
                self.at = start + within;
                self.fail("bad escape in a string")
            }
        }
    }

    fn word(&mut self, word: &[u8], token: Token<'a>) -> Result<Token<'a>, Syntax> {
        if !self.text[self.at..].starts_with(word) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Ok(token)
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn fail<T>(&self, reason: &'static str) -> Result<T, Syntax> {
        Err(Syntax { offset: self.at.min(self.text.len()), reason })
    }
}

/// How many bytes at the start of `text` are one JSON number; 0 if none.
pub(crate) fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    match digits(at) {
        0 => return 0,
        n if n > 1 && text[at] == b'0' => return 0,
        n => at += n,
    }
    if text.get(at) == Some(&b'.') {
        match digits(at + 1) {
            0 => return 0,
            n => at += 1 + n,
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        match digits(at + 1 + sign) {
            0 => return 0,
            n => at += 1 + sign + n,
        }
    }
    at
}
