#![doc = include_str!("../README.md")]

mod clock;
mod cron;
mod schedule;

pub use clock::{Clock, Skipped};
pub use schedule::{Api, InvalidSchedule, Schedule};
