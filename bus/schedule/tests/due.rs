//! When schedules are due.

use emporia_schedule_expression::{Api, Clock, Schedule, Skipped};
use jiff::{Timestamp, tz::TimeZone};

fn berlin() -> Clock {
    Clock::new(TimeZone::get("Europe/Berlin").unwrap(), "2026-01-01T00:00:00Z".parse().unwrap())
}

fn utc() -> Clock {
    Clock::utc("2026-01-01T00:00:00Z".parse().unwrap())
}

/// The next few instants, as the clock shows them.
fn due(expression: &str, after: &str, count: usize, clock: &Clock) -> Vec<String> {
    let schedule = Schedule::parse(expression, Api::Scheduler).unwrap();
    let first = schedule.after(after.parse().unwrap(), clock);
    std::iter::successors(first, |due: &Timestamp| schedule.after(*due, clock))
        .take(count)
        .map(|due| due.to_zoned_datetime(clock.zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string())
        .collect()
}

#[test]
fn a_rate_counts_from_the_start() {
    assert_eq!(
        due("rate(90 minutes)", "2025-06-01T00:00:00Z", 2, &utc()),
        ["2026-01-01T00:00+00:00", "2026-01-01T01:30+00:00"]
    );
    assert_eq!(due("rate(1 day)", "2026-01-03T00:00:00Z", 1, &utc()), ["2026-01-04T00:00+00:00"]);
    // A day has 24 hours, on the day that summer time begins too.
    assert_eq!(
        due("rate(1 day)", "2026-03-28T12:00:00Z", 2, &berlin()),
        ["2026-03-29T01:00+01:00", "2026-03-30T02:00+02:00"]
    );
    assert!(due("rate(106751991167300 days)", "2026-01-02T00:00:00Z", 1, &utc()).is_empty());
}

#[test]
fn calendars_know_months_weeks_and_last_days() {
    let cases: [(&str, &[&str]); 14] = [
        ("cron(0 10 * * ? *)", &["2026-01-31T10:00+00:00", "2026-02-01T10:00+00:00"]),
        (
            "cron(0/25 8-9 ? * MON-FRI *)",
            &[
                "2026-02-02T08:00+00:00",
                "2026-02-02T08:25+00:00",
                "2026-02-02T08:50+00:00",
                "2026-02-02T09:00+00:00",
            ],
        ),
        ("cron(0 8 31 * ? *)", &["2026-01-31T08:00+00:00", "2026-03-31T08:00+00:00"]),
        ("cron(0 8 L * ? *)", &["2026-01-31T08:00+00:00", "2026-02-28T08:00+00:00"]),
        ("cron(0 8 LW * ? *)", &["2026-02-27T08:00+00:00", "2026-03-31T08:00+00:00"]),
        // The 1st of February is a Sunday, the 15th too; the 31st of May is a Sunday.
        (
            "cron(0 8 1W * ? *)",
            &["2026-02-02T08:00+00:00", "2026-03-02T08:00+00:00", "2026-04-01T08:00+00:00"],
        ),
        ("cron(0 8 15W 2,8 ? *)", &["2026-02-16T08:00+00:00", "2026-08-14T08:00+00:00"]),
        ("cron(0 8 31W 1,5 ? *)", &["2026-05-29T08:00+00:00", "2027-01-29T08:00+00:00"]),
        ("cron(0 8 ? * 6L *)", &["2026-02-27T08:00+00:00", "2026-03-27T08:00+00:00"]),
        ("cron(0 8 ? * TUE#1 *)", &["2026-02-03T08:00+00:00", "2026-03-03T08:00+00:00"]),
        ("cron(0 8 ? * 1#5 *)", &["2026-03-29T08:00+00:00", "2026-05-31T08:00+00:00"]),
        ("cron(0 8 ? * L *)", &["2026-01-31T08:00+00:00", "2026-02-07T08:00+00:00"]),
        ("cron(0 8 29 2 ? *)", &["2028-02-29T08:00+00:00", "2032-02-29T08:00+00:00"]),
        ("cron(59 23 31 12 ? 2025-2027/2)", &["2027-12-31T23:59+00:00"]),
    ];
    for (expression, expected) in cases {
        let found = due(
            expression,
            "2026-01-31T00:00:00Z",
            expected.len() + usize::from(expected.len() == 1),
            &utc(),
        );
        assert_eq!(found, expected, "{expression}");
    }
}

#[test]
fn times_that_the_clock_jumps_over_run_after_the_jump() {
    assert_eq!(
        due("cron(30 2 * * ? *)", "2026-03-28T00:00:00Z", 3, &berlin()),
        ["2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]
    );
    // Several of them once, and what is due then anyway is due once too.
    assert_eq!(
        due("cron(0/30 1-3 29 3 ? 2026)", "2026-03-28T00:00:00Z", 9, &berlin()),
        [
            "2026-03-29T01:00+01:00",
            "2026-03-29T01:30+01:00",
            "2026-03-29T03:00+02:00",
            "2026-03-29T03:30+02:00"
        ]
    );
    assert_eq!(
        due("at(2026-03-29T02:10:00)", "2026-03-28T00:00:00Z", 2, &berlin()),
        ["2026-03-29T03:00+02:00"]
    );
    let dropping = Clock { skipped: Skipped::Dropped, ..berlin() };
    assert_eq!(
        due("cron(30 2 * * ? *)", "2026-03-28T00:00:00Z", 2, &dropping),
        ["2026-03-28T02:30+01:00", "2026-03-30T02:30+02:00"]
    );
}

#[test]
fn times_that_the_clock_shows_twice_run_once() {
    assert_eq!(
        due("cron(0/30 1-3 25 10 ? 2026)", "2026-10-24T00:00:00Z", 9, &berlin()),
        [
            "2026-10-25T01:00+02:00",
            "2026-10-25T01:30+02:00",
            "2026-10-25T02:00+02:00",
            "2026-10-25T02:30+02:00",
            "2026-10-25T03:00+01:00",
            "2026-10-25T03:30+01:00"
        ]
    );
    // Asked in the second half past two.
    assert_eq!(due("cron(30 2 * * ? *)", "2026-10-25T01:15:00Z", 1, &berlin()), ["2026-10-26T02:30+01:00"]);
}

#[test]
fn zones_that_skip_a_day_lose_none() {
    // Apia went from the 29th to the 31st of December 2011.
    let apia = Clock::new(TimeZone::get("Pacific/Apia").unwrap(), Timestamp::UNIX_EPOCH);
    assert_eq!(
        due("cron(0 12 * * ? 2011-2012)", "2011-12-29T00:00:00Z", 3, &apia),
        ["2011-12-29T12:00-10:00", "2011-12-31T00:00+14:00", "2011-12-31T12:00+14:00"]
    );
}

#[test]
fn once_is_once() {
    assert_eq!(
        due("at(2026-12-24T18:00:00)", "2026-01-01T00:00:00Z", 2, &berlin()),
        ["2026-12-24T18:00+01:00"]
    );
    assert!(due("at(2026-12-24T18:00:00)", "2026-12-24T17:00:00Z", 1, &berlin()).is_empty());
}

#[test]
fn what_is_never_due_is_known_at_once() {
    for expression in [
        "cron(0 0 30 2 ? *)",
        "cron(0 0 * * ? 1970-2025)",
        "cron(0 0 31 2,4,6 ? *)",
        "cron(0 0 ? 2 1#5 2199)",
    ] {
        assert!(due(expression, "2026-01-01T00:00:00Z", 1, &berlin()).is_empty(), "{expression}");
    }
    assert!(due("cron(* * * * ? *)", "9999-12-30T22:00:00Z", 1, &utc()).is_empty());
    assert_eq!(due("cron(* * * * ? *)", "-009999-01-02T02:00:00Z", 1, &utc()), ["1970-01-01T00:00+00:00"]);
}

#[test]
fn refusals_use_the_words_of_the_api_and_give_a_reason() {
    let cases = [
        ("rate(0 minutes)", "`0` is no positive number"),
        ("rate(5 weeks)", "`weeks` is none of minutes, hours and days"),
        ("rate(5)", "rate has a value and a unit, with a blank between them"),
        ("cron(0 0 * * *)", "cron has six fields, and here are 5"),
        ("cron(0 0 * * MON *)", "one of day of month and day of week must be `?`"),
        ("cron(60 0 * * ? *)", "minutes: `60` is not from 0 to 59"),
        ("cron(0 9-8 * * ? *)", "hours: 9-8 ends before it starts"),
        ("cron(0/0 9 * * ? *)", "step: `0` is not from 1 to 4294967295"),
        ("cron(0 9 ? * MON#6 *)", "number after #: `6` is not from 1 to 5"),
        ("cron(0 9 * ? * *)", "one of day of month and day of week must be `?`"),
        ("at(2026-02-30T00:00:00)", "`2026-02-30T00:00:00` is no time like 2026-12-24T18:00:00"),
        ("every day", "it is none of at(…), rate(…) and cron(…)"),
    ];
    for (expression, reason) in cases {
        let refused = Schedule::parse(expression, Api::Scheduler).unwrap_err();
        assert_eq!(
            (refused.reason.as_str(), refused.to_string()),
            (reason, format!("Invalid Schedule Expression {expression}."))
        );
    }
    assert!(Schedule::parse("at(2026-12-24T18:00:00)", Api::Rule).is_err());
}
