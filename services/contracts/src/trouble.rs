//! Work that does not succeed: when it is tried again, and when a person has to look.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The wait after the first failed try; each further one is twice as long.
const SHORTEST: SignedDuration = SignedDuration::from_secs(15);
/// The longest wait of ours between two tries.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// The longest wait that another system may ask for.
const MOST_ASKED: SignedDuration = SignedDuration::from_hours(6);
/// What fails for so long does not pass by itself.
const ENOUGH: SignedDuration = SignedDuration::from_hours(72);
/// Fewer tries than this prove nothing: perhaps nobody was there to try.
const FEWEST: u32 = 12;

/// What keeps a piece of noted work from being done. Stored with the work, and taken away when it succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What the last try failed with: for operators and the log.
    pub reason: String,
    /// Tries that failed.
    pub tries: u32,
    /// When the first of them failed.
    pub since: Timestamp,
    /// When it is tried again; `None` when it is stuck: somebody has to look.
    pub again: Option<Timestamp>,
}

impl Trouble {
    /// After a failure that may pass: tried again after a growing wait, for three days.
    pub fn passing(before: Option<&Self>, reason: impl ToString, now: Timestamp) -> Self {
        Self::passing_after(before, reason, now, SignedDuration::ZERO)
    }

    /// As [`Trouble::passing`], but not before `at_least` has passed: what the other side asks for.
    pub fn passing_after(
        before: Option<&Self>,
        reason: impl ToString,
        now: Timestamp,
        at_least: SignedDuration,
    ) -> Self {
        let tries = before.map_or(0, |before| before.tries).saturating_add(1);
        let since = before.map_or(now, |before| before.since);
        let over = tries >= FEWEST && now.duration_since(since) >= ENOUGH;
        let doubled = SHORTEST * 2i32.pow(tries.saturating_sub(1).min(10));
        let wait = doubled.min(LONGEST).max(at_least.min(MOST_ASKED));
        Self { reason: reason.to_string(), tries, since, again: (!over).then(|| now + wait) }
    }

    /// After a failure that trying again does not mend.
    pub fn lasting(before: Option<&Self>, reason: impl ToString, now: Timestamp) -> Self {
        let passing = Self::passing(before, reason, now);
        Self { again: None, ..passing }
    }

    /// Whether it is not tried again until somebody says so.
    pub fn is_stuck(&self) -> bool {
        self.again.is_none()
    }

    /// Somebody says so: tried anew, as if it had never failed.
    #[must_use]
    pub fn retried(&self, now: Timestamp) -> Self {
        Self { reason: self.reason.clone(), tries: 0, since: now, again: Some(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(at_least: SignedDuration) -> (Vec<i64>, Trouble) {
        let mut now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let mut trouble = Trouble::passing_after(None, "down", now, at_least);
        let mut waits = vec![];
        while let Some(again) = trouble.again {
            waits.push(again.duration_since(now).as_secs());
            now = again;
            trouble = Trouble::passing_after(Some(&trouble), "down", now, at_least);
        }
        (waits, trouble)
    }

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour_and_end_after_three_days() {
        let (waits, end) = waits(SignedDuration::ZERO);
        assert_eq!(waits[..8], [15, 30, 60, 120, 240, 480, 900, 900]);
        assert!((72 * 3600..73 * 3600).contains(&waits.iter().sum::<i64>()), "{waits:?}");
        assert!(end.is_stuck());
        let again = end.retried(end.since);
        assert_eq!((again.again, again.tries), (Some(end.since), 0));
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_within_reason() {
        assert_eq!(waits(SignedDuration::from_secs(100)).0[..4], [100, 100, 100, 120]);
        assert_eq!(waits(SignedDuration::from_hours(999)).0[0], 6 * 3600);
    }

    #[test]
    fn who_was_away_for_days_tries_more_than_once() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let first = Trouble::passing(None, "down", now);
        let later = Trouble::passing(Some(&first), "down", now + SignedDuration::from_hours(100));
        assert!(!later.is_stuck());
        assert!(Trouble::lasting(Some(&later), "defect", now).is_stuck());
    }
}
