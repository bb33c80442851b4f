use crate::{
    Cursor, CursorPosition, IndexKey, Key, RawChildren, RawPage, RawQuery, StoreError, Versioned, Window,
    limits,
};
use jiff::Timestamp;

/// A range of a declared index, in order.
///
/// `prefix` fixes the leading components; `from` and `to` bound the components after it, half-open.
#[derive(Debug, Clone)]
pub struct Query {
    index: &'static str,
    prefix: IndexKey,
    from: Option<IndexKey>,
    to: Option<IndexKey>,
    slice: Slice,
}

/// The children of one partition, in the order of their sort texts.
#[derive(Debug, Clone)]
pub struct Children {
    partition: String,
    prefix: String,
    from: Option<String>,
    to: Option<String>,
    slice: Slice,
}

/// Which part of an ordered list is wanted; shared by [`Query`] and [`Children`].
#[derive(Debug, Clone, Default)]
struct Slice {
    descending: bool,
    limit: Option<usize>,
    from_end: bool,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

impl Slice {
    fn window(&self, list: &str) -> Result<Window, StoreError> {
        let limit = self.limit.unwrap_or(limits::PAGE);
        if limit == 0 || limit > limits::PAGE {
            return Err(StoreError::BadQuery {
                reason: format!("a page has 1 to {} entries, not {limit}", limits::PAGE),
            });
        }
        let place = |cursor: &Option<Cursor>| cursor.as_ref().map(|c| c.position(list)).transpose();
        let (after, before) = (place(&self.after)?, place(&self.before)?);
        let (above, below) = if self.descending { (before, after) } else { (after, before) };
        // The last n of a list are the first n of the list read backwards.
        Ok(Window { above, below, descending: self.descending != self.from_end, limit })
    }

    fn order(&self, mut page: RawPage) -> RawPage {
        if self.from_end {
            page.entries.reverse();
        }
        page
    }
}

macro_rules! slice_methods {
    () => {
        /// Greatest first.
        #[must_use]
        pub fn descending(mut self) -> Self {
            self.slice.descending = true;
            self
        }

        /// The first `n` of the range (1 to 1,000, which is the default).
        #[must_use]
        pub fn limit(mut self, n: usize) -> Self {
            (self.slice.limit, self.slice.from_end) = (Some(n), false);
            self
        }

        /// The last `n` of the range, still in the range's order: what a client asks for that pages backwards.
        #[must_use]
        pub fn last(mut self, n: usize) -> Self {
            (self.slice.limit, self.slice.from_end) = (Some(n), true);
            self
        }

        /// Only what comes after this place in the query's order.
        #[must_use]
        pub fn after(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
            self.slice.after = cursor.into();
            self
        }

        /// Only what comes before this place in the query's order.
        #[must_use]
        pub fn before(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
            self.slice.before = cursor.into();
            self
        }
    };
}

impl Query {
    /// The whole index `name`, ascending.
    pub fn index(name: &'static str) -> Self {
        Self { index: name, prefix: IndexKey::new(), from: None, to: None, slice: Slice::default() }
    }

    /// Only entries that begin with these components.
    #[must_use]
    pub fn prefix(mut self, prefix: IndexKey) -> Self {
        self.prefix = prefix;
        self
    }

    /// Only entries whose components after the prefix are at least these.
    #[must_use]
    pub fn from(mut self, least: IndexKey) -> Self {
        self.from = Some(least);
        self
    }

    /// Only entries whose components after the prefix are below these.
    #[must_use]
    pub fn to(mut self, end: IndexKey) -> Self {
        self.to = Some(end);
        self
    }

    slice_methods!();

    pub(crate) fn name(&self) -> &'static str {
        self.index
    }

    pub(crate) fn list(&self, collection: &str) -> String {
        format!("{collection}/{}", self.index)
    }

    pub(crate) fn raw(
        &self,
        collection: &str,
        at: Timestamp,
        keys_only: bool,
    ) -> Result<RawQuery, StoreError> {
        let lower =
            self.from.as_ref().map_or_else(|| self.prefix.clone(), |from| self.prefix.clone().then(from));
        let upper = match &self.to {
            Some(to) => Some(self.prefix.clone().then(to).as_bytes().to_vec()),
            None => self.prefix.end_of_prefix(),
        };
        lower.check(self.index)?;
        Ok(RawQuery {
            collection: collection.to_owned(),
            index: self.index.to_owned(),
            lower: lower.as_bytes().to_vec(),
            upper,
            window: self.slice.window(&self.list(collection))?,
            keys_only,
            at,
        })
    }

    pub(crate) fn order(&self, page: RawPage) -> RawPage {
        self.slice.order(page)
    }
}

impl Children {
    /// All children of `partition`, ascending. The partition's own document (empty sort text) is not among them.
    pub fn of(partition: impl Into<String>) -> Self {
        let slice = Slice::default();
        Self { partition: partition.into(), prefix: String::new(), from: None, to: None, slice }
    }

    /// Only sort texts that begin so.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Only sort texts that are at least this.
    #[must_use]
    pub fn from(mut self, least: impl Into<String>) -> Self {
        self.from = Some(least.into());
        self
    }

    /// Only sort texts below this.
    #[must_use]
    pub fn to(mut self, end: impl Into<String>) -> Self {
        self.to = Some(end.into());
        self
    }

    slice_methods!();

    pub(crate) fn list(collection: &str) -> String {
        format!("{collection}/")
    }

    pub(crate) fn wanted(&self) -> usize {
        self.slice.limit.unwrap_or(limits::PAGE)
    }

    pub(crate) fn is_reading_backwards(&self) -> bool {
        self.slice.descending != self.slice.from_end
    }

    pub(crate) fn is_descending(&self) -> bool {
        self.slice.descending
    }

    pub(crate) fn raw(&self, collection: &str, at: Timestamp) -> Result<RawChildren, StoreError> {
        Key::of(collection.to_owned(), self.partition.as_str()).check()?;
        let window = self.slice.window(&Self::list(collection))?;
        // U+0001 sorts below every character a key may hold: `s` followed by it is the first text after `s`.
        let beyond = |sort: &str| format!("{sort}\u{1}");
        let mut from = beyond("").max(self.prefix.clone());
        from = from.max(self.from.clone().unwrap_or_default());
        from = from.max(window.above.map(|place| beyond(&place.sort)).unwrap_or_default());
        let ends = [self.to.clone(), end_of_prefix(&self.prefix), window.below.map(|place| place.sort)];
        Ok(RawChildren {
            collection: collection.to_owned(),
            partition: self.partition.clone(),
            from,
            to: ends.into_iter().flatten().min(),
            descending: window.descending,
            limit: window.limit,
            at,
        })
    }

    pub(crate) fn order(&self, page: RawPage) -> RawPage {
        self.slice.order(page)
    }
}

/// The least text above every text that begins with `prefix`; none if there is no such text.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // A range over `char` steps over the surrogates, which are no characters.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The documents in the query's order, each with the cursor of its place.
    pub items: Vec<(Cursor, Versioned<T>)>,
    /// Whether the range goes on beyond this page, in the direction of reading.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// The documents alone.
    pub fn into_values(self) -> Vec<T> {
        self.items.into_iter().map(|(_, document)| document.value).collect()
    }
}

/// One page of a list, keys only.
#[derive(Debug, Clone)]
pub struct KeyPage {
    /// The keys in the query's order, each with the cursor of its place.
    pub items: Vec<(Cursor, Key)>,
    /// Whether the range goes on beyond this page, in the direction of reading.
    pub has_more: bool,
}

impl CursorPosition {
    pub(crate) fn document(&self, collection: &str) -> Key {
        Key::of(collection.to_owned(), self.partition.as_str()).child(self.sort.as_str())
    }
}
