//! Split roles: the gateway in one process, commerce (all rooms) in others, HTTP between.
//!
//! The gateway keeps nothing: no store, no keys of persons. Who asks it finds out by asking commerce, for a second at a
//! time; what it then asks the rooms carries a pass: the caller as a signed statement that holds for a minute.

pub mod commerce;
pub mod gateway;
mod pass;

pub use pass::Passes;

/// Where commerce answers who asks.
const IDENTITY: &str = "/internal/identity";
/// Where commerce answers operations of a room: its name follows.
const GRAPH: &str = "/internal/graph";
/// Where the payment provider sends its webhooks.
const WEBHOOK: &str = "/webhooks/payments";

/// What commerce is asked about a caller: the headers as the client sent them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    authorization: Option<String>,
    channel: Option<String>,
    accept_language: Option<String>,
}

/// What commerce makes of it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Known {
    principal: emporia_contracts::Principal,
    channel: emporia_contracts::values::ChannelKey,
    locale: emporia_contracts::values::Locale,
}
