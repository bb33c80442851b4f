use crate::{StoreError, key, limits};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Where a tally lives: a declared kind of tally, a partition and a sort text, with the rules of document keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TallyKey {
    tally: Cow<'static, str>,
    partition: String,
    sort: String,
}

impl TallyKey {
    /// The tally of the kind `tally` for `partition`.
    pub fn of(tally: impl Into<Cow<'static, str>>, partition: impl Into<String>) -> Self {
        Self { tally: tally.into(), partition: partition.into(), sort: String::new() }
    }

    /// A tally beside others in the same partition.
    #[must_use]
    pub fn child(&self, sort: impl Into<String>) -> Self {
        Self { tally: self.tally.clone(), partition: self.partition.clone(), sort: sort.into() }
    }

    /// The kind's name, as declared.
    pub fn tally(&self) -> &str {
        &self.tally
    }

    /// The partition.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The sort text; may be empty.
    pub fn sort(&self) -> &str {
        &self.sort
    }

    /// Checks length and characters.
    ///
    /// # Errors
    /// [`StoreError::BadKey`] with the reason.
    pub fn check(&self) -> Result<(), StoreError> {
        key::check_parts(self, &self.tally, &self.partition, &self.sort)
    }

    pub(crate) fn len(&self) -> usize {
        self.tally.len() + self.partition.len() + self.sort.len()
    }
}

impl fmt::Display for TallyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tally, self.partition)?;
        if self.sort.is_empty() { Ok(()) } else { write!(f, "#{}", self.sort) }
    }
}

impl fmt::Debug for TallyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What happens to one field: a sum to add and the least value it may have afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field, as declared.
    pub field: Cow<'static, str>,
    /// Added to the field.
    pub add: i64,
    /// Afterwards the field must not be below this.
    pub floor: Option<i64>,
}

/// Changes to the fields of one tally. The engine checks floors when it commits, so a tally that many callers change
/// at once costs them no repetition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TallyChange {
    fields: BTreeMap<Cow<'static, str>, (i128, Option<i64>)>,
}

impl TallyChange {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `amount` to `field`; several calls sum up.
    #[must_use]
    pub fn add(mut self, field: impl Into<Cow<'static, str>>, amount: i64) -> Self {
        // i128 holds every sum of i64s that fits in memory; `fields` refuses what does not fit in an i64 at the end.
        self.fields.entry(field.into()).or_insert((0, None)).0 += i128::from(amount);
        self
    }

    /// Refuses the whole transaction if `field` were below `least` afterwards; of several floors the highest holds.
    #[must_use]
    pub fn floor(mut self, field: impl Into<Cow<'static, str>>, least: i64) -> Self {
        let floor = &mut self.fields.entry(field.into()).or_insert((0, None)).1;
        *floor = Some(floor.map_or(least, |old| old.max(least)));
        self
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (field, (add, floor)) in other.fields {
            let entry = self.fields.entry(field).or_insert((0, None));
            entry.0 += add;
            entry.1 = entry.1.max(floor);
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(AsRef::as_ref)
    }

    pub(crate) fn sums(&self) -> impl Iterator<Item = (&str, i128)> {
        self.fields.iter().map(|(field, (sum, _))| (field.as_ref(), *sum))
    }

    pub(crate) fn into_fields(self, key: &TallyKey) -> Result<Vec<FieldChange>, StoreError> {
        self.fields
            .into_iter()
            .map(|(field, (add, floor))| match i64::try_from(add) {
                Ok(add) => Ok(FieldChange { field, add, floor }),
                Err(_) => Err(StoreError::Overflow { key: Box::new(key.clone()), field: field.into_owned() }),
            })
            .collect()
    }
}

/// The fields of one tally as last committed; a tally that nobody changed yet is all zero.
#[derive(Clone, PartialEq, Eq)]
pub struct Tally {
    fields: std::sync::Arc<[String]>,
    values: [i64; limits::TALLY_FIELDS],
}

impl Tally {
    /// A tally with these declared fields and their values in the same order.
    pub fn new(fields: std::sync::Arc<[String]>, values: [i64; limits::TALLY_FIELDS]) -> Self {
        Self { fields, values }
    }

    /// The value of `field`; zero for a field that was not declared.
    pub fn get(&self, field: &str) -> i64 {
        self.fields.iter().position(|f| f == field).and_then(|at| self.values.get(at)).copied().unwrap_or(0)
    }

    /// All fields in declared order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.fields.iter().map(String::as_str).zip(self.values.iter().copied())
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
