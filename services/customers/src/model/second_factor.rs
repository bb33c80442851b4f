use emporia_contracts::ids::OperatorId;
use emporia_store::{Document, Key};
use emporia_vault::Sealed;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What an operator shows beside his password: the code of an authenticator app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecondFactor {
    /// The secret, in base 32.
    pub(crate) secret: Sealed,
    /// Since when it is asked for: he has shown a first code.
    pub(crate) confirmed_at: Option<Timestamp>,
    /// The last half minute whose code was shown: no code works twice.
    pub(crate) last_step: u64,
    /// Keyed hashes of codes that stand in for the app, each once.
    pub(crate) recovery: Vec<String>,
    /// Wrong codes since the last right one.
    pub(crate) failures: u32,
    /// No code is looked at before.
    pub(crate) locked_until: Option<Timestamp>,
}

/// A sign-in whose second step is still to come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HalfSignIn {
    /// Hash of the secret that leads to it.
    pub(crate) hash: String,
    pub(crate) operator: OperatorId,
    /// Hash of the stored password: a changed one ends it.
    pub(crate) password: String,
    pub(crate) expires_at: Timestamp,
}

impl HalfSignIn {
    pub(crate) fn key_of(hash: &str) -> Key {
        Key::of(Self::COLLECTION, hash)
    }
}

impl Document for HalfSignIn {
    const COLLECTION: &'static str = "half-sign-in";

    fn key(&self) -> Key {
        Self::key_of(&self.hash)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
