#![doc = include_str!("../README.md")]

mod answers;
mod backups;
mod cursors;
mod http;
mod imports;
mod input;
mod issuer;
mod operations;
mod passkeys;
mod settings;
mod shop;
mod sockets;
mod supergraphs;
mod tokens;
mod values;
mod webhooks;

/// A name, and what is done with the bytes of one execution: it panics when something does not hold.
pub type Target = (&'static str, fn(&[u8]));

/// What is fuzzed.
pub const TARGETS: [Target; 15] = [
    ("answers", answers::run),
    ("backups", backups::run),
    ("cursors", cursors::run),
    ("http", http::run),
    ("imports", imports::run),
    ("issuer", issuer::run),
    ("operations", operations::run),
    ("passkeys", passkeys::run),
    ("replays", imports::replay),
    ("settings", settings::run),
    ("sockets", sockets::run),
    ("supergraphs", supergraphs::run),
    ("tokens", tokens::run),
    ("values", values::run),
    ("webhooks", webhooks::run),
];

/// One execution of a target.
///
/// # Panics
/// When something does not hold that should; when there is no target of this name.
pub fn run(target: &str, bytes: &[u8]) {
    match TARGETS.iter().find(|(name, _)| *name == target) {
        Some((_, run)) => run(bytes),
        None => panic!("there is no target {target}"),
    }
}
