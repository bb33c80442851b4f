//! The second pass over an event: its values at the paths that rules look at. Everything else is stepped over, unread.

use crate::{
    comparison::Value,
    error::EventError,
    json::{Syntax, number_length},
    scan::Structure,
    text::unescape,
    trie::{Node, ROOT, Trie},
};

/// No leaf, array or the like.
pub(crate) const NONE: u32 = u32::MAX;

/// The values of one event, by field; memory is used again for the next.
#[derive(Default)]
pub(crate) struct Flat {
    leaves: Vec<Leaf>,
    /// For each field its latest leaf, or [`NONE`].
    latest: Vec<u32>,
    /// Fields with leaves.
    pub(crate) fields: Vec<Node>,
    pub(crate) elements: Vec<Element>,
    pub(crate) arrays: Vec<Array>,
    /// Strings that had escapes.
    unescaped: Vec<u8>,
    open: Vec<Open>,
}

#[derive(Clone, Copy)]
struct Leaf {
    kind: Kind,
    start: u32,
    end: u32,
    /// The element that it is in.
    element: u32,
    /// The leaf of the same field before it.
    previous: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    String,
    /// In `unescaped`, not in the text.
    Unescaped,
    Number,
    True,
    False,
    Null,
}

/// An object or array that is a member of an array. They form a tree; the event itself is its root, number 0. Numbers
/// follow the text, so that what is inside an element has the numbers after its own.
#[derive(Clone, Copy)]
pub(crate) struct Element {
    pub(crate) parent: u32,
    pub(crate) array: u32,
    /// How many elements of its array come before it.
    pub(crate) position: u32,
    /// The last element inside it.
    pub(crate) last: u32,
}

/// An array: the elements from `first` to `last` are inside it; none if `last` is less.
#[derive(Clone, Copy)]
pub(crate) struct Array {
    pub(crate) node: Node,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

/// An object or array that the walk is inside of.
#[derive(Clone, Copy)]
struct Open {
    node: Node,
    /// The element that what is inside belongs to.
    element: u32,
    /// Whether it is that element itself.
    is_element: bool,
    /// The array it is, or [`NONE`] for an object.
    array: u32,
    /// In arrays: how many members came before.
    members: u32,
}

impl Flat {
    /// # Errors
    /// If the text is no JSON object. What is stepped over is not checked.
    pub(crate) fn flatten(
        &mut self,
        text: &[u8],
        structure: &Structure,
        trie: &Trie,
    ) -> Result<(), EventError> {
        self.clear(trie.len());
        let mut walk = Walk { text, structure, at: 0, trie, flat: self };
        walk.event()
    }

    fn clear(&mut self, fields: usize) {
        for field in self.fields.drain(..) {
            self.latest[field as usize] = NONE;
        }
        if self.latest.len() < fields {
            self.latest.resize(fields, NONE);
        }
        self.leaves.clear();
        self.arrays.clear();
        self.unescaped.clear();
        self.open.clear();
        self.elements.clear();
        self.elements.push(Element { parent: NONE, array: NONE, position: 0, last: 0 });
    }

    #[inline]
    pub(crate) fn has(&self, field: Node) -> bool {
        self.latest[field as usize] != NONE
    }

    /// The values of a field, the latest first, each with its element.
    #[inline]
    pub(crate) fn values<'a>(
        &'a self,
        text: &'a [u8],
        field: Node,
    ) -> impl Iterator<Item = (Value<'a>, u32)> {
        let leaf = |at: u32| self.leaves.get(at as usize);
        std::iter::successors(leaf(self.latest[field as usize]), move |before| leaf(before.previous))
            .map(|leaf| (self.value(text, leaf), leaf.element))
    }

    #[inline]
    fn value<'a>(&'a self, text: &'a [u8], leaf: &Leaf) -> Value<'a> {
        let (start, end) = (leaf.start as usize, leaf.end as usize);
        match leaf.kind {
            Kind::String => Value::String(&text[start..end]),
            Kind::Unescaped => Value::String(&self.unescaped[start..end]),
            Kind::Number => Value::Number(&text[start..end]),
            Kind::True => Value::True,
            Kind::False => Value::False,
            Kind::Null => Value::Null,
        }
    }

    #[inline]
    fn push(&mut self, field: Node, element: u32, kind: Kind, start: usize, end: usize) {
        let latest = &mut self.latest[field as usize];
        if *latest == NONE {
            self.fields.push(field);
        }
        let leaf = Leaf { kind, start: start as u32, end: end as u32, element, previous: *latest };
        *latest = self.leaves.len() as u32;
        self.leaves.push(leaf);
    }
}

struct Walk<'a> {
    text: &'a [u8],
    structure: &'a Structure,
    /// The next position of the structure.
    at: usize,
    trie: &'a Trie,
    flat: &'a mut Flat,
}

impl Walk<'_> {
    fn event(&mut self) -> Result<(), EventError> {
        let start = self.position();
        if self.byte() != Some(b'{') || !blank(&self.text[..start]) {
            return Err(EventError::NotAnObject);
        }
        self.open(Open { node: ROOT, element: 0, is_element: false, array: NONE, members: 0 })?;
        while let Some(open) = self.flat.open.last().copied() {
            if open.array == NONE { self.member(open)? } else { self.element(open)? }
        }
        let end = self.structure.positions.last().map_or(0, |last| *last as usize + 1);
        if self.at < self.structure.positions.len() || !blank(&self.text[end..]) {
            return self.fail("text after the value");
        }
        Ok(())
    }

    /// Key and value of an object.
    #[inline]
    fn member(&mut self, open: Open) -> Result<(), EventError> {
        if self.byte() != Some(b'"') {
            return self.fail("expected a key in quotes");
        }
        let (start, end) = self.string()?;
        let Some(colon) =
            self.text[end + 1..].iter().position(|byte| !is_blank(*byte)).map(|at| at + end + 1)
        else {
            return self.fail("expected a colon");
        };
        if self.text[colon] != b':' {
            return self.fail("expected a colon");
        }
        let raw = &self.text[start..end];
        let node = if self.structure.escapes && memchr::memchr(b'\\', raw).is_some() {
            let mut key = vec![];
            if let Err(at) = unescape(raw, &mut key) {
                return Err(Syntax { offset: start + at, reason: "bad escape in a string" }.into());
            }
            self.trie.descend(open.node, &key)
        } else {
            self.trie.descend(open.node, raw)
        };
        match node {
            Some(node) => self.value(node, open.element, None, colon + 1),
            None => {
                self.skip()?;
                self.after_value()
            }
        }
    }

    fn element(&mut self, open: Open) -> Result<(), EventError> {
        if let Some(open) = self.flat.open.last_mut() {
            open.members += 1;
        }
        let before = self.structure.positions[self.at - 1] as usize;
        self.value(open.node, open.element, Some((open.array, open.members)), before + 1)
    }

    /// A value that is looked at: its text starts at `from`; `place` says where in which array it is.
    #[inline]
    fn value(
        &mut self,
        node: Node,
        element: u32,
        place: Option<(u32, u32)>,
        from: usize,
    ) -> Result<(), EventError> {
        let position = self.position();
        match self.byte() {
            Some(b'"') => {
                let (start, end) = self.string()?;
                if self.trie.is_used(node) {
                    self.leaf_string(node, element, start, end)?;
                }
            }
            Some(b'{') if self.trie.is_leaf(node) => self.skip()?,
            Some(b @ (b'{' | b'[')) => {
                if !blank(&self.text[from..position]) {
                    return self.fail("expected a comma");
                }
                let mut open = Open { node, element, is_element: false, array: NONE, members: 0 };
                if let Some((array, place)) = place {
                    open.element = self.flat.elements.len() as u32;
                    open.is_element = true;
                    let new = Element { parent: element, array, position: place, last: open.element };
                    self.flat.elements.push(new);
                }
                if b == b'[' {
                    open.array = self.flat.arrays.len() as u32;
                    let first = self.flat.elements.len() as u32;
                    self.flat.arrays.push(Array { node, first, last: first - 1 });
                }
                return self.open(open);
            }
            Some(_) => self.leaf_word(node, element, from, position)?,
            None => return self.fail("expected a value"),
        }
        self.after_value()
    }

    fn leaf_string(&mut self, node: Node, element: u32, start: usize, end: usize) -> Result<(), EventError> {
        if !self.structure.escapes || memchr::memchr(b'\\', &self.text[start..end]).is_none() {
            self.flat.push(node, element, Kind::String, start, end);
            return Ok(());
        }
        let from = self.flat.unescaped.len();
        if let Err(at) = unescape(&self.text[start..end], &mut self.flat.unescaped) {
            return Err(Syntax { offset: start + at, reason: "bad escape in a string" }.into());
        }
        self.flat.push(node, element, Kind::Unescaped, from, self.flat.unescaped.len());
        Ok(())
    }

    /// A number, `true`, `false` or `null` between two positions.
    fn leaf_word(&mut self, node: Node, element: u32, from: usize, to: usize) -> Result<(), EventError> {
        let between = &self.text[from..to];
        let start = from + between.iter().take_while(|byte| is_blank(**byte)).count();
        let end = to - between.iter().rev().take_while(|byte| is_blank(**byte)).count();
        let kind = match self.text.get(start..end).unwrap_or_default() {
            b"true" => Kind::True,
            b"false" => Kind::False,
            b"null" => Kind::Null,
            number if !number.is_empty() && number_length(number) == number.len() => Kind::Number,
            _ => return Err(Syntax { offset: from, reason: "expected a value" }.into()),
        };
        if self.trie.is_used(node) {
            self.flat.push(node, element, kind, start, end);
        }
        Ok(())
    }

    /// Steps over a value.
    #[inline]
    fn skip(&mut self) -> Result<(), EventError> {
        match self.byte() {
            Some(b'"') => self.at += 2,
            Some(b'{' | b'[') => {
                let mut depth = 0usize;
                for position in &self.structure.positions[self.at..] {
                    self.at += 1;
                    match self.text[*position as usize] {
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        return Ok(());
                    }
                }
                return self.fail("object or array without an end");
            }
            _ => {}
        }
        Ok(())
    }

    /// Goes into an object or array; out of it again if it is empty.
    fn open(&mut self, open: Open) -> Result<(), EventError> {
        let start = self.position();
        self.at += 1;
        self.flat.open.push(open);
        let end = if open.array == NONE { b'}' } else { b']' };
        let empty = self.byte() == Some(end) && blank(&self.text[start + 1..self.position()]);
        if empty { self.after_value() } else { Ok(()) }
    }

    /// Behind a value: a comma, or the ends of objects and arrays until there is one.
    #[inline]
    fn after_value(&mut self) -> Result<(), EventError> {
        while let Some(open) = self.flat.open.last().copied() {
            match self.byte() {
                Some(b',') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'}') if open.array == NONE => {}
                Some(b']') if open.array != NONE => {
                    self.flat.arrays[open.array as usize].last = self.flat.elements.len() as u32 - 1;
                }
                _ => return self.fail("expected a comma or the end of the object or array"),
            }
            self.at += 1;
            if open.is_element {
                self.flat.elements[open.element as usize].last = self.flat.elements.len() as u32 - 1;
            }
            self.flat.open.pop();
        }
        Ok(())
    }

    /// The inside of the string that opens here.
    #[inline]
    fn string(&mut self) -> Result<(usize, usize), EventError> {
        let start = self.position() + 1;
        self.at += 2;
        // The scan made sure that quotes come in pairs.
        let end = self.structure.positions.get(self.at - 1).map_or(start, |end| *end as usize);
        Ok((start, end))
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.structure.positions.get(self.at).map(|position| self.text[*position as usize])
    }

    #[inline]
    fn position(&self) -> usize {
        self.structure.positions.get(self.at).map_or(self.text.len(), |position| *position as usize)
    }

    fn fail<T>(&self, reason: &'static str) -> Result<T, EventError> {
        Err(Syntax { offset: self.position(), reason }.into())
    }
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[inline]
fn blank(text: &[u8]) -> bool {
    text.iter().all(|byte| is_blank(*byte))
}
