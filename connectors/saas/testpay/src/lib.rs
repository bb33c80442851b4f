#![doc = include_str!("../README.md")]

mod amount;
pub mod api;
mod authorisation;
mod authorise;
pub mod cards;
pub mod client;
mod config;
mod entries;
mod faults;
mod http;
mod idempotency;
mod ids;
mod ledger;
mod movements;
mod pages;
mod problem;
mod provider;
mod queue;
mod record;
mod server;
mod sessions;
mod tokens;
pub mod webhook;
mod worker;

pub use client::TestpayClient;
pub use config::{Clock, Config, Secret, Timings, WebhookTarget};
pub use provider::TestpayProvider;
pub use server::{ServeError, serve};
