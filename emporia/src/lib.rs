#![doc = include_str!("../README.md")]

pub mod audit;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod fresh;
pub mod front;
pub mod graph;
pub mod identity;
pub mod import;
pub mod platform;
pub mod serve;
pub mod split;
pub mod web;
