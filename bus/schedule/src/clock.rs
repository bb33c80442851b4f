use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

/// Where and since when a schedule runs.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The zone that `cron` and `at` are read in.
    pub zone: TimeZone,
    /// When the schedule starts; `rate` counts from here.
    pub start: Timestamp,
    /// What becomes of times that the clock jumps over.
    pub skipped: Skipped,
}

/// What becomes of times that the clock jumps over when summer time begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Skipped {
    /// They are due once, at once after the jump.
    #[default]
    RunAfter,
    /// They are never due.
    Dropped,
}

impl Clock {
    /// A clock of a zone; skipped times run after.
    pub fn new(zone: TimeZone, start: Timestamp) -> Self {
        Self { zone, start, skipped: Skipped::default() }
    }

    /// The clock of rules.
    pub fn utc(start: Timestamp) -> Self {
        Self::new(TimeZone::UTC, start)
    }

    /// When the clock shows a time: the first time, if it does twice. A later time on the clock is never an earlier instant.
    pub(crate) fn instant(&self, shown: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(shown);
        match (ambiguous.offset(), self.skipped) {
            (AmbiguousOffset::Gap { .. }, Skipped::Dropped) => None,
            (AmbiguousOffset::Gap { after, .. }, Skipped::RunAfter) => {
                // Read with the offset from after the jump it is before the jump; the jump itself is the next transition.
                let before = after.to_timestamp(shown).ok()?;
                self.zone.following(before).next().map(|jump| jump.timestamp())
            }
            _ => ambiguous.earlier().ok(),
        }
    }
}
