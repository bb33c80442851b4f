use crate::{
    error::EventError,
    index::{Builder, Index, Matcher},
    pattern::Pattern,
};
use hashbrown::{HashMap, HashSet};
use std::{hash::Hash, sync::Arc};

/// The patterns of all rules of a bus, compiled: from an event to the ids of the rules that match it.
///
/// It does not change. A change makes another one, which shares what is the same; put it where readers look
/// (behind an `ArcSwap`, a lock or a channel) and they will go on with the old until then.
///
/// Rules that were added since the last [`merged`](Self::merged) are in a small index beside the big one, which is made
/// anew for each. Merge now and then ([`recent`](Self::recent) tells how many there are) on a thread of its own.
#[derive(Debug)]
pub struct Rules<Id> {
    base: Arc<Part<Id>>,
    recent: Arc<Part<Id>>,
    /// Rules of the base that are no more.
    removed: Arc<HashSet<u32>>,
}

#[derive(Debug)]
struct Part<Id> {
    index: Index,
    rules: Vec<(Id, Arc<Pattern>)>,
    numbers: HashMap<Id, u32>,
}

impl<Id> Clone for Rules<Id> {
    fn clone(&self) -> Self {
        Self { base: self.base.clone(), recent: self.recent.clone(), removed: self.removed.clone() }
    }
}

impl<Id: Clone + Eq + Hash> Default for Rules<Id> {
    fn default() -> Self {
        Self::new([])
    }
}

impl<Id: Clone + Eq + Hash> Rules<Id> {
    /// Compiles rules. Of two with one id the later counts.
    pub fn new(rules: impl IntoIterator<Item = (Id, Arc<Pattern>)>) -> Self {
        let base = Arc::new(Part::new(rules));
        Self { base, recent: Arc::new(Part::new([])), removed: Arc::default() }
    }

    /// These rules and one more, in place of one with the same id.
    #[must_use]
    pub fn with(&self, id: Id, pattern: Arc<Pattern>) -> Self {
        let recent = self.recent.rules.iter().cloned().chain([(id.clone(), pattern)]);
        let recent = Arc::new(Part::new(recent));
        Self { base: self.base.clone(), recent, removed: self.removed_with(&id) }
    }

    /// These rules without one of them.
    #[must_use]
    pub fn without(&self, id: &Id) -> Self {
        let recent = if self.recent.numbers.contains_key(id) {
            Arc::new(Part::new(self.recent.rules.iter().filter(|(other, _)| other != id).cloned()))
        } else {
            self.recent.clone()
        };
        Self { base: self.base.clone(), recent, removed: self.removed_with(id) }
    }

    fn removed_with(&self, id: &Id) -> Arc<HashSet<u32>> {
        match self.base.numbers.get(id) {
            Some(number) if !self.removed.contains(number) => {
                let mut removed = (*self.removed).clone();
                removed.insert(*number);
                Arc::new(removed)
            }
            _ => self.removed.clone(),
        }
    }

    /// The same rules, compiled into one index. Takes as long as [`new`](Self::new).
    #[must_use]
    pub fn merged(&self) -> Self {
        Self::new(self.iter().map(|(id, pattern)| (id.clone(), pattern.clone())))
    }

    /// How many rules were added or removed since the last merge.
    pub fn recent(&self) -> usize {
        self.recent.rules.len() + self.removed.len()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.base.rules.len() - self.removed.len() + self.recent.rules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rules.
    pub fn iter(&self) -> impl Iterator<Item = (&Id, &Arc<Pattern>)> {
        let base = self.base.rules.iter().enumerate();
        let base = base.filter(|(at, _)| !self.removed.contains(&(*at as u32))).map(|(_, rule)| rule);
        base.chain(&self.recent.rules).map(|(id, pattern)| (id, pattern))
    }

    /// The pattern of a rule.
    pub fn get(&self, id: &Id) -> Option<&Arc<Pattern>> {
        let in_base = || self.base.numbers.get(id).filter(|number| !self.removed.contains(*number));
        let found = match self.recent.numbers.get(id) {
            Some(number) => self.recent.rules.get(*number as usize),
            None => self.base.rules.get(*in_base()? as usize),
        };
        found.map(|(_, pattern)| pattern)
    }

    /// The ids of the rules that an event matches, each once, in no order.
    ///
    /// The text is read no further than rules ask: what no rule looks at may be broken without an error.
    ///
    /// # Errors
    /// If the event is not a JSON object, or made to take for ever.
    pub fn matches(&self, event: &[u8], matcher: &mut Matcher) -> Result<Vec<&Id>, EventError> {
        let mut ids = vec![];
        matcher.scan(event)?;
        self.base.index.for_each_match_scanned(event, matcher, &mut |rule| {
            if self.removed.is_empty() || !self.removed.contains(&rule) {
                ids.push(&self.base.rules[rule as usize].0);
            }
        })?;
        if !self.recent.rules.is_empty() {
            self.recent.index.for_each_match_scanned(event, matcher, &mut |rule| {
                ids.push(&self.recent.rules[rule as usize].0);
            })?;
        }
        Ok(ids)
    }
}

impl<Id: Clone + Eq + Hash> Part<Id> {
    fn new(rules: impl IntoIterator<Item = (Id, Arc<Pattern>)>) -> Self {
        let (mut kept, mut numbers) = (Vec::<(Id, Arc<Pattern>)>::new(), HashMap::new());
        for (id, pattern) in rules {
            match numbers.get(&id) {
                Some(number) => kept[*number as usize].1 = pattern,
                None => {
                    numbers.insert(id.clone(), kept.len() as u32);
                    kept.push((id, pattern));
                }
            }
        }
        let mut builder = Builder::default();
        kept.iter().for_each(|(_, pattern)| builder.add(pattern));
        Self { index: builder.build(), rules: kept, numbers }
    }
}
