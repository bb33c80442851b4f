//! Six fields, and the days and times of day that they name.

use jiff::civil::{Date, DateTime, Time, Weekday};
use std::ops::RangeInclusive;

/// Sets of numbers are bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
    /// From [`FIRST_YEAR`].
    years: [u64; 4],
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(DaysOfMonth),
    OfWeek(DaysOfWeek),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct DaysOfMonth {
    days: u64,
    last: bool,
    last_weekday: bool,
    /// Days whose nearest weekday counts.
    nearest: u64,
}

/// Sunday is 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct DaysOfWeek {
    days: u64,
    /// The last such day of the month.
    last: u64,
    /// The first to fifth such day of the month.
    numbered: [u64; 5],
}

const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 2199;
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    /// # Errors
    /// What is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, day_of_month, month, day_of_week, year] = fields[..] else {
            return Err(format!("cron has six fields, and here are {}", fields.len()));
        };
        let days = match (day_of_month, day_of_week) {
            ("?", "?") => return Err("only one of day of month and day of week may be `?`".into()),
            (days, "?") => Days::OfMonth(DaysOfMonth::parse(days)?),
            ("?", days) => Days::OfWeek(DaysOfWeek::parse(days)?),
            _ => return Err("one of day of month and day of week must be `?`".into()),
        };
        let mut years = [0; 4];
        let range = FIRST_YEAR as u32..=LAST_YEAR as u32;
        list(year, |item| {
            item_values(item, "year", &range, &[])?.for_each(|year| set_year(&mut years, year));
            Ok(())
        })?;
        Ok(Self {
            minutes: bits(minutes, "minutes", 0..=59, &[])?,
            hours: bits(hours, "hours", 0..=23, &[])?,
            months: bits(month, "month", 1..=12, &MONTHS)?,
            days,
            years,
        })
    }

    /// The first time on the clock that is not before `from`, in whole minutes.
    pub(crate) fn not_before(&self, from: DateTime) -> Option<DateTime> {
        let mut date = from.date();
        let mut earliest = from.time();
        if date.year() < FIRST_YEAR {
            date = Date::new(FIRST_YEAR, 1, 1).ok()?;
            earliest = Time::midnight();
        }
        while date.year() <= LAST_YEAR {
            if !self.has_year(date.year()) {
                date = Date::new(date.year() + 1, 1, 1).ok()?;
            } else if !has(self.months, date.month()) {
                date = date.last_of_month().tomorrow().ok()?;
            } else {
                if self.days.hold(date)
                    && let Some(time) = self.time_not_before(earliest)
                {
                    return Some(date.to_datetime(time));
                }
                date = date.tomorrow().ok()?;
            }
            earliest = Time::midnight();
        }
        None
    }

    fn time_not_before(&self, earliest: Time) -> Option<Time> {
        let not_before = |set: u64, value: i8| {
            let rest = set >> value;
            (rest != 0).then(|| value + rest.trailing_zeros() as i8)
        };
        // A minute that has begun is over.
        let begun = earliest.second() > 0 || earliest.subsec_nanosecond() > 0;
        let (hour, minute) = (earliest.hour(), earliest.minute() + i8::from(begun));
        let in_this_hour = not_before(self.minutes, minute).filter(|_| has(self.hours, hour));
        let (hour, minute) = match in_this_hour {
            Some(minute) => (hour, minute),
            None => (not_before(self.hours, hour + 1)?, not_before(self.minutes, 0)?),
        };
        Time::new(hour, minute, 0, 0).ok()
    }

    fn has_year(&self, year: i16) -> bool {
        let at = (year - FIRST_YEAR) as usize;
        self.years[at / 64] >> (at % 64) & 1 == 1
    }
}

fn set_year(years: &mut [u64; 4], year: u32) {
    let at = year as usize - FIRST_YEAR as usize;
    years[at / 64] |= 1 << (at % 64);
}

fn has(set: u64, value: i8) -> bool {
    set >> value & 1 == 1
}

impl Days {
    fn hold(&self, date: Date) -> bool {
        match self {
            Self::OfMonth(days) => days.hold(date),
            Self::OfWeek(days) => days.hold(date),
        }
    }
}

impl DaysOfMonth {
    fn parse(text: &str) -> Result<Self, String> {
        let mut made = Self::default();
        list(text, |item| {
            match item {
                "L" => made.last = true,
                "LW" => made.last_weekday = true,
                item => match item.strip_suffix('W') {
                    Some(day) => made.nearest |= 1 << number(day, "day of month", &(1..=31), &[])?,
                    None => made.days |= item_bits(item, "day of month", &(1..=31), &[])?,
                },
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn hold(&self, date: Date) -> bool {
        let (day, last) = (date.day(), date.days_in_month());
        let weekday = |date: Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        if has(self.days, day) || (self.last && day == last) {
            return true;
        }
        if !weekday(date) || (self.nearest == 0 && !self.last_weekday) {
            return false;
        }
        let monday = date.weekday() == Weekday::Monday;
        let friday = date.weekday() == Weekday::Friday;
        // On Saturday the day before is nearest, on Sunday the day after; but it stays in the month.
        let nearest = has(self.nearest, day)
            || (friday && day < last && has(self.nearest, day + 1))
            || (friday && day + 2 == last && has(self.nearest, last))
            || (monday && day > 1 && has(self.nearest, day - 1))
            || (monday && day == 3 && has(self.nearest, 1));
        nearest || (self.last_weekday && (day == last || (friday && last - day <= 2)))
    }
}

impl DaysOfWeek {
    fn parse(text: &str) -> Result<Self, String> {
        let range = 1..=7;
        let mut made = Self::default();
        list(text, |item| {
            if item == "L" {
                made.days |= 1 << 7;
            } else if let Some((day, which)) = item.split_once('#') {
                let which = number(which, "number after #", &(1..=5), &[])?;
                made.numbered[which as usize - 1] |= 1 << number(day, "day of week", &range, &WEEKDAYS)?;
            } else if let Some(day) = item.strip_suffix('L') {
                made.last |= 1 << number(day, "day of week", &range, &WEEKDAYS)?;
            } else {
                made.days |= item_bits(item, "day of week", &range, &WEEKDAYS)?;
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn hold(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        let which = (date.day() as usize - 1) / 7;
        has(self.days, weekday)
            || has(self.numbered[which], weekday)
            || (has(self.last, weekday) && date.days_in_month() - date.day() < 7)
    }
}

fn list(text: &str, item: impl FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    text.split(',').try_for_each(item)
}

fn bits(text: &str, field: &str, range: RangeInclusive<u32>, names: &[&str]) -> Result<u64, String> {
    let mut bits = 0;
    list(text, |item| {
        bits |= item_bits(item, field, &range, names)?;
        Ok(())
    })?;
    Ok(bits)
}

fn item_bits(item: &str, field: &str, range: &RangeInclusive<u32>, names: &[&str]) -> Result<u64, String> {
    Ok(item_values(item, field, range, names)?.fold(0, |bits, value| bits | 1 << value))
}

/// `*`, `5`, `1-5`, and each with `/step`; `5/2` goes on to the end.
fn item_values(
    item: &str,
    field: &str,
    range: &RangeInclusive<u32>,
    names: &[&str],
) -> Result<std::iter::StepBy<RangeInclusive<u32>>, String> {
    let (values, step) = match item.split_once('/') {
        Some((values, step)) => (values, Some(number(step, "step", &(1..=u32::MAX), &[])?)),
        None => (item, None),
    };
    let (first, last) = match values.split_once('-') {
        _ if values == "*" => (*range.start(), *range.end()),
        Some((first, last)) => (number(first, field, range, names)?, number(last, field, range, names)?),
        None => {
            let first = number(values, field, range, names)?;
            (first, if step.is_some() { *range.end() } else { first })
        }
    };
    if first > last {
        return Err(format!("{field}: {item} ends before it starts"));
    }
    Ok((first..=last).step_by(step.unwrap_or(1) as usize))
}

fn number(text: &str, field: &str, range: &RangeInclusive<u32>, names: &[&str]) -> Result<u32, String> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(at as u32 + range.start());
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value| digits && range.contains(value));
    value.ok_or_else(|| format!("{field}: `{text}` is not from {} to {}", range.start(), range.end()))
}
