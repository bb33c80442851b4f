//! The pass: who asks, as the gateway tells the rooms, signed with the key that both have.

use emporia_auth::{KeyedHash, same_secret};
use emporia_contracts::{
    GuestKey, Principal,
    values::{ChannelKey, Locale},
};
use emporia_id::SharedClock;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The header with the pass.
pub(super) const HEADER: &str = "emporia-pass";
/// How long a pass holds: longer than clocks differ and calls wait.
const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// Keeps these signatures apart from others under the same key.
const PURPOSE: &str = "gateway-pass";

/// Makes and checks passes.
#[derive(Clone)]
pub struct Passes {
    key: KeyedHash,
    clock: SharedClock,
}

/// Who asks, where, and in which words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bearer {
    pub(super) principal: Principal,
    pub(super) guest: Option<GuestKey>,
    pub(super) channel: ChannelKey,
    pub(super) locale: Locale,
    pub(super) correlation_id: String,
    /// His network address, as the gateway sees it.
    #[serde(default)]
    pub(super) client: Option<IpAddr>,
}

/// What is signed: nobody, when the gateway asks for itself.
#[derive(Serialize, Deserialize)]
struct Statement {
    until: i64,
    bearer: Option<Bearer>,
}

impl Passes {
    /// With the key that gateway and commerce share: at least 32 random bytes.
    pub fn new(key: &str, clock: SharedClock) -> Self {
        Self { key: KeyedHash::new(key), clock }
    }

    /// A pass for a caller, or for the gateway itself.
    pub(super) fn issue(&self, bearer: Option<Bearer>) -> String {
        let until = self.clock.now().as_second().saturating_add(LIFETIME.as_secs());
        // Plain values in plain structures always have a JSON form; an empty one is accepted nowhere.
        let statement = serde_json::to_string(&Statement { until, bearer }).unwrap_or_default();
        // Headers are ASCII; a language or a name need not be.
        let statement: String = statement.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{statement}.{}", self.key.of(PURPOSE, &statement))
    }

    /// The caller of a pass, or none for the gateway itself.
    ///
    /// # Errors
    /// What is wrong with it, in words for the log: it is told to nobody else.
    pub(super) fn check(&self, pass: &str) -> Result<Option<Bearer>, &'static str> {
        let (statement, signature) = pass.split_once('.').ok_or("it has no signature")?;
        if !same_secret(&self.key.of(PURPOSE, statement), signature) {
            return Err(
                "its signature is not of our key: gateway and commerce need the same secrets.internal_key",
            );
        }
        let bytes = (0..statement.len())
            .step_by(2)
            .map(|at| statement.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()));
        let bytes: Option<Vec<u8>> = bytes.collect();
        let statement: Option<Statement> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let statement = statement.ok_or("it is of another release")?;
        if statement.until < self.clock.now().as_second() {
            return Err("it has expired: the clocks of gateway and commerce differ by more than a minute");
        }
        Ok(statement.bearer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use emporia_id::FixedClock;
    use std::sync::Arc;

    fn bearer() -> Bearer {
        Bearer {
            principal: Principal::Anonymous,
            guest: Some(GuestKey("k".into())),
            channel: "eu".parse().unwrap(),
            locale: "de".parse().unwrap(),
            correlation_id: "r-1 ü".into(),
            client: Some("203.0.113.7".parse().unwrap()),
        }
    }

    #[test]
    fn a_pass_holds_for_a_minute_under_its_own_key_as_it_was_made() {
        let clock = Arc::new(FixedClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let passes = Passes::new("a key of this test, 32 bytes long", clock.clone());
        let pass = passes.issue(Some(bearer()));
        assert_eq!(passes.check(&pass), Ok(Some(bearer())));
        assert_eq!(passes.check(&passes.issue(None)), Ok(None));
        let other = Passes::new("another key of this test, 32 long", clock.clone());
        assert!(other.check(&pass).unwrap_err().starts_with("its signature"));
        let changed = pass.replacen('7', "6", 1);
        assert!(passes.check(&changed).unwrap_err().starts_with("its signature"));
        assert!(passes.check("").is_err());
        clock.advance(SignedDuration::from_secs(61));
        assert!(passes.check(&pass).unwrap_err().starts_with("it has expired"));
    }
}
