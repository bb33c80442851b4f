use crate::{clock::Clock, cron::Cron};
use jiff::{SignedDuration, Timestamp, civil::DateTime};

/// When something is due: once, every so often, or by the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    At(DateTime),
    Rate(SignedDuration),
    Cron(Cron),
}

/// Whose expressions they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Rules of a bus (PutRule).
    Rule,
    /// EventBridge Scheduler (CreateSchedule).
    Scheduler,
}

/// An expression that is refused. The text is that of the API; `reason` is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", message(*.api, .expression))]
pub struct InvalidSchedule {
    /// Whose words to use.
    pub api: Api,
    /// As given.
    pub expression: String,
    /// What is wrong, and where.
    pub reason: String,
}

fn message(api: Api, expression: &str) -> String {
    match api {
        Api::Rule => "Parameter ScheduleExpression is not valid.".to_owned(),
        Api::Scheduler => format!("Invalid Schedule Expression {expression}."),
    }
}

/// The longest that either API takes.
const LONGEST: usize = 256;

impl Schedule {
    /// # Errors
    /// If the API would refuse it.
    pub fn parse(expression: &str, api: Api) -> Result<Self, InvalidSchedule> {
        let kind = kind(expression, api);
        kind.map(Self).map_err(|reason| InvalidSchedule { api, expression: expression.to_owned(), reason })
    }

    /// When it is due next after an instant; none if it is never due again. The start itself counts for `rate`.
    pub fn after(&self, instant: Timestamp, clock: &Clock) -> Option<Timestamp> {
        match &self.0 {
            Kind::At(shown) => clock.instant(*shown).filter(|due| *due > instant),
            Kind::Rate(period) => {
                let (start, period) = (clock.start.as_nanosecond(), period.as_nanos());
                let passed = instant.as_nanosecond() - start;
                let periods = if passed < 0 { 0 } else { passed / period + 1 };
                Timestamp::from_nanosecond(periods.checked_mul(period)?.checked_add(start)?).ok()
            }
            Kind::Cron(cron) => {
                // What the clock showed before it shows this is not due any more: later on the clock is never earlier.
                let mut shown = cron.not_before(clock.zone.to_datetime(instant))?;
                loop {
                    match clock.instant(shown) {
                        Some(due) if due > instant => return Some(due),
                        // Shown a second time, skipped, or right now.
                        _ => {
                            shown = cron.not_before(shown.checked_add(SignedDuration::from_secs(1)).ok()?)?
                        }
                    }
                }
            }
        }
    }
}

fn kind(expression: &str, api: Api) -> Result<Kind, String> {
    if expression.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    let inside = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(text) = inside("rate") {
        return rate(text, api).map(Kind::Rate);
    }
    if let Some(text) = inside("cron") {
        return Cron::parse(text).map(Kind::Cron);
    }
    match inside("at") {
        Some(text) if api == Api::Scheduler => at(text).map(Kind::At),
        Some(_) => Err("rules know rate and cron only".into()),
        None => Err("it is none of at(…), rate(…) and cron(…)".into()),
    }
}

fn rate(text: &str, api: Api) -> Result<SignedDuration, String> {
    let (value, unit) =
        text.split_once(' ').ok_or("rate has a value and a unit, with a blank between them")?;
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let value: i64 = value
        .parse()
        .ok()
        .filter(|value| digits && *value > 0)
        .ok_or_else(|| format!("`{value}` is no positive number"))?;
    let (one, seconds) = match unit {
        "minute" | "minutes" => ("minute", 60),
        "hour" | "hours" => ("hour", 3_600),
        "day" | "days" => ("day", 86_400),
        _ => return Err(format!("`{unit}` is none of minutes, hours and days")),
    };
    if api == Api::Rule && (value == 1) != (unit == one) {
        let s = if value == 1 { "" } else { "s" };
        return Err(format!("{value} is followed by `{one}{s}`, not by `{unit}`"));
    }
    value
        .checked_mul(seconds)
        .map(SignedDuration::from_secs)
        .ok_or_else(|| format!("{value} {unit} is for ever"))
}

/// `yyyy-mm-ddThh:mm:ss`
fn at(text: &str) -> Result<DateTime, String> {
    let shape = b"0000-00-00T00:00:00";
    let fits = text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        });
    let time = if fits { text.parse().ok() } else { None };
    time.ok_or_else(|| format!("`{text}` is no time like 2026-12-24T18:00:00"))
}
