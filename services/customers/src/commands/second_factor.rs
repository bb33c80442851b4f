use crate::model::SecondFactor;
use jiff::{SignedDuration, Timestamp};

/// Wrong codes in a row that cost nothing.
const FREE: u32 = 5;
/// The longest wait after a wrong code.
const LONGEST_MINUTES: i64 = 60;

/// What showing a code came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It is right, and used up.
    Right,
    /// It is wrong, or was used before.
    Wrong,
    /// Too many wrong ones: this one was not looked at.
    Locked,
}

/// Decides about a code: `step` is the half minute whose code it is, `recovery` its hash as a recovery code. After five
/// wrong ones in a row the next is looked at after 1, 2, 4 … minutes, 60 at most, whichever process is asked.
pub(crate) fn show_code(
    factor: &mut SecondFactor,
    step: Option<u64>,
    recovery: &str,
    now: Timestamp,
) -> Shown {
    if factor.locked_until.is_some_and(|until| now < until) {
        return Shown::Locked;
    }
    let known = factor.recovery.iter().position(|hash| hash == recovery);
    match (step.filter(|step| *step > factor.last_step), known) {
        (Some(step), _) => factor.last_step = step,
        (None, Some(known)) => drop(factor.recovery.swap_remove(known)),
        (None, None) => {
            factor.failures = factor.failures.saturating_add(1);
            if let Some(over) = factor.failures.checked_sub(FREE) {
                let minutes = (1i64 << over.min(6)).min(LONGEST_MINUTES);
                factor.locked_until = now.saturating_add(SignedDuration::from_mins(minutes)).ok();
            }
            return Shown::Wrong;
        }
    }
    (factor.failures, factor.locked_until) = (0, None);
    Shown::Right
}
