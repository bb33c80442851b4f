//! Which of many intervals hold a number or an address.

/// Closed intervals, sorted by their low ends; in the middle of each part of the list stands the highest end of that part,
/// as in a balanced tree.
#[derive(Debug)]
pub(crate) struct Intervals<T> {
    sorted: Vec<Interval<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Interval<T> {
    low: T,
    high: T,
    /// Of this part of the list.
    highest: T,
    head: u32,
}

impl<T> Default for Intervals<T> {
    fn default() -> Self {
        Self { sorted: vec![] }
    }
}

impl<T: Copy + Ord> Intervals<T> {
    /// From low end, high end, and what belongs to the interval.
    pub(crate) fn new(intervals: Vec<(T, T, u32)>) -> Self {
        let interval = |(low, high, head)| Interval { low, high, highest: high, head };
        let mut sorted: Vec<Interval<T>> = intervals.into_iter().map(interval).collect();
        sorted.sort_unstable_by_key(|interval| (interval.low, interval.high));
        highest(&mut sorted);
        Self { sorted }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Calls `found` with what belongs to each interval that holds `value`.
    pub(crate) fn holding(&self, value: T, mut found: impl FnMut(u32)) {
        stab(&self.sorted, value, &mut found);
    }
}

/// Recursion is as deep as the list's logarithm.
fn highest<T: Copy + Ord>(part: &mut [Interval<T>]) -> Option<T> {
    let (before, rest) = part.split_at_mut(part.len() / 2);
    let (middle, after) = rest.split_first_mut()?;
    let below = highest(before).max(highest(after));
    middle.highest = below.map_or(middle.high, |below| below.max(middle.high));
    Some(middle.highest)
}

fn stab<T: Copy + Ord>(part: &[Interval<T>], value: T, found: &mut impl FnMut(u32)) {
    let (before, rest) = part.split_at(part.len() / 2);
    let Some((middle, after)) = rest.split_first() else { return };
    if middle.highest < value {
        return;
    }
    stab(before, value, found);
    if middle.low <= value {
        if middle.high >= value {
            found(middle.head);
        }
        stab(after, value, found);
    }
}
