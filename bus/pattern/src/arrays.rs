//! Array consistency: values that together satisfy a conjunction must not come from different elements of one array, and
//! what has to be absent is looked for in the elements that are fixed by then. Fields are taken in the order of their paths.

use crate::{
    comparison::Comparison,
    error::EventError,
    flatten::{Flat, NONE},
    index::Predicate,
};
use hashbrown::HashSet;
use smallvec::SmallVec;

/// What a field asks of the elements.
pub(crate) struct Demand {
    /// Elements with a value that satisfies it, in order.
    holding: Vec<u32>,
    /// If the field may be absent: elements with any value of it, in order.
    absent_from: Option<Vec<u32>>,
}

impl Demand {
    pub(crate) fn of(predicate: &Predicate, event: &[u8], flat: &Flat) -> Self {
        let sorted = |elements: &mut dyn Iterator<Item = u32>| {
            let mut elements: Vec<u32> = elements.collect();
            elements.sort_unstable();
            elements.dedup();
            elements
        };
        let values = || flat.values(event, predicate.field);
        let holds = |comparison: &Comparison, value| comparison.holds(value);
        let mut holding = values()
            .filter(|(value, _)| predicate.comparisons.iter().any(|comparison| holds(comparison, *value)))
            .map(|(_, element)| element);
        let holding = sorted(&mut holding);
        let absent_from =
            predicate.allows_absence().then(|| sorted(&mut values().map(|(_, element)| element)));
        Self { holding, absent_from }
    }
}

/// The elements that the fields so far come from: none of them inside another. Sorted.
type Fixed = SmallVec<[u32; 2]>;

/// How many sets of elements are looked at for one conjunction, per field and element. In events whose arrays are a tree of
/// paths each element is looked at about once for each field; events that repeat a key with arrays behind it multiply.
const PER_ELEMENT: usize = 8;

/// Memory that is used again.
#[derive(Default)]
pub(crate) struct Arrays {
    now: HashSet<Fixed>,
    next: HashSet<Fixed>,
}

impl Arrays {
    /// Whether all demands can be met together.
    ///
    /// # Errors
    /// If that would take too long to find out.
    pub(crate) fn consistent(&mut self, demands: &[Demand], flat: &Flat) -> Result<bool, EventError> {
        self.now.clear();
        self.now.insert(Fixed::new());
        let most = PER_ELEMENT * demands.len() * (flat.elements.len() + 100);
        let mut looked_at = 0;
        for (at, demand) in demands.iter().enumerate() {
            let later = &demands[at + 1..];
            self.next.clear();
            for fixed in &self.now {
                let conflicts = conflicts(fixed, flat);
                for element in outside(&conflicts, &demand.holding) {
                    looked_at += 1;
                    self.next.insert(still_of_use(with(fixed, element, flat), later, flat));
                }
                if let Some(elements) = &demand.absent_from
                    && outside(&conflicts, elements).next().is_none()
                {
                    self.next.insert(still_of_use(fixed.clone(), later, flat));
                }
                looked_at += 1;
                if looked_at > most {
                    return Err(EventError::TooComplex);
                }
            }
            if self.next.is_empty() {
                return Ok(false);
            }
            std::mem::swap(&mut self.now, &mut self.next);
        }
        Ok(true)
    }
}

/// Runs of elements (first, last) that are in arrays of which another element is fixed. In order.
fn conflicts(fixed: &Fixed, flat: &Flat) -> SmallVec<[(u32, u32); 4]> {
    let mut runs = SmallVec::new();
    for element in fixed {
        let mut at = *element;
        while at != 0 {
            let element = flat.elements[at as usize];
            let array = flat.arrays[element.array as usize];
            if array.first < at {
                runs.push((array.first, at - 1));
            }
            if element.last < array.last {
                runs.push((element.last + 1, array.last));
            }
            at = element.parent;
        }
    }
    runs.sort_unstable();
    runs
}

/// Those of the sorted elements that are in none of the runs.
fn outside<'a>(runs: &'a [(u32, u32)], elements: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    let (mut runs, mut rest) = (runs.iter().peekable(), elements);
    std::iter::from_fn(move || {
        loop {
            let (element, after) = rest.split_first()?;
            while runs.next_if(|(_, last)| last < element).is_some() {}
            match runs.peek() {
                Some((first, last)) if first <= element => {
                    rest = &rest[rest.partition_point(|element| element <= last)..];
                }
                _ => {
                    rest = after;
                    return Some(*element);
                }
            }
        }
    })
}

fn with(fixed: &Fixed, element: u32, flat: &Flat) -> Fixed {
    let mut fixed = fixed.clone();
    fixed.push(element);
    normal(fixed, flat)
}

/// Lets go of elements in arrays that no later field has to do with: that sets of elements differ in them alone is no
/// difference.
fn still_of_use(mut fixed: Fixed, later: &[Demand], flat: &Flat) -> Fixed {
    for element in &mut fixed {
        while *element != 0 {
            let inside = flat.elements[*element as usize];
            let array = flat.arrays[inside.array as usize];
            let touches = |elements: &[u32]| {
                let at = elements.partition_point(|element| *element < array.first);
                elements.get(at).is_some_and(|element| *element <= array.last)
            };
            if later
                .iter()
                .any(|demand| touches(&demand.holding) || demand.absent_from.as_deref().is_some_and(touches))
            {
                break;
            }
            *element = inside.parent;
        }
    }
    normal(fixed, flat)
}

/// Sorted, without the root, and without elements around others.
fn normal(mut fixed: Fixed, flat: &Flat) -> Fixed {
    fixed.sort_unstable();
    fixed.dedup();
    let mut after = NONE;
    for at in (0..fixed.len()).rev() {
        let last = flat.elements[fixed[at] as usize].last;
        if fixed[at] == 0 || (after != NONE && after <= last) {
            fixed.remove(at);
        } else {
            after = fixed[at];
        }
    }
    fixed
}
