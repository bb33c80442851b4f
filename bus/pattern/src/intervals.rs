//! Which of many intervals hold a number.

/// Closed intervals, sorted by their low ends; in the middle of each part of the list stands the highest end of that part,
/// as in a balanced tree.
#[derive(Debug, Default)]
pub(crate) struct Intervals {
    sorted: Vec<Interval>,
}

#[derive(Clone, Copy, Debug)]
struct Interval {
    low: u64,
    high: u64,
    /// Of this part of the list.
    highest: u64,
    head: u32,
}

impl Intervals {
    /// From low end, high end, and what belongs to the interval.
    pub(crate) fn new(intervals: Vec<(u64, u64, u32)>) -> Self {
        let interval = |(low, high, head)| Interval { low, high, highest: high, head };
        let mut sorted: Vec<Interval> = intervals.into_iter().map(interval).collect();
        sorted.sort_unstable_by_key(|interval| (interval.low, interval.high));
        highest(&mut sorted);
        Self { sorted }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Calls `found` with what belongs to each interval that holds `number`.
    pub(crate) fn holding(&self, number: u64, mut found: impl FnMut(u32)) {
        stab(&self.sorted, number, &mut found);
    }
}

/// Recursion is as deep as the list's logarithm.
fn highest(part: &mut [Interval]) -> u64 {
    if part.is_empty() {
        return 0;
    }
    let (before, rest) = part.split_at_mut(part.len() / 2);
    let (middle, after) = rest.split_at_mut(1);
    middle[0].highest = middle[0].high.max(highest(before)).max(highest(after));
    middle[0].highest
}

fn stab(part: &[Interval], number: u64, found: &mut impl FnMut(u32)) {
    let (before, rest) = part.split_at(part.len() / 2);
    let Some((middle, after)) = rest.split_first() else { return };
    if middle.highest < number {
        return;
    }
    stab(before, number, found);
    if middle.low <= number {
        if middle.high >= number {
            found(middle.head);
        }
        stab(after, number, found);
    }
}
