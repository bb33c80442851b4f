#![doc = include_str!("../README.md")]

mod compose;
mod delivery;
mod language;
mod mime;
mod model;
mod personal;
mod projections;
mod service;

pub use model::{MailBody, MailId, MailKind, MailState, space};
pub use projections::MailFollowsOrders;
pub use service::{MailError, MailOptions, MailService, MailSummary, OpenMail};
